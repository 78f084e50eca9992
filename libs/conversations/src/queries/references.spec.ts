import { beforeAll, expect, it } from '@jest/globals';
import type { Database } from '#database';
import { describeOnEveryDatabase } from '#database/testing';
import { Identity1700000000001 } from '#identity';
import { Store1700000000002 } from '../migrations/0001-store.js';
import { contactOf, keepReference, referenceOf, ticketsOf } from './references.js';

describeOnEveryDatabase('tickets of a contact', (open) => {
  let database: Database;

  beforeAll(async () => {
    database = await open({ entities: [], migrations: [Identity1700000000001, Store1700000000002] });
    await database.query(
      `insert into destination (id, type, config) values ('desk', 'rt', '{}'), ('other', 'rt', '{}')`,
    );
    await database.query(`insert into company (id, name, level) values ('cmp_1', 'Acme', 'vip')`);
    await database.query(
      `insert into contact (id, name, company_id) values ('con_1', 'Wang', 'cmp_1'), ('con_2', 'Li', null)`,
    );
    await database.query(`insert into conversation (id, contact_id, continuity, status) values
      ('cnv_1', 'con_1', 'contact', 'open'), ('cnv_2', 'con_1', 'contact', 'pending'), ('cnv_3', 'con_1', 'contact', 'closed'), ('cnv_4', 'con_2', 'contact', 'open')`);
    for (const [conversationId, destinationId] of [
      ['cnv_1', 'desk'],
      ['cnv_2', 'desk'],
      ['cnv_3', 'desk'],
      ['cnv_4', 'desk'],
      ['cnv_1', 'other'],
    ])
      await keepReference(
        database,
        { conversationId: conversationId!, destinationId: destinationId! },
        { ticketId: `${conversationId}-${destinationId}` },
      );
  });

  it('are those of open conversations, of one destination, that were there before', async () => {
    const before = new Date(Date.now() + 60_000).toISOString();
    const place = { contactId: 'con_1', destinationId: 'desk', before };
    expect(await ticketsOf(database, place)).toEqual([
      { conversationId: 'cnv_1', ticketId: 'cnv_1-desk' },
      { conversationId: 'cnv_2', ticketId: 'cnv_2-desk' },
    ]);
    await database.query(`update reference set updated_at = now() + interval '1 hour' where conversation_id = 'cnv_1'`);
    expect(await ticketsOf(database, place)).toMatchObject([{ conversationId: 'cnv_2' }]);
  });

  it('tell whose they are now', async () => {
    expect(await contactOf(database, 'cnv_1')).toMatchObject({ id: 'con_1', name: 'Wang', company: { level: 'vip' } });
    await database.query(`update company set level = 'gold' where id = 'cmp_1'`);
    expect(await contactOf(database, 'cnv_2')).toMatchObject({ company: { level: 'gold' } });
    expect(await contactOf(database, 'cnv_none')).toBeNull();
  });

  it('are of whom they were first, whoever shares them later', async () => {
    for (const [conversationId, at] of [
      ['cnv_4', '2026-01-01'],
      ['cnv_2', '2026-01-02'],
      ['cnv_3', '2026-01-03'],
    ])
      await database.query(
        `update reference set ticket_id = 'shared', updated_at = $2 where destination_id = 'desk' and conversation_id = $1`,
        [conversationId!, at!],
      );
    const known = (id: string) => referenceOf(database, id, 'desk');
    expect(await known('cnv_4')).toMatchObject({ ofAnother: false, sharedWith: ['Wang'] });
    for (const id of ['cnv_2', 'cnv_3']) expect(await known(id)).toMatchObject({ ofAnother: true, sharedWith: ['Li'] });
    await database.query(`update conversation set contact_id = 'con_1' where id = 'cnv_4'`);
    expect(await known('cnv_3')).toMatchObject({ ofAnother: false, sharedWith: [] });
  });
});

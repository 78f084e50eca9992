import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import type { Database } from '#database';
import { describeOnEveryDatabase } from '#database/testing';
import { Intake } from '../intake/intake.js';
import { Files, FileUrls, LocalFileStore } from '../media/index.js';
import { prune } from '../outbox/retention.js';
import { Replies } from '../reply/replies.js';
import { CHANNELS, findText, live } from '../testing/life.js';
import { addAccount, addDestination, eventsOf, message, STORE } from '../testing/store.js';
import { sealAudit, verifyAudit, writeAudit } from './audit.js';

const DAY = 86_400;

describeOnEveryDatabase('what is kept for a time of its own', (open) => {
  let database: Database;
  let folder: string;
  let files: Files;

  beforeAll(async () => {
    database = await open(STORE);
    folder = await mkdtemp(join(tmpdir(), 'retention-'));
    const urls = new FileUrls('a secret', 'https://x.example');
    files = new Files({ database, store: new LocalFileStore(folder), maxBytes: 10_000, urls });
    await addAccount(database, { id: 'sms' });
    await addAccount(database, { id: 'web', type: 'webchat', hosted: true });
    await addDestination(database, { id: 'desk' });
  });
  afterAll(async () => {
    await database.close();
    await rm(folder, { recursive: true, force: true });
  });

  const onDisk = async (): Promise<number> => {
    await files.removeErased();
    const entries = await readdir(folder, { recursive: true, withFileTypes: true });
    return entries.filter((entry) => entry.isFile()).length;
  };
  const age = async (conversationId: string | null, days: number): Promise<void> => {
    await database.query(
      `update message set received_at = now() - make_interval(days => $2) where conversation_id = $1`,
      [conversationId, days],
    );
    await database.query(`update event set created_at = now() - make_interval(days => $2) where conversation_id = $1`, [
      conversationId,
      days,
    ]);
  };
  const close = (conversationId: string | null, days: number) =>
    database.query(
      `update conversation set status = 'closed', closed_at = now() - make_interval(days => $2) where id = $1`,
      [conversationId, days],
    );
  const arrive = async (from: string, text: string) =>
    (await new Intake(database).accept('sms', [message(from, text)]))[0]!;
  const texts = (conversationId: string | null) =>
    database.query('select text from message where conversation_id = $1 order by sequence', [conversationId]);

  it('keeps messages and attachments for ever, unless told', async () => {
    const { conversationId } = await arrive('+8613700000001', 'old');
    await age(conversationId, 4_000);
    await close(conversationId, 4_000);
    await prune(database);
    expect(await texts(conversationId)).toEqual([{ text: 'old' }]);
  });

  it('forgets messages of conversations that ended so long ago, with files, units and what the stream said', async () => {
    const life = await live(database, files, 'ancient5e');
    const before = await onDisk();
    await database.query('delete from outbox');
    await database.query(`update unit set status = 'sent'`);
    await database.query(`update message set status = 'sent' where status = 'queued'`);
    await database.query(`delete from unit where message_id like 'ntc_%'`); // one that waits to be sent belongs to no message
    for (const id of life.conversationIds) {
      await age(id, 40);
      await close(id, 40);
    }
    const open = await arrive('+8613700000002', 'open');
    await age(open.conversationId, 40);
    const late = await arrive('+8613700000003', 'first');
    await age(late.conversationId, 40);
    await close(late.conversationId, 40);
    await database.query(`update message set received_at = now() where conversation_id = $1`, [late.conversationId]);

    await prune(database, { messages: 30 * DAY });
    const found = await findText(database, 'ancient5e');
    for (const table of ['message', 'unit', 'file', 'external_ref']) expect([table, found[table]]).toEqual([table, undefined]); // prettier-ignore
    expect(found['contact']).toBeDefined();
    const told = await database.query('select 1 from event where conversation_id is not null and position($1 in data::text) > 0', ['ancient5e']); // prettier-ignore
    expect(told).toEqual([]);
    expect((await eventsOf(database, life.conversationIds[0]!)).map(({ data }) => data)).toContain(null);
    expect(await onDisk()).toBe(before - 1);
    expect([await texts(open.conversationId), await texts(late.conversationId)]).toEqual([[{ text: 'open' }], [{ text: 'first' }]]); // prettier-ignore
  });

  it('leaves what is still to be sent: later, in a lane that waits, or another way', async () => {
    const { conversationId } = await arrive('+8613700000006', 'of long ago');
    const replies = new Replies(database, CHANNELS);
    const answer = (text: string, more: object = {}) =>
      database.transaction((sql) =>
        replies.reply(sql, conversationId!, {
          ...{ parts: [{ type: 'text', text }], author: { kind: 'agent', name: 'x' } },
          ...more,
        } as never),
      );
    const sent = (id: string) =>
      database.query(
        `with s as (select settle_unit(u.id, 'sent', '{}', null, now()) from unit u where u.message_id = $1) select count(*) from s`,
        [id],
      );
    await answer('in two months', { sendAt: new Date(Date.now() + 60 * DAY * 1_000).toISOString() });
    await answer('in a lane');
    await sent((await answer('another way', { fallback: [{ accountId: 'sms', after: 9_999 }] })).id);
    await sent((await answer('sent')).id);
    await database.query('delete from outbox');
    await age(conversationId, 40);
    await close(conversationId, 40);
    await prune(database, { messages: 30 * DAY });
    expect(await texts(conversationId)).toEqual(
      ['in two months', 'in a lane', 'another way'].map((text) => ({ text })),
    );
    const told = (await eventsOf(database, conversationId)).flatMap(({ data }) => data?.message?.text ?? []);
    expect([...new Set(told)]).toEqual(['in two months', 'in a lane', 'another way']);
    await database.query(`update message set status = 'failed' where conversation_id = $1`, [conversationId]);
    await database.query(`update unit set status = 'failed'`);
    await prune(database, { messages: 30 * DAY });
    expect(await texts(conversationId)).toEqual([]);
  });

  it('leaves an event whole that still waits to be delivered', async () => {
    const { conversationId } = await arrive('+8613700000004', 'waiting');
    await age(conversationId, 40);
    await close(conversationId, 40);
    await prune(database, { messages: 30 * DAY });
    expect(await texts(conversationId)).toEqual([]);
    expect(JSON.stringify(await eventsOf(database, conversationId))).toContain('waiting');
  });

  it('forgets attachments of that age, and the message says so', async () => {
    const { id } = await arrive('+8613700000005', 'with a file');
    const [old, young] = [
      await files.store(database, Buffer.from('old'), { name: 'old.txt' }),
      await files.store(database, Buffer.from('young'), { name: 'young.txt' }),
    ];
    const parts = [old, young].map((file) => ({ type: 'media', fileId: file.id, state: 'ready' }));
    await database.query('update message set parts = $2::jsonb where id = $1', [id, JSON.stringify(parts)]);
    await database.query('update file set message_id = $1 where id = any ($2)', [id, [old.id, young.id]]);
    await database.query(`update file set created_at = now() - interval '40 days' where id = $1`, [old.id]);
    const before = await onDisk();
    await prune(database, { files: 30 * DAY });
    expect(await onDisk()).toBe(before - 1);
    const [row] = await database.query<{ parts: { state: string }[] }>('select parts from message where id = $1', [id]);
    expect(row!.parts.map(({ state }) => state)).toEqual(['unavailable', 'ready']);
    await expect(files.open(old.id)).rejects.toMatchObject({ name: 'NotFound' });
  });

  it('forgets the oldest of the audit log, and what is left can still be verified', async () => {
    const entry = (days: number) => ({
      ...{ at: Date.now() - days * DAY * 1_000, keyId: 'key_1', action: 'GET /v1/x', targets: [] },
      ...{ parameters: [], status: 200, requestId: null },
    });
    await writeAudit(database, [entry(400), entry(390), entry(2), entry(1)]);
    await sealAudit(database);
    await prune(database, { audit: 365 * DAY });
    expect(await database.query('select link from audit order by link')).toMatchObject([{ link: 3 }, { link: 4 }]);
    expect(await verifyAudit(database)).toMatchObject({ entries: 2, fault: null, head: { link: 4 } });
    await database.query('delete from audit where link = 3');
    expect((await verifyAudit(database)).fault).toEqual({ link: 3, reason: 'missing' });
  });
});

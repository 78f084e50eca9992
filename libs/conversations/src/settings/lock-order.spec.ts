import { beforeAll, expect, it } from '@jest/globals';
import { z } from 'zod';
import type { Database, Sql } from '#database';
import { describeOnPostgres } from '#database/testing';
import { STORE } from '../testing/store.js';
import { DestinationStore } from './destinations.js';
import { Vault } from './vault.js';

describeOnPostgres('many rows are locked in the order of their ids', (open) => {
  let database: Database;

  beforeAll(async () => {
    database = await open(STORE);
    await database.query(`insert into company (id, name) values ('com', 'One')`);
    // Stored against that order, so that they are found against it.
    for (const [ticket, id] of ['b', 'a'].entries()) {
      await database.query(`insert into contact (id, company_id, view) values ($1, 'com', '{}')`, [id]);
      await database.query(`insert into conversation (id, contact_id, continuity) values ($1, $1, 'contact')`, [id]);
      await database.query(`insert into reference (conversation_id, destination_id, ticket_id) values ($1, 'desk', $2)`, [id, ticket]); // prettier-ignore
    }
  });

  /** Somebody has the first row of `table`, and takes the second once `change` waits for one of them. */
  async function against(table: string, change: (sql: Sql) => Promise<unknown>): Promise<void> {
    const lock = `select 1 from ${table} where id = $1 for update`;
    let changed: Promise<unknown> | undefined;
    await database.transaction(async (sql) => {
      await sql.query(lock, ['a']);
      changed = database.transaction(change);
      changed.catch(() => undefined);
      const waiting = 'select count(*) as n from pg_locks where not granted';
      while ((await sql.query<{ n: number }>(waiting))[0]!.n === 0) await new Promise((done) => setTimeout(done, 5));
      await sql.query(lock, ['b']);
    });
    await changed;
  }

  it('where a company changes that its contacts show', async () => {
    await against('contact', (sql) => sql.query(`update company set name = 'Two'`));
    expect(await database.query('select 1 from contact where view is null')).toHaveLength(2);
  });

  it('where a destination is made anew, and the tickets of the old one are forgotten', async () => {
    const store = new DestinationStore({ database, vault: new Vault('the-key'), schema: () => z.object({}) });
    await store.create(database, { id: 'desk', type: 'any' });
    await store.remove(database, 'desk');
    await against('conversation', (sql) => store.create(sql, { id: 'desk', type: 'any' }));
    expect(await database.query('select 1 from reference')).toEqual([]);
  });
});

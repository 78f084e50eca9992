import { beforeAll, beforeEach, expect, it } from '@jest/globals';
import type { Database, Sql, Statement } from '#database';
import { describeOnPostgres } from '#database/testing';
import { addDestination, STORE } from '../testing/store.js';
import { Leases } from './leases.js';
import { Outbox } from './outbox.js';
import { prune } from './retention.js';

/** The texts of what is asked of the database. */
async function asked(database: Database, work: (recorder: Database) => Promise<unknown>): Promise<string[]> {
  const texts: string[] = [];
  const query = (statement: Statement | string, values?: readonly unknown[]): Promise<never[]> => {
    texts.push(typeof statement === 'string' ? statement : statement.text);
    return database.query(statement, values);
  };
  await work(Object.assign(Object.create(database) as Database, { query }));
  return texts;
}

/** The plan that a prepared statement keeps: one that knows none of its values. */
async function planOf(sql: Sql, text: string): Promise<string> {
  const count = Math.max(...[...text.matchAll(/\$(\d+)/g)].map(([, n]) => Number(n)));
  await sql.query('set local plan_cache_mode = force_generic_plan');
  await sql.query(`prepare plan_of as ${text}`);
  const rows = await sql.query<{ 'QUERY PLAN': string }>(
    `explain (costs off) execute plan_of (${Array(count).fill('null').join(', ')})`,
  );
  await sql.query('deallocate plan_of');
  return rows.map((row) => row['QUERY PLAN']).join('\n');
}

describeOnPostgres('plans of the outbox', (open) => {
  let database: Database;
  beforeAll(async () => void (database = await open(STORE)));
  beforeEach(() => database.query('truncate outbox, lease, destination, delivery'));

  /** Entries of a target, each in a lane of its own. */
  const fill = (target: string, count: number): Promise<unknown> =>
    database.query(
      `insert into outbox (partition, lane, kind, target_id, item_id)
       select n % 64, $1 || ':' || n, 'event', $1, 'evt_' || n from generate_series(1, $2::int) n`,
      [target, count],
    );

  it('a target reads its own entries only, however many wait for another', async () => {
    await fill('dead', 20_000);
    await fill('healthy', 64);
    await database.query('analyze outbox');
    const page = { after: 0, upTo: 1e9, limit: 64 };
    const [text] = await asked(database, (recorder) =>
      new Outbox(recorder).ofTarget({ kind: 'event', id: 'x' }, page, [1]),
    );
    const plan = await database.transaction((sql) => planOf(sql, text!));
    expect(plan).toMatch(
      /Index Scan using outbox_target on outbox[^\n]*\n\s*Index Cond: [^\n]*"position"\) > [^\n]*<= /,
    );
    const read = await new Outbox(database).ofTarget({ kind: 'event', id: 'healthy' }, { ...page, limit: 100 }, [1, 2]);
    expect(read.map(({ targetId, partition }) => [targetId, partition])).toEqual([
      ['healthy', 1],
      ['healthy', 2],
    ]);
  });

  it('what was tried is found by an index', async () => {
    await fill('dead', 20_000);
    await database.query('analyze outbox');
    const [text] = await asked(database, (recorder) => new Outbox(recorder).hasten({ kind: 'event', id: 'x' }, [1]));
    expect(await database.transaction((sql) => planOf(sql, text!))).toMatch(/outbox_tried/);
  });

  it('what is old is found by an index, and nothing is written where nothing is old', async () => {
    const texts = await asked(database, (recorder) => prune(recorder));
    expect(texts.filter((text) => !text.startsWith('select'))).toEqual([]);
    const aged = texts.filter((text) => !/early_receipt|shared_value|prune_/.test(text));
    const plans = await database.transaction(async (sql) => {
      await sql.query('set local enable_seqscan = off');
      const found: string[] = [];
      for (const text of aged) found.push(await planOf(sql, text));
      return found;
    });
    expect(plans).toHaveLength(8);
    for (const plan of plans) expect(plan).toMatch(/Index Cond: [^\n]* < \(?statement_timestamp/);
  });

  it('settling never scans the outbox, also by a plan that was made while it was empty', async () => {
    await addDestination(database, { id: 'hd' });
    const leases = new Leases(database);
    const [lease] = await leases.acquire(['outbox:1']);
    await fill('hd', 3);
    await database.query('analyze outbox');
    const items = (await database.query<{ position: number }>('select position from outbox')).map(
      ({ position }, index) => ({
        ...{ position, lease: lease!.name, token: lease!.token },
        ...[{ result: 'delivered' }, { result: 'retry', failure: {} }, { result: 'dropped' }][index],
      }),
    );
    const outcome = await database.transaction(async (sql) => {
      const scans = async (): Promise<number> =>
        Number(
          (
            await sql.query<{ n: string }>(
              `select seq_scan as n from pg_stat_xact_user_tables where relname = 'outbox'`,
            )
          )[0]?.n ?? 0,
        );
      const before = await scans();
      const settled = await sql.query('select settle_outbox($1, $2::jsonb)', [leases.holder, JSON.stringify(items)]);
      return { settled: settled.length, scans: (await scans()) - before };
    });
    expect(outcome).toEqual({ settled: 3, scans: 0 });
  });
});

import { afterAll, beforeAll, beforeEach, expect, it } from '@jest/globals';
import type { Database } from '#database';
import { describeOnEveryDatabase, describeOnPostgres } from '#database/testing';
import pg from 'pg';
import { pino } from 'pino';
import { LongTransactions } from './long-transactions.js';
import { Metrics } from './metrics.js';

let database: Database;
let metrics: Metrics;
let lines: { level: number; transaction: string }[];

beforeEach(() => void (lines = []));
afterAll(() => database.close());

const watch = (longS: number) => {
  metrics = new Metrics();
  const log = pino({}, { write: (line: string) => void lines.push(JSON.parse(line) as (typeof lines)[0]) });
  return new LongTransactions({ database, metrics, log }, longS);
};
const gauge = async () =>
  Number(/^tributary_oldest_transaction_seconds (.*)$/m.exec(await metrics.registry.metrics())?.[1]);

describeOnEveryDatabase('no transaction', (open) => {
  beforeAll(async () => {
    database = await open({ entities: [], migrations: [] });
  });

  it('raises no alarm', async () => {
    await watch(0.01).look();
    expect([lines, await gauge()]).toEqual([[], 0]);
  });
});

describeOnPostgres('a transaction that is left open', (open, place) => {
  it('raises the alarm, and stands in the metrics, until it ends', async () => {
    database = await open({ entities: [], migrations: [] });
    const { url } = await place();
    const client = new pg.Client({ connectionString: url, application_name: 'forgotten-console' });
    await client.connect();
    await client.query('begin');
    await client.query('select 1');
    await new Promise((resolve) => setTimeout(resolve, 60));
    await watch(3_600).look();
    expect(lines).toEqual([]);
    const found = watch(0.05);
    await found.look();
    expect(await gauge()).toBeGreaterThan(0.05);
    expect(lines).toMatchObject([{ level: 50, transaction: 'idle in transaction in forgotten-console' }]);
    await client.end();
    await found.look();
    expect(lines).toHaveLength(1);
  });
});

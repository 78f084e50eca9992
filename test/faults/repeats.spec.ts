import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { Intake, prune, storedKey } from '#conversations';
import type { Database } from '#database';
import { describeOnEveryDatabase } from '#database/testing';
import type { InboundEvent } from '#normalizer';
import { arrive, reset, STORE } from '../../apps/gateway/src/relay/testing/harness.js';

const HOUR = 3_600;
const DAY = 24 * HOUR;

const said = (dedupeKey: string, text = 'hello'): InboundEvent => ({
  kind: 'message',
  dedupeKey,
  thread: '+1',
  sender: { handles: [{ scheme: 'phone', scope: '', value: '+1', proof: 'channel' }] },
  from: 'contact',
  parts: [{ type: 'text', text }],
  externalIds: [],
});

describeOnEveryDatabase('what comes again', (open) => {
  let database: Database;
  let intake: Intake;

  beforeAll(async () => {
    database = await open(STORE);
    await reset(database);
    intake = new Intake(database);
  });
  afterAll(() => database.close());

  const age = (table: string, seconds: number) =>
    database.query(`update ${table} set received_at = received_at - make_interval(secs => $1)`, [seconds]);

  it.each([
    ['an hour', HOUR],
    ['a day', DAY],
    ['eight days', 8 * DAY],
    ['thirty days', 30 * DAY],
  ])('is known after %s, in another process and after old rows were deleted', async (_when, seconds) => {
    const key = `after-${seconds}`;
    const [first] = await intake.accept('sms', [said(key)]);
    await age('inbox', seconds);
    await prune(database);
    const [again] = await new Intake(database).accept('sms', [said(key)]);
    expect(again).toMatchObject({ id: first!.id, duplicate: true });
  });

  it('is forgotten in the end: the table does not grow for ever', async () => {
    await intake.accept('sms', [said('old')]);
    await age('inbox', 91 * DAY);
    await prune(database);
    expect(await database.query(`select 1 from inbox where dedupe_key = 'old'`)).toEqual([]);
  });

  it('is forgotten in small steps, between which others get in', async () => {
    await database.query(
      `insert into inbox (account_id, dedupe_key, received_at) select 'sms', 'many-' || n, now() - interval '91 days' from generate_series(1, 2500) n`,
    );
    const steps: number[] = [];
    const counted: Database = {
      ...database,
      async query<R>(...asked: Parameters<Database['query']>): Promise<R[]> {
        const rows = await database.query<R>(...asked);
        steps.push(rows.length);
        return rows;
      },
    };
    expect(await prune(counted)).toBeGreaterThanOrEqual(2_500);
    expect(Math.max(...steps)).toBe(1_000);
  });

  it('in the same words but under another name is another message', async () => {
    await arrive(database, ['+2', 'yes'], ['+2', 'yes']);
    const rows = await database.query(`select 1 from message where text = 'yes'`);
    expect(rows).toHaveLength(2);
  });

  it('a receipt without a message waits for it for three days, then for a person', async () => {
    const receipt = (externalId: string): InboundEvent => ({
      kind: 'receipt',
      dedupeKey: `receipt-${externalId}`,
      externalId,
      status: 'delivered',
    });
    await intake.accept('sms', [receipt('young'), receipt('old')]);
    await database.query(`update early_receipt set received_at = received_at - interval '71 hours'`);
    await database.query(
      `update early_receipt set received_at = received_at - interval '2 hours' where external_id = 'old'`,
    );
    await prune(database);
    const kept = await database.query<{ id: string }>('select external_id as id from early_receipt');
    expect(kept).toEqual([{ id: 'young' }]);
    expect(await database.query('select dedupe_key as key from poison')).toEqual([{ key: storedKey('receipt-old') }]);
  });
});

import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { type Database } from '#database';
import { describeOnPostgres } from '#database/testing';
import { afterDelivery, afterSend } from '#helpdesk';
import { Desk, postConnector } from './testing/desk.js';
import {
  addDestination,
  arrive,
  FakeDirectory,
  HASTY,
  outboxCount,
  reset,
  settled,
  type Setup,
  startRelay,
  STORE,
  texts,
  until,
} from './testing/harness.js';

describeOnPostgres('two relays on one database', (open) => {
  let database: Database;
  let desk: Desk;
  let directory: FakeDirectory;
  const running = new Set<Setup>();

  beforeAll(async () => void ([database, desk] = await Promise.all([open(STORE), Desk.start()])));
  afterAll(() => desk.stop());
  beforeEach(async () => {
    await reset(database);
    desk.calls.length = 0;
    desk.answer = () => ({ status: 200 });
    directory = new FakeDirectory();
    await addDestination(database, 'hd');
    directory.addDestination('hd', postConnector as never, { url: `${desk.url}/hd` });
  });

  afterEach(() => Promise.all([...running].map(stop)));

  const start = async (room = { lane: 64, target: 2_000 }, rules = HASTY): Promise<Setup> => {
    const setup = await startRelay(database, directory, { room, rules, lease: { ttlMs: 1_500, heartbeatMs: 100 } });
    running.add(setup);
    return setup;
  };
  const stop = async (setup: Setup): Promise<void> => {
    running.delete(setup);
    await setup.stop();
  };
  const held = async ({ leases }: Setup): Promise<number> =>
    (
      await database.query<{ n: number }>(
        `select count(*)::int as n from lease where holder = $1 and name like 'outbox:%' and expires_at > clock_timestamp()`,
        [leases.holder],
      )
    )[0]!.n;
  const lines = (count: number, from = 0) =>
    Array.from({ length: count }, (_, n) => [`+${(from + n) % 12}`, `m${from + n}`] as const);
  const inOrder = (count: number): void => {
    for (let n = 0; n < 12; n += 1) {
      const own = texts(desk.at('hd')).filter((text) => /^m\d+$/.test(text) && Number(text.slice(1)) % 12 === n);
      expect(own).toEqual(Array.from({ length: Math.ceil((count - n) / 12) }, (_, k) => `m${n + 12 * k}`));
    }
  };

  it('both leave a destination alone that asked one of them for it', async () => {
    const patient = { afterDelivery, afterSend };
    const [a, b] = [await start(undefined, patient), await start(undefined, patient)];
    await until(async () => (await held(a)) === 32 && (await held(b)) === 32, 'they share');
    await arrive(database, ...lines(12));
    await settled(database);
    desk.calls.length = 0;
    desk.answer = () => ({ status: 429, headers: { 'retry-after': '60' } });
    await arrive(database, ['+0', 'one']);
    const holding = ({ relay }: Setup): boolean => relay.board.list().some((target) => target.waitMs() > 30_000);
    await until(() => holding(a) && holding(b), 'both know');
    await arrive(database, ...lines(12, 12));
    await until(async () => (await outboxCount(database)) === 13, 'they wait');
    expect(desk.calls).toHaveLength(1);
  });

  it('share the partitions, and each event is delivered once and in order while one comes and goes', async () => {
    const a = await start();
    await arrive(database, ...lines(60));
    const b = await start();
    await until(async () => (await held(a)) === 32 && (await held(b)) === 32, 'they share');
    await arrive(database, ...lines(60, 60));
    await settled(database);
    await stop(a);
    await arrive(database, ...lines(60, 120));
    await until(async () => (await held(b)) === 64, 'the other takes all');
    await settled(database);
    await stop(b);
    inOrder(180);
    expect(desk.calls).toHaveLength(180);
    expect(b.seen.length).toBeGreaterThan(0);
  });

  it('take over from one that dies with deliveries under way; what it settles afterwards changes nothing', async () => {
    const a = await start();
    await until(async () => (await held(a)) === 64, 'the first has all');
    desk.answer = () => 'hang';
    await arrive(database, ...lines(24));
    await until(() => desk.calls.length === 12, 'deliveries hang');
    Object.assign(a.leases, { beat: async () => undefined });

    desk.answer = () => ({ status: 200 });
    const b = await start();
    await settled(database);
    inOrder(24);
    const { n } = (
      await database.query<{ n: number }>(`select count(*)::int as n from delivery where attempts = 1`)
    )[0]!;
    expect(n).toBe(24);
    desk.release();
    await until(() => a.seen.filter(({ outcome }) => outcome === 'stale').length === 12, 'the stale settles');
    expect((await database.query<{ n: number }>('select count(*)::int as n from delivery'))[0]!.n).toBe(24);
    await stop(b);
    await stop(a);
  });

  /** A writer that takes its time: its positions are drawn long before they commit. */
  const dawdle = (name: string): Promise<void> =>
    database.transaction(async (sql) => {
      await sql.query(`insert into conversation (id, contact_id, continuity) values ($1, 'con_x', 'contact')`, [name]);
      for (const n of [0, 1, 2]) {
        await sql.query(`select emit('message.received', $1, null, null, $2::jsonb, now())`, [
          name,
          JSON.stringify({ message: { text: `${name}-${n}`, parts: [] } }),
        ]);
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
    });

  it('lose nothing and keep every order, whatever fails and whoever comes and goes', async () => {
    const step = fc.oneof(
      {
        weight: 4,
        arbitrary: fc.record({ do: fc.constant('arrive' as const), count: fc.integer({ min: 1, max: 15 }) }),
      },
      { weight: 2, arbitrary: fc.record({ do: fc.constant('start' as const), count: fc.constant(0) }) },
      { weight: 1, arbitrary: fc.record({ do: fc.constant('stop' as const), count: fc.constant(0) }) },
      { weight: 2, arbitrary: fc.record({ do: fc.constant('dawdle' as const), count: fc.constant(0) }) },
      { weight: 2, arbitrary: fc.record({ do: fc.constant('fail' as const), count: fc.integer({ min: 0, max: 7 }) }) },
    );
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 3, maxLength: 12 }), async (steps) => {
        await reset(database);
        await addDestination(database, 'hd');
        desk.calls.length = 0;
        let failing = 0;
        desk.answer = () => ({ status: (failing -= 1) >= 0 ? 500 : 200 });
        let arrived = 0;
        const slow: Promise<void>[] = [];
        for (const { do: what, count } of steps) {
          if (what === 'arrive') await arrive(database, ...lines(count, arrived)).then(() => (arrived += count));
          if (what === 'start' && running.size < 3)
            await start(running.size === 0 ? { lane: 2, target: 6 } : undefined);
          if (what === 'stop') await Promise.all([...running].slice(0, 1).map(stop));
          if (what === 'fail') failing = count;
          if (what === 'dawdle') slow.push(dawdle(`slow${slow.length}`));
        }
        await Promise.all(slow);
        database.hint('outbox');
        if (running.size === 0) await start();
        await settled(database);
        await Promise.all([...running].map(stop));
        inOrder(arrived);
        slow.forEach((_, n) => {
          const own = texts(desk.at('hd')).filter((text) => text.startsWith(`slow${n}-`));
          expect(own).toEqual([0, 1, 2].map((k) => `slow${n}-${k}`));
        });
      }),
      { numRuns: 10 },
    );
  });
});

import { afterEach, expect, it, jest } from '@jest/globals';
import type pg from 'pg';
import { setTimeout as delay } from 'node:timers/promises';
import {
  describeWithPostgres,
  expectPromisesKept,
  expireLeases,
  setStage,
  stopEverything,
  until,
  type Gateway,
  type Stage,
} from '../support/index.js';

jest.setTimeout(180_000);

const CONVERSATIONS = 24;
/** By the clock of the database: how long a lease stands, and what its survivors may take beyond that until they look. */
const LEASE_S = 15;
const NOTICE_S = 6;

describeWithPostgres(
  'two processes on one Postgres',
  (postgres) => {
    let stage: Stage;
    let client: pg.Client;

    afterEach(async () => {
      await stage?.close();
      await stopEverything();
    });

    const open = async (): Promise<void> => {
      const databaseUrl = await postgres.database();
      client = await postgres.connect(databaseUrl);
      stage = await setStage({ databaseUrl });
    };
    const rows = async <R extends pg.QueryResultRow>(text: string): Promise<R[]> => (await client.query<R>(text)).rows;
    /** How many partitions each process holds. */
    const shares = async (): Promise<number[]> =>
      (
        await rows<{ n: number }>(
          `select count(*)::int as n from lease where name like 'outbox:%' and expires_at > clock_timestamp() group by holder order by 1`,
        )
      ).map(({ n }) => n);
    const shared = (expected: number[]): Promise<unknown> =>
      until(`shares of ${expected}`, async () => String(await shares()) === String(expected), 60_000);

    /** Customers write, through either process, until they are told to stop; whoever is not answered by one asks the other. */
    const load = (gateways: Gateway[], over: () => boolean): Promise<void[]> =>
      Promise.all(
        Array.from({ length: CONVERSATIONS }, async (_, customer) => {
          for (let n = 0; !over(); n += 1) {
            const writing = { id: `pair-${customer}-${n}`, thread: `pair-${customer}` };
            let turn = customer + n;
            const id = await until(`${writing.id} to be taken`, () =>
              stage.posterTo(gateways[(turn += 1) % gateways.length]!).write(writing),
            );
            stage.acknowledged.set(writing.id, id);
            await delay(100);
          }
        }),
      );

    it('one is killed under load: the other takes over when the leases have run out, and nothing is lost', async () => {
      await open();
      const twin = await stage.twin();
      await shared([32, 32]);
      let over = false;
      const loading = load([stage.gateway, twin], () => over);
      await until('some traffic', () => stage.helpdesk.taken.length > CONVERSATIONS * 3);
      const [{ now }] = (await rows<{ now: Date }>('select clock_timestamp() as now')) as [{ now: Date }];
      await twin.kill9();
      await shared([64]);
      const [{ s }] = (
        await client.query<{ s: number }>(
          `select extract(epoch from max(expires_at) - make_interval(secs => $2) - $1)::float8 as s from lease where token > 1 and name like 'outbox:%'`,
          [now, LEASE_S],
        )
      ).rows as [{ s: number }];
      over = true;
      await loading;
      await expectPromisesKept(stage);
      expect(s).toBeLessThanOrEqual(LEASE_S + NOTICE_S);
    });

    it('one stands still beyond its lease with a delivery in its hands: what it says of that afterwards changes nothing', async () => {
      await open();
      const { gateway, helpdesk } = stage;
      await stage.conversation({ id: 'stalled-0', thread: 'stalled' });
      await stage.drained();
      const holding = helpdesk.hold();
      await stage.write({ id: 'stalled-1', thread: 'stalled' });
      await stage.write({ id: 'stalled-2', thread: 'stalled' });
      const { request, release } = await holding;
      const twin = await stage.twin();
      gateway.signal('SIGSTOP');
      try {
        await expireLeases(client);
        const again = helpdesk.hold(({ id }) => id === request.id);
        (await again).release({ status: 503, headers: { 'retry-after': '3' } });
        await until('the refusal to be written down', async () => {
          const [delivery] = await twin.api.deliveries('desk', 'pending');
          return delivery?.eventId === request.id && delivery.attempts === 1;
        });
      } finally {
        gateway.signal('SIGCONT');
      }
      release();
      await until('the stalled process to answer', () => stage.write({ id: 'stalled-3', thread: 'stalled' }));
      await expectPromisesKept(stage);
      expect(helpdesk.attempts(request.id)).toHaveLength(3);
      for (const { id } of helpdesk.events.slice(-2)) expect(helpdesk.attempts(id)).toHaveLength(1);
    });
  },
  { durable: true },
);

import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, expect, it } from '@jest/globals';
import { Leases, Store1700000000002 } from '#conversations';
import { describeOnPostgres, type OpenDatabase } from '#database/testing';
import { Identity1700000000001 } from '#identity';
import pino from 'pino';
import { LeaseWatch } from '../ops/lease-watch.js';
import { HeldTasks, type Hold } from './held-tasks.js';

const log = pino({ level: 'silent' });
/** A process whose heart does not beat while a test runs: what it does in time, it does not because of a heartbeat. */
const UNHURRIED = { ttlMs: 600_000, heartbeatMs: 200_000 };

interface Begun {
  readonly account: string;
  readonly by: string;
  /** Did the one before still believe to hold it? */
  readonly twice: boolean;
}

const holders = new Map<string, Hold>();
const begun: Begun[] = [];

/** What a process has of held accounts, on database connections of its own. */
async function start(open: OpenDatabase, times = UNHURRIED) {
  const database = await open({ entities: [], migrations: [Identity1700000000001, Store1700000000002] });
  const leases = new Leases(database, times);
  async function run(hold: Hold): Promise<void> {
    const account = hold.lease.name;
    begun.push({ account, by: leases.holder, twice: holders.get(account)?.held() ?? false });
    holders.set(account, hold);
    await new Promise((resolve) => hold.signal.addEventListener('abort', resolve, { once: true }));
  }
  const list = () => ['mail', 'wechat'].map((id) => ({ name: `account:${id}`, version: '1', run }));
  const tasks = new HeldTasks({ leases, log, list, hints: database });
  const watch = new LeaseWatch({ database, leases });
  for (const part of [leases, tasks, watch]) part.start();
  await tasks.sync();
  return {
    name: leases.holder,
    /** Nothing of it reaches the database any more. */
    async die(): Promise<void> {
      watch.stop();
      await database.close();
    },
    async stop(): Promise<void> {
      watch.stop();
      await tasks.stop();
      await leases.stop();
    },
  };
}

/** Waits until somebody else holds both accounts. */
async function movedFrom(owner: string): Promise<Begun[]> {
  const holds = (account: string) => begun.findLast((one) => one.account === account)!;
  const both = () => ['account:mail', 'account:wechat'].map(holds);
  while (both().some(({ by }) => by === owner)) await delay(5);
  return both();
}

describeOnPostgres('held accounts', (open) => {
  const survivors: Awaited<ReturnType<typeof start>>[] = [];
  afterAll(() => Promise.all(survivors.map((process) => process.stop())));

  it('move the moment at which the lease of a dead owner ends, which knows by then that it lost them', async () => {
    const owner = await start(open, { ttlMs: 2_000, heartbeatMs: 500 });
    survivors.push(await start(open));
    await delay(1_000);
    expect(begun.map(({ by }) => by)).toEqual([owner.name, owner.name]);
    await owner.die();
    const moved = await movedFrom(owner.name);
    expect(moved.map(({ by, twice }) => [by, twice])).toEqual(Array(2).fill([survivors[0]!.name, false]));
  });

  it('move at once when their owner stops in order', async () => {
    survivors.push(await start(open));
    const [owner] = survivors.splice(0, 1);
    await owner!.stop();
    const moved = await movedFrom(owner!.name);
    expect(moved.map(({ by, twice }) => [by, twice])).toEqual(Array(2).fill([survivors[0]!.name, false]));
  });
});

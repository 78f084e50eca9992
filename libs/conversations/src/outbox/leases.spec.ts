import { beforeAll, beforeEach, expect, it, jest } from '@jest/globals';
import { type Database } from '#database';
import { describeOnEveryDatabase } from '#database/testing';
import { STORE } from '../testing/store.js';
import { type Lease, Leases } from './leases.js';
import { Partitions, PARTITIONS } from './partitions.js';

describeOnEveryDatabase('leases', (open) => {
  let database: Database;
  beforeAll(async () => void (database = await open(STORE)));
  beforeEach(() => database.query('delete from lease'));

  /** As if its holder had been silent for longer than the lease stands. */
  const runOut = (name: string): Promise<unknown> =>
    database.query(`update lease set expires_at = clock_timestamp() - interval '1 s' where name like $1`, [name]);

  it('gives a name to one holder at a time', async () => {
    const [a, b] = [new Leases(database), new Leases(database)];
    const [lease] = await a.acquire(['account:x', 'account:y']);
    expect(lease).toMatchObject({ name: 'account:x', token: 1 });
    expect(await b.acquire(['account:x', 'account:z'])).toMatchObject([{ name: 'account:z' }]);
    await a.release([lease as Lease]);
    expect(await b.acquire(['account:x'])).toMatchObject([{ token: 2 }]);
    expect(a.get('account:x')).toBeUndefined();
    expect(a.get('account:y')).toBeDefined();
  });

  it('raises the token at every acquisition and tells the one that lost', async () => {
    const [a, b] = [new Leases(database), new Leases(database)];
    const lost = jest.fn();
    a.onLost(lost);
    const [first] = await a.acquire(['n']);
    await runOut('n');
    const [second] = await b.acquire(['n']);
    expect(second!.token).toBeGreaterThan(first!.token);
    await a.renew();
    expect(lost).toHaveBeenCalledWith(first);
    expect(a.holds(first!)).toBe(false);
    await a.release([first!]);
    expect(b.holds(second!)).toBe(true);
    expect(await a.acquire(['n'])).toEqual([]);
  });

  it('renews a lease that ran out and that nobody took', async () => {
    const a = new Leases(database);
    const [lease] = await a.acquire(['n']);
    await runOut('n');
    await a.renew();
    expect(await new Leases(database).acquire(['n'])).toEqual([]);
    expect(a.holds(lease!)).toBe(true);
  });

  it('stops trusting a lease before it ends, by a clock of its own', async () => {
    let now = 0;
    const a = new Leases(database, { ttlMs: 10_000, now: () => now });
    const [lease] = await a.acquire(['n']);
    now = 7_999;
    expect(a.holds(lease!)).toBe(true);
    now = 8_001;
    expect(a.holds(lease!)).toBe(false);
    await a.renew();
    expect(a.holds(lease!)).toBe(true);
  });

  it('shares the partitions fairly and takes over what a dead process held', async () => {
    const calm = (): boolean => false;
    const [la, lb] = [new Leases(database), new Leases(database)];
    const [a, b] = [new Partitions(database, la), new Partitions(database, lb)];
    expect((await a.balance(calm)).gained).toHaveLength(PARTITIONS);
    expect(await b.balance(calm)).toEqual({ gained: [], surplus: [] });

    const { surplus } = await a.balance(calm);
    expect(surplus).toHaveLength(PARTITIONS / 2);
    await a.giveUp(surplus);
    expect((await b.balance(calm)).gained.sort()).toEqual([...surplus].sort());

    await runOut('%');
    const { gained } = await b.balance(calm);
    expect(gained).toHaveLength(PARTITIONS / 2);
    expect(b.list()).toHaveLength(PARTITIONS);
    await la.renew();
    expect(a.list()).toEqual([]);
  });

  it('gives back what it could not renew in time, and takes its share anew', async () => {
    let now = 0;
    const partitions = new Partitions(database, new Leases(database, { now: () => now }));
    await partitions.balance(() => false);
    const before = partitions.lease(5)!;
    now = 60_000;
    expect(partitions.lease(5)).toBeUndefined();
    expect((await partitions.balance(() => false)).gained).toHaveLength(PARTITIONS);
    expect(partitions.lease(5)!.token).toBeGreaterThan(before.token);
  });

  it('does not take back a partition in which it still has work under way', async () => {
    const leases = new Leases(database);
    const a = new Partitions(database, leases);
    const { gained } = await a.balance((partition) => partition === 7);
    expect(gained).toHaveLength(PARTITIONS - 1);
    expect(a.lease(7)).toBeUndefined();
    expect(a.lease(8)).toMatchObject({ name: 'outbox:8' });
  });
});

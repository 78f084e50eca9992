import { afterEach, beforeAll, beforeEach, expect, it, jest } from '@jest/globals';
import { Leases } from '#conversations';
import { type Database } from '#database';
import { describeOnEveryDatabase } from '#database/testing';
import { Scheduler } from './scheduler.js';
import { reset, STORE, until } from './testing/harness.js';

describeOnEveryDatabase('the scheduler', (open) => {
  let database: Database;
  const log = { info: jest.fn(), warn: jest.fn(), error: jest.fn() };
  const schedulers: Scheduler[] = [];
  beforeAll(async () => void (database = await open(STORE)));
  beforeEach(() => reset(database));
  afterEach(async () => void (await Promise.all(schedulers.splice(0).map((scheduler) => scheduler.stop()))));

  function make(leases = new Leases(database)) {
    const due = { enqueueDue: jest.fn(async () => 0), fallbackDue: jest.fn(async () => 0) };
    const scheduler = new Scheduler({ database, leases, due, log, everyMs: 20 });
    schedulers.push(scheduler);
    return { scheduler, due };
  }

  it('does what is due in one process at a time, and in the next one once that stops', async () => {
    const [a, b] = [make(), make()];
    await a.scheduler.tick();
    await b.scheduler.tick();
    expect([a.due.enqueueDue, a.due.fallbackDue, b.due.enqueueDue].map(({ mock }) => mock.calls.length)).toEqual([
      1, 1, 0,
    ]);
    await a.scheduler.stop();
    await b.scheduler.tick();
    expect(b.due.enqueueDue).toHaveBeenCalledTimes(1);
  });

  it('goes on after something failed', async () => {
    const { scheduler, due } = make();
    due.enqueueDue.mockRejectedValueOnce(new Error('away'));
    scheduler.start();
    await until(() => due.fallbackDue.mock.calls.length >= 2, 'the next looks');
    expect(log.warn).toHaveBeenCalledTimes(1);
    log.warn.mockClear();
  });

  it('deletes what is kept no longer', async () => {
    await database.query(
      `insert into idempotency (scope, key, fingerprint, created_at) values ('a', 'old', '', now() - interval '8 d'), ('a', 'new', '', now())`,
    );
    await make().scheduler.tick();
    expect(await database.query('select key from idempotency')).toEqual([{ key: 'new' }]);
  });

  it('deletes what is old although what is due fails or hangs, and does what is due meanwhile', async () => {
    await database.query(
      `insert into idempotency (scope, key, fingerprint, created_at) values ('a', 'older', '', now() - interval '8 d')`,
    );
    const { scheduler, due } = make();
    due.enqueueDue.mockRejectedValue(new Error('a message that cannot be sent'));
    let release = (): void => undefined;
    due.fallbackDue.mockReturnValueOnce(new Promise((resolve) => (release = () => resolve(0))));
    scheduler.start();
    const kept = () => database.query(`select key from idempotency where key = 'older'`);
    await until(async () => (await kept()).length === 0, 'the old row is gone');
    await until(() => due.enqueueDue.mock.calls.length >= 3, 'further looks');
    expect(due.fallbackDue).toHaveBeenCalledTimes(1);
    release();
    await until(() => due.fallbackDue.mock.calls.length >= 2, 'the next look');
  });

  it('forgets what waits for destinations that were removed', async () => {
    await database.query(
      `insert into destination (id, type, config, removed_at) values ('gone', 'x', '{}', now()), ('hd', 'x', '{}', null)`,
    );
    await database.query(
      `insert into outbox (partition, lane, kind, target_id, item_id) select 1, x || ':1', 'event', x, 'evt_1' from unnest(array['gone', 'hd']) x`,
    );
    await make().scheduler.tick();
    expect(await database.query('select target_id from outbox')).toEqual([{ target_id: 'hd' }]);
  });
});

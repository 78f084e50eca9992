import { beforeAll, beforeEach, expect, it, jest } from '@jest/globals';
import { Deliveries, Leases } from '#conversations';
import type { Database } from '#database';
import { describeOnEveryDatabase } from '#database/testing';
import { addDestination, reset, STORE } from './testing/harness.js';
import { Probes } from './probes.js';

describeOnEveryDatabase('destinations that paused by themselves', (open) => {
  let database: Database;
  let deliveries: Deliveries;
  let well: boolean;
  let checked: string[];

  beforeAll(async () => void (database = await open(STORE)));
  beforeEach(async () => {
    await reset(database);
    deliveries = new Deliveries(database);
    [well, checked] = [false, []];
    for (const id of ['a', 'b']) await addDestination(database, id);
  });

  const probes = () => {
    const check = (id: string) => async () => (checked.push(id), { ok: well, detail: well ? 'fine' : 'still refused' });
    const directory = {
      destination: (id: string) => ({ id, connector: { check: check(id) } }),
      connectorContext: () => ({}),
      changed: jest.fn(async () => undefined),
    };
    const log = { info: jest.fn(), warn: jest.fn() };
    return new Probes({ leases: new Leases(database), directory: directory as never, deliveries, log: log as never });
  };
  const states = () =>
    database.query('select id, state, probe_at is not null as probed, probes from destination order by id');
  const pass = (minutes: number) =>
    database.query(`update destination set probe_at = probe_at - make_interval(mins => $1)`, [minutes]);

  it('go on as soon as they work again, looked at ever more seldom; those that a person paused are left alone', async () => {
    await deliveries.suspend('a', 'answered 401');
    await deliveries.pause('b', 'maintenance');
    await probes().round();
    expect(checked).toEqual([]);
    for (const [minutes, looks] of [
      [6, 1],
      [6, 1],
      [5, 2],
      [15, 2],
      [6, 3],
    ] as const) {
      await pass(minutes);
      await probes().round();
      expect(checked).toHaveLength(looks);
    }
    expect(await states()).toEqual([
      { id: 'a', state: 'paused', probed: true, probes: 3 },
      { id: 'b', state: 'paused', probed: false, probes: 0 },
    ]);
    well = true;
    await pass(61);
    await probes().round();
    expect(await states()).toMatchObject([{ state: 'active', probed: false }, { state: 'paused' }]);
    expect(new Set(checked)).toEqual(new Set(['a']));
  });

  it('are looked at as seldom as before where they pause again soon', async () => {
    await deliveries.suspend('a', 'answered 401');
    await pass(6);
    await probes().round();
    await deliveries.resume('a');
    await deliveries.suspend('a', 'answered 401');
    await pass(6);
    await probes().round();
    expect(checked).toHaveLength(1);
    await database.query(
      `update destination set state = 'active', updated_at = now() - interval '7 hours' where id = 'a'`,
    );
    await deliveries.suspend('a', 'answered 401');
    await pass(6);
    await probes().round();
    expect(checked).toHaveLength(2);
  });

  it('are looked at by one process at a time', async () => {
    await deliveries.suspend('a', 'answered 401');
    await pass(6);
    await new Leases(database).acquire(['probes']);
    await probes().round();
    expect(checked).toEqual([]);
  });
});

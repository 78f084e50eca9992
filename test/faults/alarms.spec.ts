import { afterAll, beforeAll, expect, it, jest } from '@jest/globals';
import {
  describeWithPostgres,
  expectPromisesKept,
  setStage,
  stopEverything,
  until,
  type Stage,
} from '../support/index.js';
import { metric } from './metric.js';

jest.setTimeout(120_000);

describeWithPostgres('alarms', (postgres) => {
  let stage: Stage;
  let url: string;

  beforeAll(async () => {
    url = await postgres.database();
    stage = await setStage({ databaseUrl: url });
  });
  afterAll(async () => {
    await stage.close();
    await stopEverything();
  });

  it('a transaction that is left open, with a snapshot and a row of its own, delays nothing and stands in the metrics', async () => {
    const client = await postgres.connect(url);
    await client.query('create table elsewhere (n int)');
    await client.query('begin isolation level repeatable read');
    await client.query('insert into elsewhere values (1)');
    await client.query('select count(*) from event');
    for (let n = 0; n < 10; n += 1)
      await Promise.all(
        Array.from({ length: 30 }, (_, room) => stage.write({ id: `m-${room}-${n}`, thread: `room-${room}` })),
      );
    await expectPromisesKept(stage);
    expect(await metric(stage.gateway, 'tributary_outbox_depth')).toBe(0);
    expect(await metric(stage.gateway, 'tributary_oldest_transaction_seconds')).toBeGreaterThan(0.5);
    await client.query('rollback');
    await until(
      'the alarm to end',
      async () => (await metric(stage.gateway, 'tributary_oldest_transaction_seconds')) < 0.5,
    );
  });

  it('a destination that paused, and an event that was parked, stand in the metrics', async () => {
    const is = (name: string, value: number) =>
      until(`${name} to be ${value}`, async () => (await metric(stage.gateway, name)) === value);
    stage.helpdesk.answer(({ json }) =>
      json.data?.message?.text === 'bad' ? { status: 422, headers: { 'retry-after': '0' } } : undefined,
    );
    await stage.write({ id: 'bad', thread: 'bad', text: 'bad' });
    await is('tributary_dead_letters', 1);
    expect(await metric(stage.gateway, 'tributary_destinations_paused')).toBe(0);

    stage.helpdesk.answer(() => ({ status: 410 }));
    await stage.write({ id: 'gone', thread: 'gone' });
    await is('tributary_destinations_paused', 1);
    stage.helpdesk.answer(() => undefined);
    expect((await stage.gateway.api.post('/v1/destinations/desk/resume')).status).toBe(200);
    await is('tributary_destinations_paused', 0);
    await is('tributary_outbox_depth', 0);
  });
});

import { afterAll, afterEach, expect, it, jest } from '@jest/globals';
import { setTimeout as delay } from 'node:timers/promises';
import {
  describeWithPostgres,
  expectPromisesKept,
  HoldingProxy,
  message,
  setStage,
  stopEverything,
  until,
  type Gateway,
  type Stage,
} from '../support/index.js';

jest.setTimeout(120_000);

let stage: Stage | undefined;
let proxy: HoldingProxy | undefined;

afterEach(async () => {
  await stage?.close();
  await proxy?.away();
  stage = proxy = undefined;
});
afterAll(stopEverything);

describeWithPostgres('an outage of the database', (postgres) => {
  it('is answered with 503 and Retry-After; nothing acknowledged is lost, and work goes on by itself', async () => {
    proxy = await new HoldingProxy(await postgres.database()).start();
    stage = await setStage({ databaseUrl: proxy.url });
    const { gateway, helpdesk, poster } = stage;
    const conversation = await stage.conversation({ id: 'before', thread: 'room' });
    const delivery = helpdesk.hold();
    await stage.write({ id: 'under-way', thread: 'room' });
    const held = await delivery;
    const pid = gateway.pid;
    await proxy.away();
    held.release();

    const refused = await poster.post(message({ id: 'refused', thread: 'room' }));
    expect([refused.status, Number(refused.headers.get('retry-after'))]).toEqual([503, expect.any(Number)]);
    expect(JSON.parse(refused.text)).toMatchObject({ code: 'unavailable', status: 503 });
    const api = await gateway.api.get(`/v1/conversations/${conversation}`);
    expect(api).toMatchObject({ status: 503, body: { code: 'unavailable' } });
    expect(api.headers.get('retry-after')).toMatch(/^\d+$/);
    expect((await fetch(`${gateway.url}/health/live`)).status).toBe(200);
    await until(
      'the process to say that it is not ready',
      async () => (await fetch(`${gateway.url}/health/ready`)).status === 503,
    );
    const stubborn = Array.from({ length: 30 }, (_, n) =>
      stage!.writeStubbornly({ id: `during-${n}`, thread: `room-${n % 5}` }),
    );
    await delay(1_500);
    expect(stage.acknowledged.size).toBe(2);

    await proxy.start();
    await Promise.all(stubborn);
    await stage.write({ id: 'refused', thread: 'room' });
    await stage.settled((await stage.reply(conversation, 'after')).id, 'sent');
    await expectPromisesKept(stage);
    expect([gateway.pid, gateway.alive]).toEqual([pid, true]);
    expect(gateway.logs).not.toMatch(/nobody listened|caught nowhere/);
  });

  it('in the shape of ended connections, again and again under load, loses nothing', async () => {
    const url = await postgres.database();
    stage = await setStage({ databaseUrl: url });
    const client = await postgres.connect(url);
    let over = false;
    const writers = Array.from({ length: 10 }, async (_, thread) => {
      for (let n = 0; !over; n += 1) {
        const id = await stage!.writeStubbornly({ id: `w-${thread}-${n}`, thread: `room-${thread}` });
        if (n % 5 !== 1) continue;
        const { data } = await stage!.received(id);
        await until('the reply', () =>
          stage!.reply(data!.conversation!.id, `reply ${thread} ${n}`, `key-${thread}-${n}`),
        );
      }
    });
    for (let round = 0; round < 6; round += 1) {
      await delay(400);
      await client.query(
        'select pg_terminate_backend(pid) from pg_stat_activity where pid <> pg_backend_pid() and datname = current_database()',
      );
    }
    over = true;
    await Promise.all(writers);
    await expectPromisesKept(stage);
    expect(new Set(stage.provider.texts).size).toBe(stage.provider.texts.length);
    expect(stage.gateway.logs).not.toMatch(/nobody listened|caught nowhere/);
  });
});

describeWithPostgres('an outage of the helpdesk', (postgres) => {
  it('keeps what gathers, and delivers it in order once the helpdesk is back', async () => {
    stage = await setStage({ databaseUrl: await postgres.database() });
    await stage.write({ id: 'before', thread: 'room-0' });
    await stage.drained();
    await stage.helpdesk.close();
    for (let n = 0; n < 6; n += 1)
      await Promise.all(
        Array.from({ length: 25 }, (_, thread) => stage!.write({ id: `m-${thread}-${n}`, thread: `room-${thread}` })),
      );
    expect((await stage.gateway.api.deliveries('desk', 'pending')).length).toBeGreaterThan(100);
    await stage.helpdesk.start();
    await expectPromisesKept(stage);
    expect(stage.helpdesk.of('message.received')).toHaveLength(151);
  });

  it('of one conversation only delays that one', async () => {
    stage = await setStage({ databaseUrl: await postgres.database() });
    const stuck = stage.helpdesk.hold(({ json }) => json.data?.message?.externalIds[0] === 'stuck');
    await stage.write({ id: 'stuck', thread: 'stuck' });
    const { release } = await stuck;
    const behind = await stage.write({ id: 'behind', thread: 'stuck' });
    for (let n = 0; n < 30; n += 1)
      await stage.received(await stage.write({ id: `free-${n}`, thread: `free-${n % 5}` }));
    expect(stage.helpdesk.requests.some(({ json }) => json.data?.message?.id === behind)).toBe(false);
    release();
    await stage.received(behind);
    await expectPromisesKept(stage);
  });
});

describeWithPostgres('two processes on one database', (postgres) => {
  /** Both work on a share of the outbox. */
  const both = async (): Promise<[Stage, Gateway]> => {
    const url = await postgres.database();
    stage = await setStage({ databaseUrl: url });
    const twin = await stage.twin();
    const client = await postgres.connect(url);
    await until('each to hold its share', async () => {
      const { rows } = await client.query<{ share: number }>(
        `select count(*)::int as share from lease where name like 'outbox:%' and holder <> '' group by holder`,
      );
      return rows.length === 2 && rows.every(({ share }) => share >= 20);
    });
    return [stage, twin];
  };

  it('make one message of 400 concurrent duplicates', async () => {
    const [first, twin] = await both();
    const posters = [first.poster, first.posterTo(twin)];
    const duplicate = message({ id: 'the-one', thread: 'room' });
    const answers = await Promise.all(Array.from({ length: 400 }, (_, n) => posters[n % 2]!.post(duplicate)));
    expect(answers.map(({ status }) => status)).toEqual(Array(400).fill(200));
    expect(new Set(answers.map(({ id }) => id)).size).toBe(1);
    first.acknowledged.set('the-one', answers[0]!.id!);
    const stream = await expectPromisesKept(first);
    const told = stream.filter(({ data }) => data?.contact);
    expect(told.map(({ type }) => type)).toEqual(['contact.created', 'conversation.opened', 'message.received']);
    await twin.stop();
  });

  it('make one conversation of messages of one thread that arrive together', async () => {
    const [first, twin] = await both();
    const posters = [first.poster, first.posterTo(twin)];
    const ids = await Promise.all(
      Array.from({ length: 60 }, (_, n) => posters[n % 2]!.write({ id: `m-${n}`, thread: 'room' })),
    );
    ids.forEach((id, n) => first.acknowledged.set(`m-${n}`, id));
    const stream = await expectPromisesKept(first);
    expect(stream.filter(({ type }) => type === 'conversation.opened')).toHaveLength(1);
    expect(new Set(stream.map(({ data }) => data?.contact?.id)).size).toBe(1);
    await twin.stop();
  });

  it('go on without the one that is killed under load, in order, without a loss', async () => {
    const [first, twin] = await both();
    const posters = [first.poster, first.posterTo(twin)];
    let over = false;
    const writers = Array.from({ length: 12 }, async (_, thread) => {
      for (let n = 0; !over; n += 1) {
        const writing = { id: `w-${thread}-${n}`, thread: `room-${thread}` };
        let tries = thread;
        const id = await until(`${writing.id} to be taken`, () => posters[(tries += 1) % 2]!.write(writing));
        first.acknowledged.set(writing.id, id);
        await delay(20);
      }
    });
    await until('traffic through both', () => first.acknowledged.size > 100);
    await twin.kill9();
    await until('traffic through the survivor', () => first.acknowledged.size > 250);
    over = true;
    await Promise.all(writers);
    await expectPromisesKept(first);
  });
});

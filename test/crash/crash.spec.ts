import { afterAll, afterEach, describe, expect, it } from '@jest/globals';
import type pg from 'pg';
import {
  describeWithPostgres,
  emptyFolder,
  expectPromisesKept,
  expireLeases,
  HoldingProxy,
  message,
  newGateway,
  newSecret,
  Poster,
  setStage,
  stopEverything,
  until,
  type Stage,
} from '../support/index.js';

/** An installation that can be killed and started anew, on either database. */
interface Scene {
  readonly stage: Stage;
  /** Started anew after a kill; leases of the dead process have run out. */
  revive(): Promise<void>;
  close(): Promise<void>;
}

afterAll(stopEverything);

async function onEmbedded(): Promise<Scene> {
  const stage = await setStage();
  return { stage, revive: () => stage.gateway.start(), close: () => stage.close() };
}

/** Steps that a kill can fall between on any database. */
function steps(open: () => Promise<Scene>): void {
  let scene: Scene;
  const setUp = async (): Promise<Stage> => (scene = await open()).stage;
  afterEach(() => scene?.close());

  it('after the answer to the provider, before the dispatch', async () => {
    const stage = await setUp();
    for (const round of [1, 2, 3]) {
      await stage.write({ id: `m-${round}`, thread: 'room' });
      await stage.gateway.kill9();
      await scene.revive();
    }
    const stream = await expectPromisesKept(stage);
    expect(stream.filter(({ type }) => type === 'message.received')).toHaveLength(3);
  });

  it('while the helpdesk holds the request, with more behind it', async () => {
    const stage = await setUp();
    const conversation = await stage.conversation({ id: 'm-0', thread: 'room' });
    const holding = stage.helpdesk.hold(({ json }) => json.data?.message?.externalIds[0] === 'm-1');
    for (const n of [1, 2, 3]) await stage.write({ id: `m-${n}`, thread: 'room' });
    const { request, release } = await holding;
    await stage.gateway.kill9();
    await scene.revive();
    await expectPromisesKept(stage);
    release({ status: 500 });
    expect(stage.helpdesk.attempts(request.id)).toHaveLength(2);
    expect(stage.helpdesk.sequences.get(conversation)).toEqual([1, 2, 3, 4, 5]);
  });

  it('after a reply was accepted, before it was sent', async () => {
    const stage = await setUp();
    const conversation = await stage.conversation({ id: 'q', thread: 'room' });
    const replies: string[] = [];
    for (const round of [1, 2, 3]) {
      replies.push((await stage.reply(conversation, `reply ${round}`, `key-${round}`)).id);
      await stage.gateway.kill9();
      await scene.revive();
      expect((await stage.reply(conversation, `reply ${round}`, `key-${round}`)).id).toBe(replies.at(-1));
    }
    for (const id of replies) await stage.settled(id, 'sent');
    await expectPromisesKept(stage);
    expect(stage.provider.texts).toEqual(['reply 1', 'reply 2', 'reply 3']);
  });

  it('while the provider holds the send: it is asked again with the same id, and takes it once', async () => {
    const stage = await setUp();
    const conversation = await stage.conversation({ id: 'q', thread: 'room' });
    const holding = stage.provider.hold();
    const reply = await stage.reply(conversation, 'held');
    await stage.reply(conversation, 'behind');
    const { request, release } = await holding;
    await stage.gateway.kill9();
    release({});
    await scene.revive();
    await stage.settled(reply.id, 'sent');
    await expectPromisesKept(stage);
    expect(stage.provider.attempts(request.id)).toHaveLength(2);
    expect(stage.provider.texts).toEqual(['held', 'behind']);
  });

  it('within a batch: what was acknowledged is there, the rest comes by the provider repeating it', async () => {
    const stage = await setUp();
    const writings = Array.from({ length: 64 }, (_, n) => ({ id: `b-${n}`, thread: `room-${n % 8}` }));
    const burst = writings.map((writing) => stage.write(writing).catch(() => undefined));
    await Promise.race(burst);
    await stage.gateway.kill9();
    await Promise.all(burst);
    const acknowledged = new Map(stage.acknowledged);
    await scene.revive();
    for (const writing of writings) {
      const id = await stage.write(writing);
      expect(acknowledged.get(writing.id) ?? id).toBe(id);
    }
    const stream = await expectPromisesKept(stage);
    expect(stream.filter(({ type }) => type === 'message.received')).toHaveLength(64);
  });
}

describe('kill -9 on the embedded database', () => steps(onEmbedded));

describeWithPostgres('kill -9 on Postgres', (postgres) => {
  let proxy: HoldingProxy;
  let client: pg.Client;

  const onPostgres = async (): Promise<Scene> => {
    const url = await postgres.database();
    proxy = await new HoldingProxy(url).start();
    client = await postgres.connect(url);
    const stage = await setStage({ databaseUrl: proxy.url });
    const revive = async (): Promise<void> => {
      await expireLeases(client);
      await stage.gateway.start();
    };
    return { stage, revive, close: async () => (await stage.close(), proxy.away()) };
  };

  steps(onPostgres);

  describe('at the border of a transaction', () => {
    let scene: Scene;
    const setUp = async (): Promise<Stage> => (scene = await onPostgres()).stage;
    afterEach(() => scene?.close());
    const count = async (sql: string, ...values: unknown[]): Promise<number> =>
      Number((await client.query<{ n: string }>(`select count(*) as n from ${sql}`, values)).rows[0]!.n);
    const kill = async (stage: Stage): Promise<void> => {
      await stage.gateway.kill9();
      await client.query(
        `select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()`,
      );
      await until(
        'the connections to be gone',
        async () => (await count(`pg_stat_activity where datname = current_database()`)) === 1,
      );
    };

    it('before the commit of an arrival: nothing is stored, the repetition is', async () => {
      const stage = await setUp();
      await stage.conversation({ id: 'm-0', thread: 'room' });
      await client.query('begin');
      await client.query('lock table message in access exclusive mode');
      const lost = stage.poster.post(message({ id: 'm-1', thread: 'room' })).catch(() => 'no answer');
      await until('the statement to wait', () => count(`pg_locks where not granted`));
      await stage.gateway.kill9();
      expect(await lost).toBe('no answer');
      await client.query(
        `select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()`,
      );
      await client.query('rollback');
      expect(await count(`message where 'm-1' = any (external_ids)`)).toBe(0);
      await scene.revive();
      await stage.write({ id: 'm-1', thread: 'room' });
      await expectPromisesKept(stage);
    });

    it('after the commit of an arrival, before the gateway knows: the repetition gets the stored one', async () => {
      const stage = await setUp();
      const held = proxy.hold('answer', 'text of m-1');
      const lost = stage.poster.post(message({ id: 'm-1', thread: 'room' })).catch(() => 'no answer');
      await held;
      const row = await until(
        'the row',
        async () => (await client.query<{ id: string }>(`select id from message`)).rows[0],
      );
      await kill(stage);
      expect(await lost).toBe('no answer');
      await scene.revive();
      expect(await stage.write({ id: 'm-1', thread: 'room' })).toBe(row.id);
      await expectPromisesKept(stage);
      expect(await count('message')).toBe(1);
    });

    it("after the helpdesk's 200, before that is written down: one more delivery, the same id, in order", async () => {
      const stage = await setUp();
      const conversation = await stage.conversation({ id: 'm-0', thread: 'room' });
      await stage.drained();
      const held = proxy.hold('request', 'settle_outbox');
      const id = await stage.write({ id: 'm-1', thread: 'room' });
      await stage.write({ id: 'm-2', thread: 'room' });
      await held;
      const event = (await stage.received(id)).id;
      await kill(stage);
      await scene.revive();
      await expectPromisesKept(stage);
      expect(stage.helpdesk.attempts(event).map(({ attempt }) => attempt)).toEqual([1, 2]);
      expect(stage.helpdesk.attempts(event)[1]!.raw).toEqual(stage.helpdesk.attempts(event)[0]!.raw);
      expect(stage.helpdesk.sequences.get(conversation)).toEqual([1, 2, 3, 4]);
    });

    it('after a delivery was written down, before the gateway knows: it is not made again', async () => {
      const stage = await setUp();
      await stage.conversation({ id: 'm-0', thread: 'room' });
      await stage.drained();
      const held = proxy.hold('answer', 'settle_outbox');
      const event = (await stage.received(await stage.write({ id: 'm-1', thread: 'room' }))).id;
      await held;
      await kill(stage);
      await scene.revive();
      await stage.write({ id: 'm-2', thread: 'room' });
      await expectPromisesKept(stage);
      expect(stage.helpdesk.attempts(event)).toHaveLength(1);
    });

    it("after the provider's 200, before that is written down: asked again with the same id, taken once", async () => {
      const stage = await setUp();
      const conversation = await stage.conversation({ id: 'q', thread: 'room' });
      await stage.drained();
      const holding = stage.provider.hold();
      const reply = await stage.reply(conversation, 'answer');
      const { request, release } = await holding;
      await stage.drained();
      const held = proxy.hold('request', 'settle_outbox');
      release({});
      await held;
      await kill(stage);
      await scene.revive();
      await stage.settled(reply.id, 'sent');
      await expectPromisesKept(stage);
      expect(stage.provider.attempts(request.id)).toHaveLength(2);
      expect(stage.provider.texts).toEqual(['answer']);
    });

    it('after the commit of a reply, before the helpdesk knows: its repetition is the same message', async () => {
      const stage = await setUp();
      const conversation = await stage.conversation({ id: 'q', thread: 'room' });
      await stage.drained();
      const held = proxy.hold('answer', 'commit', 'a marked answer');
      const lost = stage.reply(conversation, 'a marked answer', 'key-1').catch(() => 'no answer');
      await held;
      const row = await until(
        'the row',
        async () => (await client.query<{ id: string }>(`select id from message where direction = 'outbound'`)).rows[0],
      );
      await kill(stage);
      expect(await lost).toBe('no answer');
      await scene.revive();
      expect((await stage.reply(conversation, 'a marked answer', 'key-1')).id).toBe(row.id);
      await stage.settled(row.id, 'sent');
      await expectPromisesKept(stage);
      expect(stage.provider.texts).toEqual(['a marked answer']);
      expect(await count(`message where direction = 'outbound'`)).toBe(1);
    });
  });

  it('during the first start: the next one needs nobody', async () => {
    const gateway = await newGateway({ databaseUrl: await postgres.database(), config: onlyApp() });
    for (const offset of [250, 400, 550, 700, 850, 1_000]) await gateway.startAndKill(offset);
    await gateway.start();
    expect(await new Poster(gateway, 'app', SECRET).write({ id: 'm-1', thread: 'room' })).toMatch(/^msg_/);
    await gateway.stop();
  });
});

const SECRET = newSecret();
const onlyApp = () => ({
  accounts: [{ id: 'app', type: 'http', config: { secret: SECRET, url: 'http://127.0.0.1:9/' } }],
});

describe('kill -9 during the first start', () => {
  it('leaves nothing that the next start stumbles over', async () => {
    const gateway = await newGateway({ dataDir: await emptyFolder(), config: onlyApp() });
    for (const offset of [200, 700, 1_200, 2_000, 3_000, 4_200]) await gateway.startAndKill(offset);
    await gateway.start();
    expect(await new Poster(gateway, 'app', SECRET).write({ id: 'm-1', thread: 'room' })).toMatch(/^msg_/);
    const told = (await gateway.api.stream()).filter(({ data }) => data?.contact);
    expect(told.map(({ type }) => type)).toEqual(['contact.created', 'conversation.opened', 'message.received']);
    expect((await gateway.stop()).code).toBe(0);
  });
});

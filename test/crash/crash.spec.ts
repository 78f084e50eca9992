import { afterAll, beforeAll, beforeEach, describe, expect, it, jest } from '@jest/globals';
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

jest.setTimeout(120_000);

/** An installation that can be killed and started anew, on either database. */
interface Scene {
  readonly stage: Stage;
  /** Started anew after a kill; leases of the dead process have run out. */
  revive(): Promise<void>;
}

const scenes: Scene[] = [];
const proxies: HoldingProxy[] = [];

afterAll(async () => {
  await Promise.all(scenes.map(({ stage }) => stage.close()));
  await Promise.all(proxies.map((proxy) => proxy.away()));
  await stopEverything();
});

async function onEmbedded(): Promise<Scene> {
  const stage = await setStage({ spare: true });
  return { stage, revive: () => stage.gateway.start() };
}

const texts = (stage: Stage, thread: string) =>
  stage.provider.taken.flatMap(({ json }) => (json.thread === thread ? [json.text] : []));

/** Steps that a kill can fall between on any database. */
function steps(open: () => Promise<Scene>): void {
  let scene: Scene;
  let stage: Stage;
  beforeAll(async () => {
    scene = await open();
    scenes.push(scene);
    ({ stage } = scene);
  });
  beforeEach(async () => {
    if (!stage.gateway.alive) await scene.revive();
  });

  it('after the answer to the provider, before the dispatch', async () => {
    for (const round of [1, 2]) {
      await stage.write({ id: `dispatch-${round}`, thread: 'dispatch' });
      await stage.gateway.kill9();
      await scene.revive();
    }
    await expectPromisesKept(stage);
  });

  it('while the helpdesk holds the request, with more behind it', async () => {
    const conversation = await stage.conversation({ id: 'held-0', thread: 'held' });
    const holding = stage.helpdesk.hold(({ json }) => json.data?.message?.externalIds[0] === 'held-1');
    for (const n of [1, 2, 3]) await stage.write({ id: `held-${n}`, thread: 'held' });
    const { request, release } = await holding;
    await stage.gateway.kill9();
    await scene.revive();
    await expectPromisesKept(stage);
    release({ status: 500 });
    expect(stage.helpdesk.attempts(request.id)).toHaveLength(2);
    expect(stage.helpdesk.sequences.get(conversation)).toEqual([1, 2, 3, 4, 5]);
  });

  it('after a reply was accepted, before it was sent', async () => {
    const conversation = await stage.conversation({ id: 'accepted', thread: 'accepted' });
    const replies: string[] = [];
    for (const round of [1, 2]) {
      replies.push((await stage.reply(conversation, `reply ${round}`, `key-${round}`)).id);
      await stage.gateway.kill9();
      await scene.revive();
      expect((await stage.reply(conversation, `reply ${round}`, `key-${round}`)).id).toBe(replies.at(-1));
    }
    for (const id of replies) await stage.settled(id, 'sent');
    await expectPromisesKept(stage);
    expect(texts(stage, 'accepted')).toEqual(['reply 1', 'reply 2']);
  });

  it('while the provider holds the send: it is asked again with the same id, and takes it once', async () => {
    const conversation = await stage.conversation({ id: 'sending', thread: 'sending' });
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
    expect(texts(stage, 'sending')).toEqual(['held', 'behind']);
  });

  it('within a batch: what was acknowledged is there, the rest comes by the provider repeating it', async () => {
    const writings = Array.from({ length: 64 }, (_, n) => ({ id: `batch-${n}`, thread: `batch-${n % 8}` }));
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
    await expectPromisesKept(stage);
  });
}

describe('kill -9 on the embedded database', () => steps(onEmbedded));

describeWithPostgres(
  'kill -9 on Postgres',
  (postgres) => {
    let proxy: HoldingProxy;
    let databaseUrl: string;
    let client: pg.Client;
    let scene: Scene;

    const open = async (): Promise<Scene> => {
      databaseUrl = await postgres.database();
      proxy = await new HoldingProxy(databaseUrl).start();
      proxies.push(proxy);
      client = await postgres.connect(databaseUrl);
      const stage = await setStage({ databaseUrl: proxy.url, spare: true });
      const revive = async (): Promise<void> => {
        await expireLeases(client);
        await stage.gateway.start();
      };
      scene = { stage, revive };
      return scene;
    };
    steps(open);

    const others = "pg_stat_activity where datname = current_database() and application_name like 'tributary%'";
    const count = async (what: string): Promise<number> =>
      Number((await client.query<{ n: string }>(`select count(*) as n from ${what}`)).rows[0]!.n);
    const row = (what: string): Promise<string> =>
      until(
        'the row',
        async () => (await client.query<{ id: string }>(`select id from message where ${what}`)).rows[0]?.id,
      );
    /** Nothing that the dead process asked for is still under way. */
    const kill = async (): Promise<void> => {
      await scene.stage.gateway.kill9();
      await client.query(`select pg_terminate_backend(pid) from ${others}`);
      await until('its connections to be gone', async () => (await count(others)) === 0);
    };

    it('before the commit of an arrival: nothing is stored, the repetition is', async () => {
      const { stage, revive } = scene;
      await stage.conversation({ id: 'uncommitted-0', thread: 'uncommitted' });
      await stage.drained();
      const locker = await postgres.connect(databaseUrl);
      await locker.query('begin; lock table message in access exclusive mode');
      const lost = stage.poster.post(message({ id: 'uncommitted-1', thread: 'uncommitted' })).catch(() => 'no answer');
      await until('the statement to wait', async () => (await count(`pg_locks where not granted`)) > 0);
      await kill();
      expect(await lost).toBe('no answer');
      await locker.query('rollback');
      expect(await count(`message where 'uncommitted-1' = any (external_ids)`)).toBe(0);
      await revive();
      await stage.write({ id: 'uncommitted-1', thread: 'uncommitted' });
      await expectPromisesKept(stage);
    });

    it('after the commit of an arrival, before the gateway knows: the repetition gets the stored one', async () => {
      const { stage, revive } = scene;
      const held = proxy.hold('answer', 'text of committed');
      const lost = stage.poster.post(message({ id: 'committed', thread: 'committed' })).catch(() => 'no answer');
      await held;
      const stored = await row(`'committed' = any (external_ids)`);
      await kill();
      expect(await lost).toBe('no answer');
      await revive();
      expect(await stage.write({ id: 'committed', thread: 'committed' })).toBe(stored);
      await expectPromisesKept(stage);
      expect(await count(`message where 'committed' = any (external_ids)`)).toBe(1);
    });

    it("after the helpdesk's 200, before that is written down: one more delivery, the same id, in order", async () => {
      const { stage, revive } = scene;
      const conversation = await stage.conversation({ id: 'unsettled-0', thread: 'unsettled' });
      await stage.drained();
      const held = proxy.hold('request', 'settle_outbox');
      const id = await stage.write({ id: 'unsettled-1', thread: 'unsettled' });
      await stage.write({ id: 'unsettled-2', thread: 'unsettled' });
      await held;
      const event = (await stage.received(id)).id;
      await kill();
      const [sent] = stage.helpdesk.attempts(event);
      await until('another second', () => Date.now() / 1_000 > Number(sent!.headers['webhook-timestamp']) + 1);
      await revive();
      await expectPromisesKept(stage);
      const [first, second, ...more] = stage.helpdesk.attempts(event);
      expect(more).toEqual([]);
      expect(second?.raw).toEqual(first?.raw);
      expect(Number(second?.headers['webhook-timestamp'])).toBeGreaterThan(Number(first?.headers['webhook-timestamp']));
      expect(stage.helpdesk.sequences.get(conversation)).toEqual([1, 2, 3, 4]);
    });

    it('after a delivery was written down, before the gateway knows: it is not made again', async () => {
      const { stage, revive } = scene;
      await stage.conversation({ id: 'settled-0', thread: 'settled' });
      await stage.drained();
      const held = proxy.hold('answer', 'settle_outbox');
      const event = (await stage.received(await stage.write({ id: 'settled-1', thread: 'settled' }))).id;
      await held;
      await kill();
      await revive();
      await stage.write({ id: 'settled-2', thread: 'settled' });
      await expectPromisesKept(stage);
      expect(stage.helpdesk.attempts(event)).toHaveLength(1);
    });

    it("after the provider's 200, before that is written down: asked again with the same id, taken once", async () => {
      const { stage, revive } = scene;
      const conversation = await stage.conversation({ id: 'unsent', thread: 'unsent' });
      await stage.drained();
      const holding = stage.provider.hold();
      const reply = await stage.reply(conversation, 'answer');
      const { request, release } = await holding;
      await stage.drained();
      const held = proxy.hold('request', 'settle_outbox');
      release({});
      await held;
      await kill();
      await revive();
      await stage.settled(reply.id, 'sent');
      await expectPromisesKept(stage);
      expect(stage.provider.attempts(request.id)).toHaveLength(2);
      expect(texts(stage, 'unsent')).toEqual(['answer']);
    });

    it('after the commit of a reply, before the helpdesk knows: its repetition is the same message', async () => {
      const { stage, revive } = scene;
      const conversation = await stage.conversation({ id: 'marked', thread: 'marked' });
      await stage.drained();
      const held = proxy.hold('answer', 'commit', 'a marked answer');
      const lost = stage.reply(conversation, 'a marked answer', 'key-marked').catch(() => 'no answer');
      await held;
      const stored = await row(`text = 'a marked answer'`);
      await kill();
      expect(await lost).toBe('no answer');
      await revive();
      expect((await stage.reply(conversation, 'a marked answer', 'key-marked')).id).toBe(stored);
      await stage.settled(stored, 'sent');
      await expectPromisesKept(stage);
      expect(texts(stage, 'marked')).toEqual(['a marked answer']);
      expect(await count(`message where text = 'a marked answer'`)).toBe(1);
    });

    it('during the first start: the next one needs nobody', async () => {
      const gateway = await newGateway({ databaseUrl: await postgres.database(), config: onlyApp() });
      for (const offset of [300, 500, 700, 1_000]) await gateway.startAndKill(offset);
      await gateway.start();
      expect(await new Poster(gateway, 'app', SECRET).write({ id: 'm-1', thread: 'room' })).toMatch(/^msg_/);
      await gateway.stop();
    });
  },
  { durable: true },
);

const SECRET = newSecret();
const onlyApp = () => ({
  accounts: [{ id: 'app', type: 'http', config: { secret: SECRET, url: 'http://127.0.0.1:9/' } }],
});

describe('kill -9 during the first start', () => {
  it('leaves nothing that the next start stumbles over', async () => {
    const gateway = await newGateway({ dataDir: await emptyFolder(), config: onlyApp() });
    for (const offset of [300, 1_000, 2_000, 3_500]) await gateway.startAndKill(offset);
    await gateway.start();
    expect(await new Poster(gateway, 'app', SECRET).write({ id: 'm-1', thread: 'room' })).toMatch(/^msg_/);
    const told = (await gateway.api.stream()).filter(({ data }) => data?.contact);
    expect(told.map(({ type }) => type)).toEqual(['contact.created', 'conversation.opened', 'message.received']);
    expect((await gateway.stop()).code).toBe(0);
  });
});

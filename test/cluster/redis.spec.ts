import { afterAll, afterEach, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { describeWithRedis, RedisServer } from '#database/testing';
import { describeWithPostgres, expectPromisesKept, stopEverything, type Gateway } from '../support/index.js';
import { Cluster } from './support/cluster.js';
import { Visitor } from './support/visitor.js';

jest.setTimeout(120_000);

/** What losing Redis may add to the way of a message, and how soon after its return everything goes on. */
const ADDED_MS = 2_000;
const BACK_MS = 5_000;

describeWithRedis('two processes with Redis between them', () => {
  const redis = new RedisServer();

  describeWithPostgres('and one database', (postgres) => {
    let cluster: Cluster;
    let visitor: Visitor;
    let conversation: string;

    beforeAll(async () => {
      await redis.start();
      const env = { REDIS_URL: redis.url };
      cluster = await Cluster.start({ databaseUrl: await postgres.database(), processes: [env, env] });
      visitor = await Visitor.open(cluster.gateways[0]!.url);
      const { conversationId } = await cluster.stage.message((await visitor.say('question'))!);
      conversation = conversationId;
    });
    afterEach(() => cluster.stage.drained());
    afterAll(async () => {
      visitor?.close();
      await cluster?.stop();
      await redis.stop();
      await stopEverything();
    });

    /** The agent answers through the other process; resolves once the visitor's browser has it. */
    async function answered(text: string, ms: number): Promise<void> {
      const other = cluster.gateways[1] as Gateway;
      const { status } = await other.api.post(`/v1/conversations/${conversation}/messages`, { text });
      expect(status).toBe(202);
      await visitor.until(`"${text}"`, (frame) => frame.type === 'message' && frame.text === text, ms);
    }
    const subscribers = async () =>
      ((await redis.command('pubsub', 'numsub', 'tributary:hints:0')) as [string, number])[1];

    it('hear each other over it', async () => {
      expect(await subscribers()).toBe(2);
      await answered('over Redis', ADDED_MS);
    });

    it('lose nothing when it is emptied, and at most two seconds when it is away', async () => {
      const load = cluster.load('redis').start(3);
      await redis.command('flushall');
      await answered('emptied', ADDED_MS);
      await redis.stop();
      for (const text of ['just gone', 'still gone', 'gone for good']) await answered(text, ADDED_MS);
      const id = 'while-away';
      cluster.stage.acknowledged.set(id, await cluster.stage.posterTo(cluster.balancer).write({ id, thread: id }));
      await cluster.stage.received(cluster.stage.acknowledged.get(id)!, ADDED_MS);
      await redis.start();
      await answered('back', BACK_MS);
      while ((await subscribers()) < 2) await new Promise((done) => setTimeout(done, 50));
      await load.stop();
      await expectPromisesKept(cluster.stage);
    });

    it('start without it, and use it once it is there', async () => {
      await redis.stop();
      const [one] = cluster.gateways as [Gateway];
      await one.stop();
      await one.start();
      visitor = await Visitor.open(one.url, visitor);
      await answered('without', ADDED_MS);
      await redis.start();
      while ((await subscribers()) < 2) await new Promise((done) => setTimeout(done, 50));
      await answered('with', ADDED_MS);
    });
  });
});

describe('REDIS_URL', () => {
  it('is said to be wrong where it is', async () => {
    const { newGateway } = await import('../support/index.js');
    const { code, output } = await (await newGateway({ env: { REDIS_URL: 'localhost:6379' } })).startAndEnd();
    expect([code, output]).toEqual([1, expect.stringContaining('redis://user:password@host:6379/0')]);
  });
});

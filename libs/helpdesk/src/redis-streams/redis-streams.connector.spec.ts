import { describe, expect, it } from '@jest/globals';
import type { Redis } from 'ioredis';
import {
  binaryMissing,
  comesTrue,
  conformance,
  describeOnServer,
  messageEvent,
  selfSigned,
  withSinks,
  type SinkBench,
  type SinkSubject,
} from '../testing/index.js';
import { redisStreams, type RedisStreamsConfig } from './redis-streams.connector.js';
import { pairs, PASSWORDS, speak, startRedis } from './testing/server.js';

const sample = (which: 0 | 1) => ({
  id: `sink${which}`,
  config: (server: string) => ({
    server,
    username: `user${which}`,
    password: PASSWORDS[which],
    confirmWithinMs: 1_000,
  }),
});

const subject: SinkSubject<RedisStreamsConfig> = {
  connector: redisStreams,
  now: Date.parse('2026-11-21T09:30:00Z'),
  address: 'server',
  destinations: [sample(0), sample(1)],
  start: startRedis,
  missing: () => binaryMissing('redis-server'),
  refusals: [
    { name: 'a wrong password', codes: ['unauthorized'], config: { password: 'a-wrong-password' } },
    { name: 'no password', codes: ['unauthorized'], config: { username: undefined, password: undefined } },
    { name: 'a stream that the user may not write', codes: ['unauthorized'], config: { stream: 'elsewhere' } },
    { name: 'a database that is not there', codes: ['config-invalid'], config: { database: 99 } },
    {
      name: 'a key that holds something else',
      codes: ['config-invalid'],
      prepare: ({ port }) => speak(port, async (client) => void (await client.set('tributary', 'x'))),
    },
    {
      name: 'no memory left',
      codes: ['throttled'],
      prepare: ({ port }) => speak(port, async (client) => void (await client.config('SET', 'maxmemory', '1'))),
    },
    { name: 'replicas that are missing', codes: ['outcome-unknown'], config: { replicas: 1 } },
  ],
};

conformance(subject);

describeOnServer('redis-streams', subject.missing?.(), (title) =>
  describe(title, () => {
    const use = async (config: Record<string, unknown>, work: (bench: SinkBench) => Promise<void>): Promise<void> =>
      withSinks(subject as unknown as SinkSubject, { config }, work);

    it('spreads conversations over the partitions, each on one', () =>
      use({ partitions: 3 }, async ({ sinks, context }) => {
        const events = Array.from({ length: 40 }, (_, i) => messageEvent(1 + (i >> 3), `${i}`, `cnv_${i % 8}`));
        for (const event of events) await redisStreams.deliver([event], context(0) as never);
        await speak(sinks[0].port, async (client) => {
          const streams = (await client.keys('*')).sort();
          expect(streams).toEqual(['tributary:0', 'tributary:1', 'tributary:2']);
          const keys = await Promise.all(streams.map(async (stream) => keysOf(await client.xrange(stream, '-', '+'))));
          expect(keys.flat().length).toBe(new Set(keys.flat()).size);
        });
        expect(await sinks[0].taken()).toHaveLength(40);
      }));

    it('appends what is handed over together as one transaction', () =>
      use({}, async ({ sinks, context }) => {
        await redisStreams.deliver([messageEvent(1, 'a'), messageEvent(2, 'b')], context(0) as never);
        const stats = await speak(sinks[0].port, (client) => client.info('commandstats'));
        expect(stats).toMatch(/cmdstat_xadd:calls=2,/);
        expect(stats).toMatch(/cmdstat_exec:calls=1,/);
      }));

    it('trims only where it is told to', () =>
      use({ maxLength: 100 }, async ({ sinks, context }) => {
        const batch = Array.from({ length: 100 }, (_, i) => messageEvent(i + 1, `${i}`));
        for (let i = 0; i < 8; i += 1) {
          await redisStreams.deliver(batch, context(0) as never);
        }
        expect((await sinks[0].taken()).length).toBeLessThan(400);
        const ctx = context(1, { destinationId: 'unbounded', config: { ...(context(1).config as object), maxLength: undefined, stream: 'tributary-all' } }); // prettier-ignore
        for (let i = 0; i < 8; i += 1) await redisStreams.deliver(batch, ctx as never);
        await speak(sinks[1].port, async (client) => expect(await client.xlen('tributary-all')).toBe(800));
      }));

    it('counts a delivery only once as many replicas have it as it is told', () =>
      use({ replicas: 1 }, async ({ sinks, context }) => {
        await speak(sinks[1].port, async (client) => {
          await client.config('SET', 'masteruser', 'suite');
          await client.config('SET', 'masterauth', 'suite-4711');
          await client.replicaof('127.0.0.1', sinks[0].port);
          await comesTrue(
            async () => (await client.info('replication')).includes('master_link_status:up'),
            'a replica',
          );
        });
        await redisStreams.deliver([messageEvent(1, 'hello')], context(0) as never);
        expect(await sinks[1].taken()).toHaveLength(1);
        await sinks[1].stop();
        const failure = redisStreams.deliver([messageEvent(2, 'hello')], context(0) as never);
        await expect(failure).rejects.toMatchObject({ code: 'outcome-unknown' });
      }));

    it('takes no answer of a replica for a confirmation, and finds the new primary by its next connection', () =>
      use({}, async ({ sinks, context }) => {
        await redisStreams.deliver([messageEvent(1, 'a')], context(0) as never);
        const demote = (client: Redis) => client.replicaof('127.0.0.1', 1);
        await speak(sinks[0].port, async (client) => void (await demote(client)));
        const failure = redisStreams.deliver([messageEvent(2, 'b')], context(0) as never);
        await expect(failure).rejects.toMatchObject({ code: 'unavailable', providerCode: 'READONLY' });
        await speak(sinks[0].port, async (client) => void (await client.replicaof('NO', 'ONE')));
        await redisStreams.deliver([messageEvent(2, 'b')], context(0) as never);
        expect((await sinks[0].taken()).map(({ id }) => id)).toHaveLength(2);
      }));

    it('verifies the certificate of the server', async () => {
      const own = selfSigned('redis.example');
      const encrypted = { ...subject, start: (port: number) => startRedis(port, own) } as unknown as SinkSubject;
      const over = async (tls: object): Promise<void> =>
        withSinks(encrypted, { config: { tls } }, async ({ context }) => {
          await redisStreams.deliver([messageEvent(1, 'a')], context(0) as never);
        });
      await over({ ca: own.cert });
      await over({ ca: own.cert, serverName: 'redis.example' });
      const refused = { code: 'unavailable', message: expect.stringMatching(/certificate|altnames/) };
      await expect(over({})).rejects.toMatchObject(refused);
      await expect(over({ ca: own.cert, serverName: 'other.example' })).rejects.toMatchObject(refused);
    });

    it.each([
      [{ server: 'redis.example' }],
      [{ server: 'redis://redis.example:6379' }],
      [{ server: 'me:secret@redis.example:6379' }],
      [{ server: 'redis.example:6379', partitions: 0 }],
      [{ server: 'redis.example:6379', tls: { ca: 'a file name' } }],
    ])('refuses the settings %p', (config) => expect(redisStreams.config.safeParse(config).success).toBe(false));
  }),
);

function keysOf(entries: readonly [string, string[]][]): string[] {
  return [...new Set(entries.map(([, fields]) => pairs(fields)['key'] ?? ''))];
}

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import {
  binaryMissing,
  conformance,
  describeOnServer,
  messageEvent,
  selfSigned,
  startServer,
  withSinks,
  type Sink,
  type SinkBench,
  type SinkSubject,
} from '../testing/index.js';
import { nats, type NatsConfig } from './nats.connector.js';
import { PASSWORDS, settings, speak, startNats } from './testing/server.js';

const sample = (which: 0 | 1) => ({
  id: `sink${which}`,
  config: (server: string) => ({
    ...{ servers: [server], user: `user${which}`, password: PASSWORDS[which], confirmWithinMs: 1_000 },
  }),
});
const large = messageEvent(1, 'x'.repeat(70_000));

/** A stream with these limits, made before ours would be. */
const limited = (limits: object) => (sink: Sink) =>
  speak(sink.port, async (manager) => {
    await manager.streams.add({ name: 'TRIBUTARY', subjects: ['tributary.>'], ...limits });
  });

const subject: SinkSubject<NatsConfig> = {
  connector: nats,
  now: Date.parse('2026-11-21T09:30:00Z'),
  address: 'servers',
  destinations: [sample(0), sample(1)],
  start: startNats,
  missing: () => binaryMissing('nats-server'),
  unwelcome: large,
  refusals: [
    { name: 'a wrong password', codes: ['unauthorized'], config: { password: 'a-wrong-password' } },
    { name: 'no credentials', codes: ['unauthorized'], config: { user: undefined, password: undefined } },
    {
      name: 'a subject that the user may not publish to',
      codes: ['unauthorized'],
      config: { user: 'shy', password: 'shy-password-1234' },
      prepare: limited({}),
    },
    { name: 'an event beyond max_payload', codes: ['content-refused'], events: [large] },
    {
      name: 'an event beyond the stream’s own limit',
      codes: ['content-refused'],
      prepare: limited({ max_msg_size: 100 }),
    },
    {
      name: 'a stream that is full and drops nothing',
      codes: ['throttled'],
      prepare: limited({ max_msgs: 1, discard: 'new' }),
      events: [messageEvent(1, 'a'), messageEvent(2, 'b')],
    },
    { name: 'no stream, and none to be made', codes: ['unavailable'], config: { createStream: false } },
    {
      name: 'a subject that another stream takes',
      codes: ['config-invalid'],
      config: { stream: 'OURS' },
      prepare: limited({}),
    },
    { name: 'more replicas than servers', codes: ['config-invalid'], config: { replicas: 3 } },
  ],
};

conformance(subject);

describeOnServer('nats', subject.missing?.(), (title) =>
  describe(title, () => {
    const use = (work: (bench: SinkBench) => Promise<void>, config = {}): Promise<void> =>
      withSinks(subject as unknown as SinkSubject, { config }, work);

    it('makes the stream as it is told, and keeps a repeat out of it by the event’s id', () =>
      use(
        async ({ sinks, context }) => {
          for (let i = 0; i < 3; i += 1) await nats.deliver([messageEvent(1, 'a')], context(0) as never);
          expect(await sinks[0].taken()).toHaveLength(1);
          const { config } = await speak(sinks[0].port, (manager) => manager.streams.info('TRIBUTARY'));
          expect(config).toMatchObject({
            ...{ subjects: ['tributary.>'], num_replicas: 1, storage: 'file', retention: 'limits' },
            ...{ duplicate_window: 120e9, max_age: 3_600e9 },
          });
        },
        { dedupeMinutes: 2, keepHours: 1 },
      ));

    it('names subjects by conversation and type, so that readers can filter', () =>
      use(async ({ sinks, context }) => {
        await nats.deliver([messageEvent(1, 'a', 'cnv_1'), { ...messageEvent(2, 'b', 'cnv_1'), data: { account: { id: 'a.b *>', channel: 'http', name: null } } }], context(0) as never); // prettier-ignore
        const subjects = await speak(sinks[0].port, async (manager) => {
          const { state } = await manager.streams.info('TRIBUTARY', { subjects_filter: '>' });
          return Object.keys(state.subjects ?? {}).sort();
        });
        expect(subjects).toEqual(['tributary.a_b___.message.received', 'tributary.cnv_1.message.received']);
      }));

    it('goes on when only its stream was deleted', () =>
      use(async ({ sinks, context }) => {
        await nats.deliver([messageEvent(1, 'a')], context(0) as never);
        await speak(sinks[0].port, (manager) => manager.streams.delete('TRIBUTARY'));
        await nats.deliver([messageEvent(2, 'b')], context(0) as never);
        expect(await sinks[0].taken()).toHaveLength(1);
      }));

    it('says in check() what stands in the way', () =>
      use(async ({ sinks, context }) => {
        const detail = async (config = {}) => (await nats.check?.({ ...(context(0) as object), config: { ...(context(0).config as object), ...config } } as never))?.detail; // prettier-ignore
        expect(await detail()).toContain('the first event makes the stream');
        expect(await detail({ createStream: false })).toContain('make it');
        await limited({ subjects: ['other.>'] })(sinks[0]);
        expect(await detail()).toContain('add that to its subjects');
        await speak(sinks[0].port, (manager) => manager.streams.update('TRIBUTARY', { subjects: ['*.>'] }));
        expect(await detail()).toContain('is there and takes');
      }));

    it('verifies the certificate of the server, and sends no password to one that offers no TLS', async () => {
      const own = selfSigned('nats.example');
      const server = await startServer({
        name: 'nats-server',
        args({ port, folder }) {
          for (const [name, text] of Object.entries(own)) writeFileSync(join(folder, name), text);
          writeFileSync(join(folder, 'server.conf'), settings('tls { cert_file: "./cert", key_file: "./key" }'));
          return ['-c', join(folder, 'server.conf'), '-a', '127.0.0.1', '-p', `${port}`];
        },
      });
      try {
        await use(async ({ context }) => {
          const over = (tls: object, servers?: string[]) => {
            const config = { ...(context(0).config as object), ...(servers && { servers }), tls };
            return nats.deliver([messageEvent(1, 'a')], context(0, { destinationId: JSON.stringify(tls), config, hold: (open) => open() }) as never); // prettier-ignore
          };
          const there = [`127.0.0.1:${server.port}`];
          await over({ ca: own.cert }, there);
          await over({ ca: own.cert, serverName: 'nats.example' }, there);
          await expect(over({}, there)).rejects.toMatchObject({ code: 'unavailable', message: expect.stringMatching(/certificate/) }); // prettier-ignore
          await expect(over({ ca: own.cert, serverName: 'other.example' }, there)).rejects.toMatchObject({ code: 'unavailable' }); // prettier-ignore
          await expect(over({ ca: own.cert })).rejects.toMatchObject({ code: 'unavailable', message: expect.stringMatching(/tls/) }); // prettier-ignore
        });
      } finally {
        await server.close();
      }
    });

    it('takes a token for a credential, and the next server where one does not answer', async () => {
      const token = 'the-token-of-this-test';
      const args = ({ port }: { port: number }) => [
        '-js',
        '-sd',
        '.',
        '--auth',
        token,
        '-a',
        '127.0.0.1',
        '-p',
        `${port}`,
      ];
      const server = await startServer({ name: 'nats-server', args });
      try {
        const servers = ['127.0.0.1:1', `127.0.0.1:${server.port}`];
        const over = (given: string) => {
          const config = { servers, user: undefined, password: undefined, token: given };
          return use(
            async ({ context }) => void (await nats.deliver([messageEvent(1, 'a')], context(0) as never)),
            config,
          );
        };
        await over(token);
        await expect(over('another-token')).rejects.toMatchObject({ code: 'unauthorized' });
      } finally {
        await server.close();
      }
    });

    it.each([
      [{ servers: [] }],
      [{ servers: ['nats://nats.example:4222'] }],
      [{ servers: ['nats.example:4222'], subject: 'a.>' }],
      [{ servers: ['nats.example:4222'], stream: 'a b' }],
    ])('refuses the settings %p', (config) => expect(nats.config.safeParse(config).success).toBe(false));
  }),
);

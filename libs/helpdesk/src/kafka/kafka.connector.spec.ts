import { describe, expect, it } from '@jest/globals';
import type { StreamEvent } from '#normalizer';
import {
  conformance,
  messageEvent,
  selfSigned,
  withSinks,
  type SinkBench,
  type SinkSubject,
} from '../testing/index.js';
import { kafka, type KafkaConfig } from './kafka.connector.js';
import { Broker } from './testing/broker.js';

const PASSWORDS = ['first-password-4711', 'other-password-0815'] as const;
const users = { user0: PASSWORDS[0], user1: PASSWORDS[1] };

const sample = (which: 0 | 1) => ({
  id: `sink${which}`,
  config: (server: string) => ({
    ...{ brokers: [server], confirmWithinMs: 1_000 },
    sasl: { username: `user${which}`, password: PASSWORDS[which] },
  }),
});
const large = messageEvent(1, 'x'.repeat(150_000));
const sasl = { username: 'user0', password: 'a-wrong-password' };

/** The broker is our own, of the real protocol's requests: there is no Kafka among Debian's packages. */
const subject: SinkSubject<KafkaConfig> = {
  connector: kafka,
  now: Date.parse('2026-11-21T09:30:00Z'),
  address: 'brokers',
  destinations: [sample(0), sample(1)],
  start: (gatePort) => Broker.start(gatePort, { users }),
  unwelcome: large,
  refusals: [
    { name: 'a wrong password', codes: ['unauthorized'], config: { sasl } },
    {
      name: 'a mechanism that the broker does not know',
      codes: ['config-invalid', 'unauthorized'],
      config: { sasl: { ...sasl, mechanism: 'scram-sha-256' } },
    },
    {
      name: 'a topic that we may not write',
      codes: ['unauthorized'],
      prepare: async (sink) => void (sink as Broker).denied.add('tributary'),
    },
    { name: 'a topic that is not there', codes: ['unavailable'], config: { topic: 'elsewhere' } },
    { name: 'an event that the broker finds too large', codes: ['content-refused'], events: [large] },
    {
      name: 'an event beyond our own limit',
      codes: ['content-refused'],
      config: { maxMessageBytes: 1_024 },
      events: [messageEvent(1, 'x'.repeat(2_000))],
    },
    {
      name: 'too few replicas',
      codes: ['unavailable'],
      prepare: async (sink) => void ((sink as Broker).replicasMissing = true),
    },
  ],
};

conformance(subject);

describe('kafka', () => {
  const use = (work: (bench: SinkBench, broker: Broker) => Promise<void>, config = {}): Promise<void> =>
    withSinks(subject as unknown as SinkSubject, { config }, (bench) => work(bench, bench.sinks[0] as Broker));
  const deliver = ({ context }: SinkBench, ...events: StreamEvent[]) => kafka.deliver(events, context(0) as never);

  it('keeps a conversation in one partition, and uses them all', () =>
    use(async (bench, broker) => {
      for (let i = 0; i < 60; i += 1) await deliver(bench, messageEvent(1 + (i >> 4), `${i}`, `cnv_${i % 16}`));
      const spread = [...broker.spread().values()];
      expect(spread.map(({ size }) => size)).toEqual(Array.from({ length: 16 }, () => 1));
      expect(new Set(spread.flatMap((partitions) => [...partitions])).size).toBe(broker.partitions);
    }));

  it('sends what comes at the same time together, and what one of them does wrong is not the others’ fault', () =>
    use(async (bench, broker) => {
      await deliver(bench, messageEvent(1, 'warm'));
      const before = broker.batches.length;
      const many = Array.from({ length: 40 }, (_, i) => messageEvent(1, `${i}`, `cnv_${i}`));
      await Promise.all(many.map((event) => deliver(bench, event)));
      expect(broker.batches.length - before).toBeLessThan(20);
      const spoilt = many.map((event, i) => (i === 7 ? large : { ...event, id: `${event.id}_again` }));
      const outcomes = await Promise.allSettled(spoilt.map((event) => deliver(bench, event)));
      expect(outcomes.flatMap(({ status }, i) => (status === 'rejected' ? [i] : []))).toEqual([7]);
    }));

  it('takes no confirmation of an earlier message for its own, after an outcome was not known', () =>
    use(async (bench, broker) => {
      await deliver(bench, messageEvent(1, 'before', 'cnv_a'));
      bench.gates[0].set('mute');
      // It arrives, and the confirmation does not: the sequence of the partition is used up on the broker's side alone.
      await expect(deliver(bench, messageEvent(2, 'stored', 'cnv_a'))).rejects.toMatchObject({
        code: 'outcome-unknown',
      });
      bench.gates[0].set('open');
      const others = Array.from({ length: 30 }, (_, i) => messageEvent(1, `${i}`, `cnv_other${i}`));
      for (const event of others) await deliver(bench, event);
      const ids = new Set((await broker.taken()).map(({ id }) => id));
      expect(others.filter(({ id }) => !ids.has(id))).toEqual([]);
    }));

  it('verifies the certificate of the brokers', async () => {
    const own = selfSigned('kafka.example');
    const start = async (port: number) => Broker.start(port, { users, tls: own });
    const encrypted = { ...subject, start } as unknown as SinkSubject;
    await withSinks(encrypted, { config: { tls: { ca: own.cert } } }, async (bench) => {
      await deliver(bench, messageEvent(1, 'a'));
      expect(await bench.sinks[0].taken()).toHaveLength(1);
    });
    await withSinks(encrypted, { config: { tls: {} } }, async (bench) => {
      const failure = deliver(bench, messageEvent(1, 'a'));
      await expect(failure).rejects.toMatchObject({
        code: 'unavailable',
        message: expect.stringMatching(/certificate/),
      });
    });
  });

  it('says in check() whether the topic is there', () =>
    use(async ({ context }) => {
      const detail = async (config: object) => (await kafka.check?.({ ...context(0), config: { ...(context(0).config as object), ...config } } as never))?.detail; // prettier-ignore
      expect(await detail({})).toContain('has 4 partitions');
      expect(await detail({ topic: 'elsewhere' })).toContain('make it');
      expect(await detail({ topic: 'elsewhere', createTopic: true })).toContain('with the first event');
    }));

  it.each([
    [{ brokers: [] }],
    [{ brokers: ['kafka://kafka.example:9092'] }],
    [{ brokers: ['kafka.example:9092'], topic: 'a b' }],
    [{ brokers: ['kafka.example:9092'], sasl: { username: 'me' } }],
  ])('refuses the settings %p', (config) => expect(kafka.config.safeParse(config).success).toBe(false));
});

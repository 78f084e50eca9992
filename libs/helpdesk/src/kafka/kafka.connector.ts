import { secret, type ProviderFailure, type StreamEvent } from '#normalizer';
import type { Health } from '#transport';
import { z } from 'zod';
import type { ConnectorContext, DeliveryReceipt, HelpdeskConnector } from '../core/connector.js';
import { within } from '../core/link.js';
import { confirmWithin, marks, orderingKey, serverAddress, tlsSettings } from '../core/stream-engine.js';
import { partitionsOf, refusalOf } from './kafka-client.js';
import { KafkaSender, type KafkaMessage } from './kafka-sender.js';

const config = z.object({
  brokers: z.array(serverAddress()).min(1).max(32).describe('Brokers to begin with, each as `host:port`.'),
  topic: z
    .string()
    .regex(/^[A-Za-z0-9._-]{1,249}$/, 'expected at most 249 letters, digits, dots, _ and -')
    .default('tributary')
    .describe('Topic that takes the events.'),
  createTopic: z.boolean().default(false).describe('Lets the brokers make the topic, where they are set to do so.'),
  sasl: z
    .object({
      mechanism: z.enum(['plain', 'scram-sha-256', 'scram-sha-512']).default('plain').describe('Mechanism.'),
      username: z.string().min(1).describe('User name.'),
      password: secret().describe('Password of the user.'),
    })
    .optional()
    .describe(
      'Credentials, where the brokers ask for them: `mechanism` (`plain`, `scram-sha-256`, `scram-sha-512`), `username`, `password`.',
    ),
  tls: tlsSettings(),
  maxMessageBytes: z
    .int()
    .min(1_024)
    .max(100_000_000)
    .default(1_000_000)
    .describe('Largest event that is sent, bytes: a little below `message.max.bytes` of the topic.'),
  confirmWithinMs: confirmWithin(),
});
export type KafkaConfig = z.infer<typeof config>;

type Context = ConnectorContext<KafkaConfig>;

/** The unified stream as records of a Kafka topic, idempotent and confirmed by all replicas in sync (`acks=all`). */
export const kafka: HelpdeskConnector<KafkaConfig> = {
  type: 'kafka',
  title: 'Kafka',
  config,
  capabilities: { kind: 'stream', batch: 100, replies: ['api'], maxAttachmentBytes: 0 },
  deliver,
  check,
};

async function deliver(events: readonly StreamEvent[], ctx: Context): Promise<DeliveryReceipt> {
  const { hold, config, dial, signal, replay } = ctx;
  const sender = hold(() => new KafkaSender(config, dial));
  const confirmed = sender.send(events.map((event) => messageOf(event, replay)));
  // Twice: behind what is being sent, then by itself.
  await within(confirmed, {
    ms: 2 * config.confirmWithinMs,
    ...{ signal, code: 'outcome-unknown', what: 'the confirmation' },
  });
  return {};
}

function messageOf(event: StreamEvent, replay: boolean): KafkaMessage {
  return { key: orderingKey(event), value: JSON.stringify(event), headers: marks(event, replay) };
}

async function check({ config, dial, signal }: Context): Promise<Health> {
  const { topic, createTopic, confirmWithinMs: ms } = config;
  try {
    const asked = partitionsOf(config, dial);
    const count = await within(asked, { ms: 2 * ms, signal, code: 'unavailable', what: 'an answer' });
    if (count > 0) return { ok: true, detail: `The brokers answer; the topic ${topic} has ${count} partitions.` };
    return createTopic
      ? { ok: true, detail: `The brokers answer; they are asked to make the topic ${topic} with the first event.` }
      : {
          ok: false,
          detail: `There is no topic ${topic}, or we may not see it: make it, or grant the right to write.`,
        };
  } catch (error) {
    const { code, message } = refusalOf(error);
    return { ok: false, detail: `${ADVICE[code] ?? 'The brokers cannot be used'}: ${message}.` };
  }
}

const ADVICE: Partial<Record<ProviderFailure['code'], string>> = {
  unauthorized: 'The brokers refuse the credentials, or what they may do; see `sasl`',
  'config-invalid': 'The settings do not work',
  unavailable: 'The brokers do not answer; compare `brokers` and `tls` with what they listen on',
};

import kafkajs, { type Kafka, type Producer, type SASLOptions } from 'kafkajs';
import { ProviderFailure, type FailureCode } from '#normalizer';
import type { Dial } from '#transport';
import { connectionFailure, within } from '../core/link.js';
import { dialTls } from '../core/stream-engine.js';
import type { KafkaConfig } from './kafka.connector.js';

type Socket = ReturnType<Dial>;

/** A client, and what became of its connections. */
interface Client {
  readonly kafka: Kafka;
  /** What the first connection that failed said: the client's own words do not tell it. */
  trouble(): Error | undefined;
  /** Ends every connection at once. */
  destroy(): void;
}

function clientOf(config: KafkaConfig, dial: Dial): Client {
  const { brokers, tls, sasl, confirmWithinMs: ms } = config;
  const sockets = new Set<Socket>();
  let trouble: Error | undefined;
  const kafka = new kafkajs.Kafka({
    ...{ clientId: 'tributary', brokers: [...brokers], logLevel: kafkajs.logLevel.NOTHING },
    ...{ connectionTimeout: ms, authenticationTimeout: ms, requestTimeout: ms },
    // Once more for a leader that moved. The relay does the rest.
    retry: { retries: 1, initialRetryTime: 100, maxRetryTime: 1_000 },
    ...(sasl && { sasl: sasl as SASLOptions }),
    // Brokers name other brokers: each address is judged, wherever it came from.
    socketFactory: ({ host, port, onConnect }) => {
      const socket = dial({ host, port, ...(tls && { tls: dialTls(tls) }) });
      sockets.add(socket);
      socket.once('error', (error) => (trouble ??= error)).once('close', () => sockets.delete(socket));
      return socket.once(tls ? 'secureConnect' : 'connect', onConnect);
    },
  });
  return {
    kafka,
    trouble: () => trouble,
    destroy: () => sockets.forEach((socket) => socket.destroy(new Error('closed by us'))),
  };
}

/** An idempotent producer that is connected. `close` never throws. Throws a `ProviderFailure`. */
export async function openProducer(config: KafkaConfig, dial: Dial): Promise<{ producer: Producer; close(): void }> {
  const { createTopic: allowAutoTopicCreation } = config;
  const client = clientOf(config, dial);
  const createPartitioner = kafkajs.Partitioners.DefaultPartitioner;
  const producer = client.kafka.producer({ idempotent: true, allowAutoTopicCreation, createPartitioner });
  await connected(producer.connect(), { config, client });
  const close = (): void => {
    void producer.disconnect().catch(() => undefined);
    client.destroy();
  };
  return { producer, close };
}

/** How many partitions the topic has; 0 where there is none, or none that we may see. Throws a `ProviderFailure`. */
export async function partitionsOf(config: KafkaConfig, dial: Dial): Promise<number> {
  const client = clientOf(config, dial);
  const admin = client.kafka.admin();
  try {
    await connected(admin.connect(), { config, client });
    const { topics } = await admin.fetchTopicMetadata({ topics: [config.topic] });
    return topics[0]?.partitions.length ?? 0;
  } catch (error) {
    if (typeOf(error) === 'UNKNOWN_TOPIC_OR_PARTITION') return 0;
    throw error;
  } finally {
    void admin.disconnect().catch(() => undefined);
    client.destroy();
  }
}

async function connected(
  work: Promise<void>,
  { config, client }: { config: KafkaConfig; client: Client },
): Promise<void> {
  const { brokers, confirmWithinMs: ms } = config;
  const signal = new AbortController().signal;
  try {
    await within(work, { ms, signal, code: 'unavailable', what: 'a connection' });
  } catch (error) {
    client.destroy();
    throw knownRefusal(error) ?? connectionFailure(brokers.join(', '), client.trouble() ?? error);
  }
}

/** What the errors of brokers mean (https://kafka.apache.org/protocol#protocol_error_codes). What is not here passes. */
const TYPES: Readonly<Record<string, FailureCode>> = {
  TOPIC_AUTHORIZATION_FAILED: 'unauthorized',
  CLUSTER_AUTHORIZATION_FAILED: 'unauthorized',
  TRANSACTIONAL_ID_AUTHORIZATION_FAILED: 'unauthorized',
  SASL_AUTHENTICATION_FAILED: 'unauthorized',
  UNSUPPORTED_SASL_MECHANISM: 'config-invalid',
  ILLEGAL_SASL_STATE: 'config-invalid',
  INVALID_TOPIC_EXCEPTION: 'config-invalid',
  POLICY_VIOLATION: 'config-invalid',
  MESSAGE_TOO_LARGE: 'content-refused',
  RECORD_LIST_TOO_LARGE: 'content-refused',
  INVALID_RECORD: 'content-refused',
  THROTTLING_QUOTA_EXCEEDED: 'throttled',
  REQUEST_TIMED_OUT: 'outcome-unknown',
  NOT_ENOUGH_REPLICAS_AFTER_APPEND: 'outcome-unknown',
};

/** What the brokers' error, or the client's, is in the closed table; `otherwise` where only the network failed. */
export function refusalOf(error: unknown, otherwise: FailureCode = 'unavailable'): ProviderFailure {
  const said = error instanceof Error ? error.message : 'unknown error';
  return knownRefusal(error) ?? new ProviderFailure(otherwise, `no answer of the brokers: ${said}`);
}

function knownRefusal(error: unknown): ProviderFailure | undefined {
  if (error instanceof ProviderFailure) return error;
  const { message } = error as Error;
  const type = typeOf(error);
  if (type)
    return new ProviderFailure(TYPES[type] ?? 'unavailable', `the broker answered: ${message}`, { providerCode: type });
  if (causes(error).some(({ name }) => name === 'KafkaJSSASLAuthenticationError'))
    return new ProviderFailure('unauthorized', `the broker refuses the credentials: ${message}`);
  return undefined;
}

function typeOf(error: unknown): string | undefined {
  return causes(error).find(({ type }) => typeof type === 'string')?.type;
}

function causes(error: unknown): (Error & { type?: string })[] {
  const chain: Error[] = [];
  for (let at = error; at instanceof Error && chain.length < 8; at = at.cause) chain.push(at);
  return chain;
}

import { binaryMissing, type Sink } from '#helpdesk/testing';
import { Broker } from '../../libs/helpdesk/src/kafka/testing/broker.js';
import { PASSWORDS as NATS_PASSWORDS, startNats } from '../../libs/helpdesk/src/nats/testing/server.js';
import { PASSWORDS as REDIS_PASSWORDS, startRedis } from '../../libs/helpdesk/src/redis-streams/testing/server.js';

const KAFKA_PASSWORD = 'kafka-password-2357';

/** A stream engine that can be started, and how a destination of its type is set up. */
export interface Engine {
  readonly type: string;
  /** Why it cannot be started here. */
  readonly missing?: string | undefined;
  /** Starts it; `gatePort` is where it says that it is. */
  start(gatePort: number): Promise<Sink>;
  config(server: string): object;
  /** Settings under which what is new goes elsewhere. */
  readonly elsewhere: object;
}

/** Every kind of stream engine: Redis and NATS are real, Kafka is a broker of our own. */
export const engines: readonly Engine[] = [
  {
    type: 'redis-streams',
    missing: binaryMissing('redis-server'),
    start: startRedis,
    config: (server) => ({ server, username: 'user0', password: REDIS_PASSWORDS[0], partitions: 2 }),
    elsewhere: { stream: 'tributary-elsewhere' },
  },
  {
    type: 'nats',
    missing: binaryMissing('nats-server'),
    start: startNats,
    config: (server) => ({ servers: [server], user: 'user0', password: NATS_PASSWORDS[0] }),
    elsewhere: { subject: 'tributary.elsewhere' },
  },
  {
    type: 'kafka',
    start: (port) => Broker.start(port, { users: { user0: KAFKA_PASSWORD } }),
    config: (server) => ({ brokers: [server], sasl: { username: 'user0', password: KAFKA_PASSWORD } }),
    elsewhere: { maxMessageBytes: 500_000 },
  },
];

export const SECRETS = [REDIS_PASSWORDS[0], NATS_PASSWORDS[0], KAFKA_PASSWORD];

import {
  credsAuthenticator,
  headers as newHeaders,
  NatsConnectionImpl,
  setTransportFactory,
  type ConnectionOptions,
  type NatsConnection,
} from '@nats-io/transport-node';
import { setTimeout as delay } from 'node:timers/promises';
import { NodeTransport } from '@nats-io/transport-node/lib/node_transport.js';
import { JetStreamApiError, jetstream, jetstreamManager, type JetStreamManager } from '@nats-io/jetstream';
import { ProviderFailure } from '#normalizer';
import type { Dial } from '#transport';
import { connectionFailure, type Connection } from '../core/link.js';
import { dialAddress, dialTls } from '../core/stream-engine.js';
import { isUnheard, natsRefusal } from './nats-failure.js';
import type { NatsConfig } from './nats.connector.js';

/** One message for the stream. `id`: what the stream drops repeats by. */
export interface Publication {
  readonly subject: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly id?: string;
  readonly body: string;
}

/** What the connector needs of the servers. */
export interface NatsLink extends Connection {
  /** Resolves once the stream has said that it keeps the message. */
  publish(publication: Publication): Promise<void>;
  /** The subjects of a stream; null where there is no such stream. */
  subjectsOf(stream: string): Promise<string[] | null>;
}

/** The options of the client, with what opens its sockets. */
interface GuardedOptions extends ConnectionOptions {
  readonly dial: Dial;
}

/** The client's own transport over a socket that obeys the rules of the network. TLS begins on that socket when the server has introduced itself. */
class GuardedTransport extends NodeTransport {
  override dial({ hostname, port }: { hostname: string; port: number }): ReturnType<NodeTransport['dial']> {
    const { dial, tls } = this.options as GuardedOptions;
    // Without the host a certificate that names an address would be compared with `localhost`.
    this.options = { ...this.options, tls: { host: hostname, ...tls } as ConnectionOptions['tls'] };
    const socket = dial({ host: hostname, port });
    return new Promise((resolve, reject) => {
      const fail = (error?: Error): void => reject(error ?? new Error('the connection was closed'));
      socket.once('error', fail).once('close', () => fail());
      socket.once('connect', () => (socket.removeAllListeners(), resolve(socket)));
    });
  }
}

/** Connects to the first server that takes us. Throws a `ProviderFailure`. */
export async function openNats(config: NatsConfig, dial: Dial): Promise<NatsLink> {
  const options: GuardedOptions = { ...optionsOf(config), dial };
  setTransportFactory({ factory: () => new GuardedTransport() });
  try {
    const connection = await NatsConnectionImpl.connect(options);
    return linkTo(connection, config);
  } catch (error) {
    throw natsRefusal(error) ?? connectionFailure(config.servers.join(', '), error);
  }
}

function optionsOf({
  servers,
  user,
  password,
  token,
  credentials,
  tls,
  confirmWithinMs,
}: NatsConfig): ConnectionOptions {
  return {
    servers: servers.map((server) => {
      const { host, port } = dialAddress(server, undefined);
      return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
    }),
    name: 'tributary',
    // Names are resolved by our own lookup, and no server may tell of others: each address has to be one of the settings.
    ...{ resolve: false, ignoreClusterUpdates: true, reconnect: false },
    // Time to fail of itself before the deadline of whoever waits.
    timeout: Math.round(confirmWithinMs * 0.9),
    pingInterval: 20_000,
    ...(user && { user, pass: password }),
    ...(token && { token }),
    ...(credentials && { authenticator: credsAuthenticator(new TextEncoder().encode(credentials)) }),
    ...(tls && { tls: dialTls(tls) }),
  };
}

function linkTo(connection: NatsConnection, config: NatsConfig): NatsLink {
  const { stream, confirmWithinMs: timeout } = config;
  const lost = connection.closed();
  const client = jetstream(connection, { timeout });
  let manager: Promise<JetStreamManager> | undefined;
  const management = () => (manager ??= jetstreamManager(connection, { timeout, checkAPI: false }));
  const gone = lost.then((error) => {
    throw new ProviderFailure('outcome-unknown', `the connection was lost${error ? `: ${error.message}` : ''}`);
  });
  gone.catch(() => undefined);
  const send = async ({ subject, headers, id, body }: Publication): Promise<void> => {
    const carried = newHeaders();
    for (const [name, value] of Object.entries(headers)) carried.set(name, value);
    const how = { timeout, headers: carried, expect: { streamName: stream }, ...(id !== undefined && { msgID: id }) };
    await Promise.race([client.publish(subject, body, how), gone]);
  };
  return {
    lost,
    async publish(publication) {
      try {
        await send(publication);
      } catch (error) {
        if (!isUnheard(error)) throw error;
        await create(await management(), config);
        await send(publication);
      }
    },
    async subjectsOf(name) {
      try {
        return await settledSubjects(await management(), name);
      } catch (error) {
        if (error instanceof JetStreamApiError && error.code === NO_STREAM) return null;
        throw error;
      }
    },
    close: () => connection.close().catch(() => undefined),
  };
}

/** A server that is just changing a stream may tell of it without its state (seen with nats-server 2.9), on which the client stumbles: then it is asked again. */
async function settledSubjects(manager: JetStreamManager, name: string): Promise<string[]> {
  for (let tries = 0; tries < 20; tries += 1) {
    try {
      return (await manager.streams.info(name)).config.subjects ?? [];
    } catch (error) {
      if ((error as Error).name !== 'TypeError') throw error;
    }
    await delay(50);
  }
  throw new ProviderFailure('unavailable', `the server does not tell the settings of the stream ${name}`);
}

/** `error.code` is what the protocol calls `err_code`. */
const NO_STREAM = 10_059;

/** Nobody takes the subject: makes the stream that does. */
async function create(manager: JetStreamManager, config: NatsConfig): Promise<void> {
  const { stream, subject, createStream, replicas, keepHours, dedupeMinutes } = config;
  if (!createStream) throw new ProviderFailure('unavailable', `no stream takes ${subject}.>, and none is to be made`);
  await manager.streams.add({
    ...{
      name: stream,
      subjects: [`${subject}.>`],
      num_replicas: replicas,
      duplicate_window: dedupeMinutes * MINUTE_NS,
    },
    ...(keepHours !== undefined && { max_age: keepHours * 60 * MINUTE_NS }),
  });
}

const MINUTE_NS = 60_000_000_000;

import { ProviderFailure, type FailureCode } from '#normalizer';
import type { Dial } from '#transport';
import { AbstractConnector, Redis } from 'ioredis';
import { connectionFailure, type Connection } from '../core/link.js';
import { dialAddress } from '../core/stream-engine.js';
import type { RedisStreamsConfig } from './redis-streams.connector.js';

/** One entry for a stream. */
export interface Append {
  readonly stream: string;
  readonly fields: Readonly<Record<string, string>>;
  readonly maxLength?: number | undefined;
}

/** What the connector needs of a server. */
export interface RedisConnection extends Connection {
  /** Appends all or none. Resolves once the server, and so many replicas, have said that they have them. */
  append(appends: readonly Append[], replicas: number): Promise<void>;
  /** The type of what a key holds; `none` where it holds nothing. */
  typeOf(key: string): Promise<string>;
}

/** Connects, authenticates, and waits until the server has loaded its data. Throws a `ProviderFailure`. */
export async function openRedis(config: RedisStreamsConfig, dial: Dial): Promise<RedisConnection> {
  const { server, tls, username, password, database, confirmWithinMs } = config;
  const address = dialAddress(server, tls);
  class Guarded extends AbstractConnector {
    constructor() {
      super(1_000);
    }
    override connect(): Promise<ReturnType<Dial>> {
      this.connecting = true;
      return Promise.resolve((this.stream = dial(address)));
    }
  }
  const client = new Redis({
    ...{ Connector: Guarded, lazyConnect: true, retryStrategy: () => null, connectTimeout: confirmWithinMs },
    ...{ username, password, connectionName: 'tributary' },
    // A command whose answer is lost must fail: whether it is tried again is the relay's decision.
    ...{ autoResendUnfulfilledCommands: false, maxRetriesPerRequest: 0, enableOfflineQueue: false },
    ...(tls && { tls: {} }),
  });
  let first: Error | undefined;
  client.on('error', (error: Error) => (first ??= error));
  const lost = new Promise<void>((resolve) => client.once('end', resolve));
  const deadline = setTimeout(() => {
    first ??= new Error(`no answer within ${confirmWithinMs} ms`);
    client.disconnect();
  }, confirmWithinMs);
  try {
    await client.connect();
    // By its option `db` the client would go on in database 0 where this one is refused.
    if (database !== 0) await client.select(database);
  } catch (error) {
    client.disconnect();
    throw refusalOf(first) ?? refusalOf(error) ?? connectionFailure(server, first ?? error);
  } finally {
    clearTimeout(deadline);
  }
  return { lost, ...commandsOf(client, confirmWithinMs) };
}

function commandsOf(client: Redis, ms: number): Pick<RedisConnection, 'append' | 'typeOf' | 'close'> {
  return {
    async append(appends, replicas) {
      const transaction = client.multi();
      for (const { stream, fields, maxLength } of appends) {
        const trim = maxLength === undefined ? [] : ['MAXLEN', '~', maxLength];
        transaction.xadd(stream, ...trim, '*', ...Object.entries(fields).flat());
      }
      const done = transaction.exec();
      // Less than the caller waits, so that the answer tells how many there are.
      const waited = replicas > 0 ? client.wait(replicas, Math.round(ms * 0.8)) : undefined;
      waited?.catch(() => undefined);
      for (const [error] of (await done) ?? []) if (error) throw error;
      const have = (await waited) ?? 0;
      if (have < replicas)
        throw new ProviderFailure('outcome-unknown', `${have} of ${replicas} replicas confirmed in time`);
    },
    typeOf: (key) => client.type(key),
    async close() {
      const ended = new Promise<void>((resolve) => client.once('end', resolve));
      if (client.status === 'end') return;
      const hard = setTimeout(() => client.disconnect(), 1_000);
      client.quit().catch(() => client.disconnect());
      await ended;
      clearTimeout(hard);
    },
  };
}

/** What the first word of an error of the server means (https://redis.io/docs/latest/develop/reference/protocol-spec/#simple-errors). */
const WORDS: Readonly<Record<string, FailureCode>> = {
  NOAUTH: 'unauthorized',
  WRONGPASS: 'unauthorized',
  NOPERM: 'unauthorized',
  WRONGTYPE: 'config-invalid',
  MOVED: 'config-invalid',
  OOM: 'throttled',
};

/** The failure that an error of the server is, or undefined where it is none of the server's. */
function refusalOf(error: unknown): ProviderFailure | undefined {
  if (!(error instanceof Error) || error.name !== 'ReplyError') return undefined;
  const { message, previousErrors } = error as Error & { previousErrors?: Error[] };
  if (previousErrors?.[0]) return refusalOf(previousErrors[0]);
  const word = /^[A-Z]+/.exec(message)?.[0] ?? 'ERR';
  const code =
    WORDS[word] ??
    (/DB index|SELECT is not allowed|without any password/i.test(message) ? 'config-invalid' : 'unavailable');
  return new ProviderFailure(code, `the server answered: ${message}`, { providerCode: word });
}

/** What a failed command means. Without an answer of the server it may have been carried out. */
export function redisFailure(error: unknown): ProviderFailure {
  if (error instanceof ProviderFailure) return error;
  const refusal = refusalOf(error);
  if (refusal) return refusal;
  const message = error instanceof Error ? error.message : 'unknown error';
  const unsent = /enableOfflineQueue|isn't writeable/.test(message);
  return new ProviderFailure(unsent ? 'unavailable' : 'outcome-unknown', `no answer to what was sent: ${message}`);
}

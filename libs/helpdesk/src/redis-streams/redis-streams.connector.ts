import { crc32 } from 'node:zlib';
import { secret, type ProviderFailure, type StreamEvent } from '#normalizer';
import type { Health } from '#transport';
import { z } from 'zod';
import type { ConnectorContext, DeliveryReceipt, HelpdeskConnector } from '../core/connector.js';
import { Link, within } from '../core/link.js';
import { confirmWithin, orderingKey, serverAddress, tlsSettings } from '../core/stream-engine.js';
import { openRedis, redisFailure, type Append, type RedisConnection } from './redis-connection.js';

const config = z.object({
  server: serverAddress().describe('The server that takes writes, as `host:port`.'),
  username: z.string().min(1).optional().describe('User of the access control list; without it the default user.'),
  password: secret().optional().describe('Password of the user, or of the server.'),
  database: z.int().min(0).max(65_535).default(0).describe('Number of the database.'),
  tls: tlsSettings(),
  stream: z
    .string()
    .min(1)
    .max(200)
    .default('tributary')
    .describe('Key of the stream. With several partitions it gets their number: `tributary:0`, `tributary:1`, ...'),
  partitions: z
    .int()
    .min(1)
    .max(1_024)
    .default(1)
    .describe('Streams to spread conversations over, by CRC-32 of the key. Changing it moves conversations.'),
  maxLength: z
    .int()
    .min(1)
    .optional()
    .describe(
      'Entries that a stream keeps, roughly; older ones are removed, read or not. Without it nothing is removed.',
    ),
  replicas: z.int().min(0).max(16).default(0).describe('Replicas that must have a delivery (`WAIT`) before it counts.'),
  confirmWithinMs: confirmWithin(),
});
export type RedisStreamsConfig = z.infer<typeof config>;

type Context = ConnectorContext<RedisStreamsConfig>;

/** The unified stream as entries of Redis streams, for consumer groups (https://redis.io/docs/latest/develop/data-types/streams/). */
export const redisStreams: HelpdeskConnector<RedisStreamsConfig> = {
  type: 'redis-streams',
  title: 'Redis Streams',
  config,
  capabilities: { kind: 'stream', batch: 100, replies: ['api'], maxAttachmentBytes: 0 },
  deliver,
  check,
};

function linkOf({ hold, config, dial }: Context): Link<RedisConnection> {
  return hold(() => new Link(() => openRedis(config, dial)));
}

/** The events of a call are one transaction: a server without memory takes none, and no later event before an earlier one. */
async function deliver(events: readonly StreamEvent[], ctx: Context): Promise<DeliveryReceipt> {
  const { signal, config, replay } = ctx;
  const link = linkOf(ctx);
  const ms = config.confirmWithinMs;
  const connection = await within(link.get(), { ms, signal, code: 'unavailable', what: 'a connection' });
  const appends = events.map((event) => appendOf(event, config, replay));
  try {
    const confirmed = connection.append(appends, config.replicas);
    await within(confirmed, { ms, signal, code: 'outcome-unknown', what: 'the confirmation' });
  } catch (error) {
    const failure = redisFailure(error);
    if (!signal.aborted && STALE.has(failure.code)) await link.drop(connection);
    throw failure;
  }
  return {};
}

/** After these the connection may be dead, or lead to a server that takes no writes any more. */
const STALE = new Set(['outcome-unknown', 'unavailable']);

function appendOf(event: StreamEvent, { stream, partitions, maxLength }: RedisStreamsConfig, replay: boolean): Append {
  const key = orderingKey(event);
  const fields = {
    id: event.id,
    type: event.type,
    key,
    ...(replay && { replay: 'true' }),
    event: JSON.stringify(event),
  };
  return { stream: partitions === 1 ? stream : `${stream}:${crc32(key) % partitions}`, fields, maxLength };
}

async function check(ctx: Context): Promise<Health> {
  const { config, signal } = ctx;
  try {
    const ms = config.confirmWithinMs;
    const what = 'an answer to PING';
    const connection = await within(linkOf(ctx).get(), { ms, signal, code: 'unavailable', what });
    const first = config.partitions === 1 ? config.stream : `${config.stream}:0`;
    const type = await within(connection.typeOf(first), { ms, signal, code: 'unavailable', what });
    if (type === 'stream') return { ok: true, detail: `The server answers, and the stream ${first} is there.` };
    if (type === 'none') return { ok: true, detail: `The server answers; the first event makes the stream ${first}.` };
    return { ok: false, detail: `The key ${first} holds a ${type} and no stream: choose another \`stream\`.` };
  } catch (error) {
    const { code, message } = redisFailure(error);
    return { ok: false, detail: `${ADVICE[code] ?? 'The server cannot be used'}: ${message}.` };
  }
}

const ADVICE: Partial<Record<ProviderFailure['code'], string>> = {
  unauthorized: 'The server refuses the user or password, or what the user may do; see `username` and `password`',
  'config-invalid': 'The settings do not work',
  unavailable: 'The server does not answer; compare `server` and `tls` with what it listens on',
};

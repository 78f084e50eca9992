import { secret, type ProviderFailure, type StreamEvent } from '#normalizer';
import type { Health } from '#transport';
import { z } from 'zod';
import type { ConnectorContext, DeliveryReceipt, HelpdeskConnector } from '../core/connector.js';
import { Link, within } from '../core/link.js';
import { confirmWithin, marks, orderingKey, serverAddress, tlsSettings } from '../core/stream-engine.js';
import { openNats, type NatsLink, type Publication } from './nats-connection.js';
import { natsFailure } from './nats-failure.js';

const config = z.object({
  servers: z.array(serverAddress()).min(1).max(32).describe('Servers of one cluster, each as `host:port`.'),
  user: z.string().min(1).optional().describe('User name, where the servers ask for one.'),
  password: secret().optional().describe('Password of the user.'),
  token: secret().optional().describe('Token, where the servers ask for one in place of a user.'),
  credentials: secret().optional().describe('The text of a `.creds` file (JWT and seed), in place of the above.'),
  tls: tlsSettings(),
  subject: z
    .string()
    .regex(/^[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*$/, 'expected words of letters, digits, _ and -, joined by dots')
    .default('tributary')
    .describe('Beginning of the subjects: an event goes to `<subject>.<conversation>.<type>`.'),
  stream: z
    .string()
    .regex(/^[A-Za-z0-9_-]+$/, 'expected letters, digits, _ and -')
    .default('TRIBUTARY')
    .describe('Name of the JetStream stream that keeps the events.'),
  createStream: z.boolean().default(true).describe('Makes the stream where there is none, also after it was lost.'),
  replicas: z.int().min(1).max(5).default(1).describe('Copies of a stream that is made: servers that have each event.'),
  keepHours: z
    .int()
    .min(1)
    .optional()
    .describe('Hours that a stream which is made keeps events; without it, for ever.'),
  dedupeMinutes: z
    .int()
    .min(1)
    .max(1_440)
    .default(10)
    .describe('Minutes in which a stream that is made drops repeats by `Nats-Msg-Id`.'),
  confirmWithinMs: confirmWithin(),
});
export type NatsConfig = z.infer<typeof config>;

type Context = ConnectorContext<NatsConfig>;

/** The unified stream as messages of NATS JetStream (https://docs.nats.io/nats-concepts/jetstream). */
export const nats: HelpdeskConnector<NatsConfig> = {
  type: 'nats',
  title: 'NATS JetStream',
  config,
  capabilities: { kind: 'stream', batch: 50, replies: ['api'], maxAttachmentBytes: 0 },
  deliver,
  check,
};

function linkOf({ hold, config, dial }: Context): Link<NatsLink> {
  return hold(() => new Link(() => openNats(config, dial)));
}

/** One after the other, each confirmed before the next goes: a refusal in the middle must not let a later event pass. */
async function deliver(events: readonly StreamEvent[], ctx: Context): Promise<DeliveryReceipt> {
  const { signal, config, replay } = ctx;
  const link = linkOf(ctx);
  const ms = config.confirmWithinMs;
  const connection = await within(link.get(), { ms, signal, code: 'unavailable', what: 'a connection' });
  try {
    for (const event of events) {
      const confirmed = connection.publish(publicationOf(event, config, replay));
      await within(confirmed, { ms, signal, code: 'outcome-unknown', what: 'the confirmation' });
    }
  } catch (error) {
    const failure = natsFailure(error);
    if (!signal.aborted && failure.code === 'outcome-unknown') await link.drop(connection);
    throw failure;
  }
  return {};
}

/** A replay is wanted although the stream may still remember the event, so it has no id for the stream, but for readers. */
function publicationOf(event: StreamEvent, { subject }: NatsConfig, replay: boolean): Publication {
  const key = orderingKey(event).replace(/[^\w-]/g, '_');
  return {
    subject: `${subject}.${key}.${event.type}`,
    headers: marks(event, replay),
    ...(!replay && { id: event.id }),
    body: JSON.stringify(event),
  };
}

async function check(ctx: Context): Promise<Health> {
  const { signal, config } = ctx;
  const { stream, subject, createStream, confirmWithinMs: ms } = config;
  try {
    const what = 'an answer';
    const connection = await within(linkOf(ctx).get(), { ms, signal, code: 'unavailable', what });
    const subjects = await within(connection.subjectsOf(stream), { ms, signal, code: 'unavailable', what });
    if (subjects?.some((one) => takes(one, subject)))
      return { ok: true, detail: `The stream ${stream} is there and takes ${subject}.>.` };
    if (subjects)
      return { ok: false, detail: `The stream ${stream} does not take ${subject}.>: add that to its subjects.` };
    return createStream
      ? { ok: true, detail: `The servers answer; the first event makes the stream ${stream}.` }
      : { ok: false, detail: `There is no stream ${stream}: make it, with the subjects ${subject}.>.` };
  } catch (error) {
    const { code, message } = natsFailure(error);
    return { ok: false, detail: `${ADVICE[code] ?? 'The servers cannot be used'}: ${message}.` };
  }
}

/** Does a subject of a stream cover everything that begins with `prefix`? */
function takes(subject: string, prefix: string): boolean {
  const [wide, narrow] = [subject.split('.'), [...prefix.split('.'), '>']];
  return wide.every((token, i) => token === '>' || token === narrow[i] || (token === '*' && narrow[i] !== '>' && i < narrow.length)) && wide.at(-1) === '>'; // prettier-ignore
}

const ADVICE: Partial<Record<ProviderFailure['code'], string>> = {
  unauthorized: 'The servers refuse the credentials, or what they may do; see `user`, `token` or `credentials`',
  'config-invalid': 'The settings do not work',
  unavailable: 'The servers do not answer; compare `servers` and `tls` with what they listen on',
};

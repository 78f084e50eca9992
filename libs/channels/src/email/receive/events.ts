import { parseInbound, type InboundEventInput, type PartInput } from '#normalizer';
import { originalPart, writeLocation, type MailReader, type Source, type Where } from '#mail';
import type { SocketContext } from '../../core/adapter.js';
import type { EmailConfig } from '../email.config.js';
import { readInbound, type Inbound } from '../read/inbound.js';

type Context = Pick<SocketContext<EmailConfig>, 'accountId' | 'config' | 'now'>;

/** Makes events of mail: messages in the threads that they name themselves (`place`). */
export function inboundReader(ctx: Context): MailReader<Inbound> {
  return {
    read: (source, where) => eventsOf(source, where, ctx),
    unread: ({ uid, arrived }, where) => [{ event: unfetched({ ...where, uid, arrived, accountId: ctx.accountId }) }],
  };
}

/** What a mail says. Never throws: what cannot be read at all is told of, with the original as a file. */
async function eventsOf(source: Source, where: Where, { accountId, config, now }: Context): Promise<Inbound[]> {
  const { uid, octets, arrived, whole, bytes } = source;
  const location = writeLocation({ ...where, uid }, octets);
  try {
    const context = { accountId, config, location, receivedAt: arrived ?? now(), now: now() };
    const rest = bytes > config.maxBytes ? [] : [originalPart(location)];
    const found = (await readInbound(octets, context)).map((one) =>
      whole ? one : { ...one, event: withoutBody(one.event, rest) },
    );
    found.forEach(({ event }) => parseInbound(event));
    return found;
  } catch {
    return [{ event: unfetched({ ...where, uid, arrived, accountId }) }];
  }
}

/** Of a mail whose header alone was read: says so where its text would be. */
function withoutBody(event: InboundEventInput, rest: PartInput[]): InboundEventInput {
  if (event.kind !== 'message') return event;
  return { ...event, parts: [{ type: 'unsupported', providerType: 'mail: only its header was read' }, ...rest] };
}

/** A mail that the server lists and does not hand out, or that cannot be read: nobody knows who wrote it. */
function unfetched({
  folder,
  validity,
  uid,
  arrived,
  accountId,
}: Where & { readonly uid: number; readonly arrived: number | null; readonly accountId: string }): InboundEventInput {
  // A server that was restored from a copy gives numbers again.
  const key = `unread:${validity}:${uid}:${arrived ?? 0}:${folder}`.slice(0, 500);
  const location = writeLocation({ folder, validity, uid }, null);
  return {
    kind: 'message',
    dedupeKey: key,
    thread: key,
    // Two of whom nothing is known are not one person.
    sender: { handles: [{ scheme: 'mail-sender', scope: accountId, value: key.slice(0, 320), proof: 'claimed' }] },
    parts: [{ type: 'unsupported', providerType: 'mail: it could not be read' }, originalPart(location)],
    ...(arrived !== null && { occurredAt: new Date(arrived).toISOString() }),
  };
}

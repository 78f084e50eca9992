import { parseInbound, type InboundEventInput, type PartInput } from '#normalizer';
import { readMail } from '../read/index.js';
import { ORIGINAL } from '../read/parts.js';
import type { MailContext } from './connection.js';
import { writeLocation } from './location.js';
import { messageIdIn, type Source } from './source.js';

interface Where {
  readonly folder: string;
  readonly validity: string;
}

/** What a mail says. Never throws: what cannot be read at all is told of, with the original as a file. */
export async function eventsOf(
  source: Source,
  where: Where,
  { accountId, config, now }: MailContext,
): Promise<InboundEventInput[]> {
  const { uid, octets, arrived, whole, bytes } = source;
  const location = writeLocation({ ...where, uid, messageId: messageIdIn(octets) });
  try {
    const context = { accountId, config, location, receivedAt: arrived ?? now(), now: now() };
    const rest = bytes > config.maxBytes ? [] : [original(location)];
    const events = (await readMail(octets, context)).map((event) => (whole ? event : withoutBody(event, rest)));
    events.forEach((event) => parseInbound(event));
    return events;
  } catch {
    return [unfetched({ ...where, uid, arrived, accountId })];
  }
}

/** Of a mail whose header alone was read: says so where its text would be. */
function withoutBody(event: InboundEventInput, rest: PartInput[]): InboundEventInput {
  if (event.kind !== 'message') return event;
  return { ...event, parts: [{ type: 'unsupported', providerType: 'mail: only its header was read' }, ...rest] };
}

function original(location: string): PartInput {
  return {
    ...{ type: 'media', kind: 'file', mimeType: 'message/rfc822', name: 'original.eml', state: 'pending' },
    ...{ ref: JSON.stringify({ location, part: ORIGINAL }), purpose: 'original' },
  };
}

/** A mail that the server lists and does not hand out, or that cannot be read: nobody knows who wrote it. */
export function unfetched({
  folder,
  validity,
  uid,
  arrived,
  accountId,
}: Where & { readonly uid: number; readonly arrived: number | null; readonly accountId: string }): InboundEventInput {
  const key = `unread:${validity}:${uid}:${folder}`.slice(0, 500);
  const location = writeLocation({ folder, validity, uid, messageId: null });
  return {
    kind: 'message',
    dedupeKey: key,
    thread: key,
    // Two of whom nothing is known are not one person.
    sender: { handles: [{ scheme: 'mail-sender', scope: accountId, value: key.slice(0, 320), proof: 'claimed' }] },
    parts: [{ type: 'unsupported', providerType: 'mail: it could not be read' }, original(location)],
    ...(arrived !== null && { occurredAt: new Date(arrived).toISOString() }),
  };
}

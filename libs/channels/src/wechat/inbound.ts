import type { InboundEventInput, InboundMessage, MediaKind, Part } from '#normalizer';
import { MalformedRequest } from '#transport';
import { signatureOf } from './crypto.js';
import type { Fields } from './fields.js';
import { within } from './within.js';

type Common = Pick<InboundMessage, 'dedupeKey' | 'thread'> & {
  sender: { handles: { scheme: string; scope: string; value: string }[] };
  occurredAt?: string;
};

/** Events carry no id: what tells them apart stands in the dedupe key as it is, or as a hash where it is longer. */
const MAX_KEY = 200;
/** Longest id that can be named later, by a receipt say. */
export const MAX_ID = 500;

/** How long, and how often, an event can be answered: less than a message of the customer allows. */
export type AnswerWindow = NonNullable<InboundMessage['window']>;

/**
 * What every message and event says: who, when, and by what it is known again. Messages have a `MsgId`; events are the same where
 * sender, second, event and key are. The person is an openid, whose scope is the app id. Throws `MalformedRequest`.
 */
export function commonOf(fields: Fields, appId: string): Common {
  const { FromUserName: openid, CreateTime: created = '' } = fields;
  if (!openid || openid.length > 320) throw new MalformedRequest('FromUserName is missing');
  const occurredAt = timeOf(created);
  return {
    dedupeKey: keyOf(fields, openid),
    thread: openid,
    sender: { handles: [{ scheme: 'wechat-openid', scope: appId, value: openid }] },
    ...(occurredAt !== null && { occurredAt }),
  };
}

function keyOf(fields: Fields, openid: string): string {
  const { MsgId: id, MsgType: type = '', Event: event, EventKey: key = '', CreateTime: created = '' } = fields;
  if (event === undefined && id !== undefined && /^\d{1,32}$/.test(id)) return `message:${id}`;
  const detail = [created, event?.toLowerCase() ?? type, fields.MsgID ?? '', key].join(':');
  return `event:${openid}:${detail.length > MAX_KEY ? signatureOf(detail) : detail}`;
}

/** `CreateTime` is in seconds. */
function timeOf(seconds: string): string | null {
  return /^\d{1,11}$/.test(seconds) ? new Date(Number(seconds) * 1_000).toISOString() : null;
}

/** A message of this part, and of what of it is too long for its place. */
export function messageOf(
  fields: Fields,
  appId: string,
  content: { readonly part: Part; readonly automated?: boolean; readonly window?: AnswerWindow | undefined },
): InboundEventInput {
  const id = fields.Event === undefined ? fields.MsgId : undefined;
  const { part, automated, window } = content;
  return {
    kind: 'message',
    ...commonOf(fields, appId),
    parts: within(part),
    ...(automated && { automated }),
    ...(window && { window }),
    ...(id && id.length <= MAX_ID && { externalIds: [id] }),
  };
}

/** What was understood to be genuine, and no more: `event:SCAN:123`. */
export function unsupported(...names: readonly (string | undefined)[]): Part {
  const providerType = names.filter((name) => name).join(':');
  return { type: 'unsupported', providerType: providerType.slice(0, 200).toWellFormed() };
}

/** A file that WeChat holds for 3 days, to be fetched by `media/get`, or else by the address that came with it. */
export function heldMedia(
  kind: MediaKind,
  mimeType: string,
  held: { readonly id: string | undefined; readonly url?: string | undefined; readonly caption?: string | undefined },
): Part {
  const { id, url, caption } = held;
  if (!id && !url) return unsupported(kind, 'without a file');
  return {
    type: 'media',
    kind,
    mimeType,
    bytes: null,
    state: 'pending',
    ref: url ? `${id ?? ''} ${url}` : (id as string),
    ...(caption && { caption }),
  };
}

/** Takes the `ref` of `heldMedia` apart. */
export function heldAt(ref: string): { readonly id: string; readonly url: string | undefined } {
  const space = ref.indexOf(' ');
  return space < 0 ? { id: ref, url: undefined } : { id: ref.slice(0, space), url: ref.slice(space + 1) };
}

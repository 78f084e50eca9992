import type { InboundEventInput, MediaKind, Part } from '#normalizer';
import type { Puppet } from 'wechaty-puppet';
import type { Ask } from './wechaty.asking.js';
import { isUnsupported } from './wechaty.failures.js';
import { nameOf, roomHandle, roomThread, type Payload, type People } from './wechaty.people.js';

type Message = Awaited<ReturnType<Puppet['messagePayload']>>;
type Sender = Extract<InboundEventInput, { kind: 'message' }>['sender'];

/** What is needed to read messages. */
export interface Desk {
  readonly accountId: string;
  /** Are groups wanted? */
  readonly rooms: boolean;
  readonly ask: Ask;
  readonly people: People;
  /** Names of message types, as puppets number them. */
  readonly types: Readonly<Record<number, string>>;
  readonly officialType: number;
}

export interface Reading {
  readonly event: InboundEventInput;
  /** Of what our own user wrote: the puppet's id of the conversation, and the text; of anything else than text null. */
  readonly own?: { readonly to: string; readonly text: string | null };
}

/** Kinds of messages whose bytes the puppet holds. */
const MEDIA: Readonly<Record<string, { readonly kind: MediaKind; readonly mimeType: string }>> = {
  Image: { kind: 'image', mimeType: 'image/jpeg' },
  Audio: { kind: 'voice', mimeType: 'audio/silk' },
  Video: { kind: 'video', mimeType: 'video/mp4' },
  Attachment: { kind: 'file', mimeType: 'application/octet-stream' },
  Emoticon: { kind: 'sticker', mimeType: 'image/gif' },
};
/** WeChat's own: notes to oneself, notices, requests of friendship. */
const NOBODY: ReadonlySet<string> = new Set([
  'filehelper',
  'fmessage',
  'medianote',
  'newsapp',
  'notifymessage',
  'weixin',
]);

/**
 * Reads a message; null where it is none of the business: groups unless they are wanted, official accounts (their broadcasts are nobody's question), and notes to
 * oneself. Throws what the puppet throws; with `leniently` only where the message itself cannot be read: what else cannot be told is then left out.
 */
export async function readMessage(id: string, desk: Desk, leniently: boolean): Promise<Reading | null> {
  const message = await desk.ask((puppet) => puppet.messagePayload(id));
  const { talker, listener, self } = await ends(message, desk);
  const soft = softly(leniently);
  const room = message.roomId;
  if (room && !desk.rooms) return null;
  const other = self ? listener : talker;
  if (!room && (!other || other === (self ? talker : listener) || NOBODY.has(other))) return null;
  const payloadOf = (who: string) => soft(desk.ask((puppet) => puppet.contactPayload(who)));
  const wrote = await payloadOf(talker);
  let place: { thread: string; sender: Sender };
  if (room) place = await inRoom(room, { talker, wrote, soft, desk });
  else {
    const person = self ? await payloadOf(other!) : wrote;
    if (person ? person.type === desk.officialType : other!.startsWith('gh_')) return null;
    const thread = await soft(desk.people.keyOf(other!, person)).then((key) => key ?? other!);
    const handles = [{ ...nameOf(thread, desk.accountId), proof: 'channel' as const }];
    place = { thread, sender: { handles, ...named(wrote) } };
  }
  const event = await eventOf({ ...message, id }, { ...place, from: self ? 'agent' : 'contact' }, { desk, soft });
  if (!self || event.kind !== 'message') return { event };
  const text = desk.types[message.type] === 'Text' ? (message.text ?? '') : null;
  return { event, own: { to: room || other!, text } };
}

/** Who wrote to whom. Older puppets have other names for it. */
async function ends(message: Message, { ask }: Desk) {
  const { talkerId, fromId, listenerId, toId } = message as Message & { fromId?: string; toId?: string };
  const talker = talkerId || fromId;
  if (!talker) throw new Error('nobody wrote this message');
  const me = await ask((puppet) => puppet.currentUserId);
  return { talker, listener: listenerId || toId, self: talker === me };
}

type Soft = <T>(asked: Promise<T>) => Promise<T | undefined>;

/** What a puppet has no way to tell is no reason to lose that something came; what failed is asked again, except `leniently`. */
function softly(leniently: boolean): Soft {
  return (asked) =>
    asked.catch((error: unknown) => {
      if (leniently || isUnsupported(error)) return undefined;
      throw error;
    });
}

interface Writer {
  readonly talker: string;
  readonly wrote: Payload | undefined;
  readonly soft: Soft;
  readonly desk: Desk;
}

async function inRoom(
  room: string,
  { talker, wrote, soft, desk }: Writer,
): Promise<{ thread: string; sender: Sender }> {
  const topic = (await soft(desk.ask((puppet) => puppet.roomPayload(room))))?.topic;
  const alias = (await soft(desk.ask((puppet) => puppet.roomMemberPayload(room, talker))))?.roomAlias;
  const key = (await soft(desk.people.keyOf(talker, wrote))) ?? talker;
  const called = alias ? { name: alias.slice(0, 500) } : named(wrote);
  const group = topic ? { group: topic.slice(0, 500) } : {};
  const sender = {
    handles: [roomHandle(room, desk.accountId)],
    member: nameOf(key, desk.accountId),
    ...called,
    ...group,
  };
  return { thread: roomThread(room), sender };
}

function named(payload: Payload | undefined): { name?: string } {
  return payload?.name ? { name: payload.name.slice(0, 500) } : {};
}

interface Place {
  readonly thread: string;
  readonly sender: Sender;
  readonly from: 'contact' | 'agent';
}

interface Reader {
  readonly desk: Desk;
  readonly soft: Soft;
}

async function eventOf(message: Message, { from, ...place }: Place, reader: Reader): Promise<InboundEventInput> {
  const { id } = message;
  const occurredAt = timeOf(message);
  const common = { ...place, ...(occurredAt && { occurredAt }) };
  const recalled = typeOf(message, reader) === 'Recalled' ? recalledId(message.text ?? '') : undefined;
  if (recalled) return { kind: 'deleted', dedupeKey: `recalled:${id}:${recalled}`, externalId: recalled, ...common };
  const parts = await partsOf(message, reader);
  return { kind: 'message', dedupeKey: `message:${id}`, from, parts, externalIds: [id], ...common };
}

function typeOf({ type }: Message, { desk }: Reader): string {
  return desk.types[type] ?? `type ${type}`;
}

/** Puppets hand over either the id of the message that was recalled, or WeChat's own XML about it. */
function recalledId(text: string): string | undefined {
  const id = /<newmsgid>\s*(\d+)\s*<\/newmsgid>/i.exec(text)?.[1] ?? text.trim();
  return id !== '' && id.length <= 500 && !id.includes('<') ? id : undefined;
}

/** Some puppets give seconds, some milliseconds. */
function timeOf({ timestamp }: Message): string | undefined {
  const at = timestamp < 1e11 ? timestamp * 1_000 : timestamp;
  return at > 0 && at < 8.64e15 ? new Date(at).toISOString() : undefined;
}

async function partsOf(message: Message, reader: Reader): Promise<Part[]> {
  const type = typeOf(message, reader);
  const media = MEDIA[type];
  const { id, filename, text = '' } = message;
  const name = filename ? { name: filename.slice(0, 500) } : {};
  if (media) return [{ type: 'media', ...media, ref: id, bytes: null, state: 'pending', ...name }];
  if (type === 'Text' && text) return [{ type: 'text', text }];
  const part = await READERS[type]?.(id, reader);
  if (part) return [part];
  const plain = text && !text.trimStart().startsWith('<') ? [{ type: 'text' as const, text }] : [];
  return [{ type: 'unsupported', providerType: type }, ...plain];
}

type PartReader = (id: string, reader: Reader) => Promise<Part | undefined>;

const READERS: Readonly<Record<string, PartReader>> = {
  async Contact(id, { desk, soft }) {
    const who = await soft(desk.ask((puppet) => puppet.messageContact(id)));
    const payload = who ? await soft(desk.ask((puppet) => puppet.contactPayload(who))) : undefined;
    if (!who || !payload) return undefined;
    const { scheme, value } = nameOf((await soft(desk.people.keyOf(who, payload))) ?? who, desk.accountId);
    return { type: 'contact-card', name: payload.name.slice(0, 500), handles: [{ scheme, value }] };
  },
  async Location(id, { desk, soft }) {
    const place = await soft(desk.ask((puppet) => puppet.messageLocation(id)));
    if (!place || !(Math.abs(place.latitude) <= 90 && Math.abs(place.longitude) <= 180)) return undefined;
    const { latitude, longitude, name, address } = place;
    return { type: 'location', latitude, longitude, ...label('name', name), ...label('address', address) };
  },
  async Url(id, { desk, soft }) {
    const link = await soft(desk.ask((puppet) => puppet.messageUrl(id)));
    if (!link || !isAddress(link.url)) return undefined;
    const { url, title, description, thumbnailUrl } = link;
    const thumbnail = isAddress(thumbnailUrl) ? { thumbnailUrl } : {};
    return { type: 'link', url, ...label('title', title), ...label('description', description), ...thumbnail };
  },
  async MiniProgram(id, { desk, soft }) {
    const card = await soft(desk.ask((puppet) => puppet.messageMiniProgram(id)));
    if (!card) return undefined;
    return {
      type: 'card',
      title: card.title?.slice(0, 1_000) || '小程序',
      ...label('text', card.description),
      actions: [],
    };
  },
};

function isAddress(url: string | undefined): url is string {
  return url !== undefined && url.length <= 4_096 && URL.canParse(url);
}

function label<K extends string>(key: K, value: string | undefined): Partial<Record<K, string>> {
  return value ? ({ [key]: value.slice(0, 1_000) } as Record<K, string>) : {};
}

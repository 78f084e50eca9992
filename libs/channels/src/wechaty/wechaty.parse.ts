import type { InboundEventInput, MediaKind, Part } from '#normalizer';
import type { Contact, Message, Room, Wechaty } from 'wechaty';
import { handleOf, keyOf, nameOf, roomHandle, roomThread } from './wechaty.people.js';

/** Where a message belongs, and who wrote it. */
export interface Place {
  readonly thread: string;
  readonly from: 'contact' | 'agent';
  readonly sender: Extract<InboundEventInput, { kind: 'message' }>['sender'];
}

interface Desk {
  readonly bot: Wechaty;
  readonly accountId: string;
  readonly rooms: boolean;
}

/** Kinds of messages whose bytes the puppet holds. */
const MEDIA: Readonly<Record<string, { readonly kind: MediaKind; readonly mimeType: string }>> = {
  Image: { kind: 'image', mimeType: 'image/jpeg' },
  Audio: { kind: 'voice', mimeType: 'audio/silk' },
  Video: { kind: 'video', mimeType: 'video/mp4' },
  Attachment: { kind: 'file', mimeType: 'application/octet-stream' },
  Emoticon: { kind: 'sticker', mimeType: 'image/gif' },
};

/** The name of a message's type, as puppets number them: `Text`, `Image`, ... */
export function typeOf(message: Message, bot: Wechaty): string {
  return bot.Message.Type[message.type()] ?? `type ${message.type()}`;
}

/**
 * Where a message belongs; null where it is none of the business: groups unless they are wanted, official accounts (their broadcasts are nobody's question), and
 * notes to oneself.
 */
export async function placeOf(message: Message, { bot, accountId, rooms }: Desk): Promise<Place | null> {
  const from = message.self() ? 'agent' : 'contact';
  const talker = message.talker();
  const room = message.room();
  if (room) return rooms ? { thread: roomThread(room), from, sender: await memberOf(room, talker, accountId) } : null;
  const other = message.self() ? message.listener() : talker;
  if (!other || other.self() || other.type() === bot.Contact.Type.Official) return null;
  const key = await keyOf(other.id, bot.puppet);
  const name = nameOf(talker);
  return { thread: key, from, sender: { handles: [handleOf(key, accountId)], ...(name && { name }) } };
}

async function memberOf(room: Room, talker: Contact, accountId: string): Promise<Place['sender']> {
  const [topic, alias] = await Promise.all([room.topic(), room.alias(talker)]);
  const [name, group] = [alias || nameOf(talker), topic.slice(0, 500)];
  return { handles: [roomHandle(room, accountId)], ...(name && { name }), ...(group && { group }) };
}

/** What the store is to hear of a message at its place. */
export async function eventOf(message: Message, place: Place, bot: Wechaty): Promise<InboundEventInput> {
  const { thread, from, sender } = place;
  const occurredAt = timeOf(message);
  const common = { thread, sender, ...(occurredAt && { occurredAt }) };
  const recalled = typeOf(message, bot) === 'Recalled' ? recalledId(message.text()) : undefined;
  if (recalled)
    return { kind: 'deleted', dedupeKey: `recalled:${message.id}:${recalled}`, externalId: recalled, ...common };
  const parts = await partsOf(message, bot);
  return { kind: 'message', dedupeKey: `message:${message.id}`, from, parts, externalIds: [message.id], ...common };
}

/** Puppets hand over either the id of the message that was recalled, or WeChat's own XML about it. */
function recalledId(text: string): string | undefined {
  const id = /<newmsgid>\s*(\d+)\s*<\/newmsgid>/i.exec(text)?.[1] ?? text.trim();
  return id !== '' && id.length <= 500 && !id.includes('<') ? id : undefined;
}

function timeOf(message: Message): string | undefined {
  const at = message.date().getTime();
  return Number.isFinite(at) && at > 0 && at < 8.64e15 ? new Date(at).toISOString() : undefined;
}

async function partsOf(message: Message, bot: Wechaty): Promise<Part[]> {
  const type = typeOf(message, bot);
  const media = MEDIA[type];
  if (media) return [{ type: 'media', ...media, ref: message.id, bytes: null, state: 'pending', ...named(message) }];
  const text = message.text();
  if (type === 'Text' && text) return [{ type: 'text', text }];
  // What the puppet cannot tell of it is no reason to lose that it came.
  const part = await READERS[type]?.(message, bot).catch(() => undefined);
  if (part) return [part];
  const plain = text && !text.trimStart().startsWith('<') ? [{ type: 'text' as const, text }] : [];
  return [{ type: 'unsupported', providerType: type }, ...plain];
}

function named(message: Message): { name?: string } {
  const { filename } = (message as { payload?: { filename?: string } }).payload ?? {};
  return filename ? { name: filename.slice(0, 500) } : {};
}

type Reader = (message: Message, bot: Wechaty) => Promise<Part | undefined>;

/** Asked of the puppet itself: `toLocation` of wechaty 1.20 always throws. */
const READERS: Readonly<Record<string, Reader>> = {
  async Contact({ id }, bot) {
    const contact = await bot.Contact.find({ id: await bot.puppet.messageContact(id) });
    if (!contact) return undefined;
    const value = (await keyOf(contact.id, bot.puppet)).slice(0, 320);
    return { type: 'contact-card', name: nameOf(contact) ?? '', handles: [{ scheme: 'wechaty', value }] };
  },
  async Location({ id }, bot) {
    const { latitude, longitude, name, address } = await bot.puppet.messageLocation(id);
    if (!(Math.abs(latitude) <= 90 && Math.abs(longitude) <= 180)) return undefined;
    return { type: 'location', latitude, longitude, ...label('name', name), ...label('address', address) };
  },
  async Url({ id }, bot) {
    const { url, title, description, thumbnailUrl } = await bot.puppet.messageUrl(id);
    if (!isAddress(url)) return undefined;
    const thumbnail = isAddress(thumbnailUrl) ? { thumbnailUrl } : {};
    return { type: 'link', url, ...label('title', title), ...label('description', description), ...thumbnail };
  },
  async MiniProgram({ id }, bot) {
    const { title, description } = await bot.puppet.messageMiniProgram(id);
    return { type: 'card', title: title?.slice(0, 1_000) || '小程序', ...label('text', description), actions: [] };
  },
};

function isAddress(url: string | undefined): url is string {
  return url !== undefined && url.length <= 4_096 && URL.canParse(url);
}

function label<K extends string>(key: K, value: string | undefined): Partial<Record<K, string>> {
  return value ? ({ [key]: value.slice(0, 1_000) } as Record<K, string>) : {};
}

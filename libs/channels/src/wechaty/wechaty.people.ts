import type { Handle } from '#normalizer';
import type { Contact, Room, Wechaty } from 'wechaty';

const ALIAS = 'alias:';
const WEIXIN = 'weixin:';
const ROOM = 'room:';

/**
 * By what a person is known from one login to the next: the id that the puppet gives, where that is WeChat's own (`wxid_...`). Puppets of the web protocol make ids up
 * for each login, which begin with `@`: then the WeChat id, else the alias that our own user gave to nobody else, else nothing that outlives the login. A nickname
 * never counts, since anybody may take any.
 */
export async function keyOf(contact: Contact, bot: Wechaty): Promise<string> {
  if (!contact.id.startsWith('@')) return contact.id;
  const weixin = contact.handle();
  if (weixin) return WEIXIN + weixin;
  const alias = await contact.alias();
  if (alias && (await bot.Contact.findAll({ alias })).length === 1) return ALIAS + alias;
  return contact.id;
}

/** `wxid_` ids are those of WeChat itself: the same person has the same one for every account of ours. */
export function handleOf(key: string, accountId: string): Handle {
  const own = key.startsWith('wxid_');
  return { scheme: own ? 'wechat-wxid' : 'wechaty', scope: own ? '' : accountId, value: key, proof: 'channel' };
}

export function roomHandle({ id }: Room, accountId: string): Handle {
  return { scheme: 'wechaty-room', scope: accountId, value: id, proof: 'channel' };
}

export const roomThread = ({ id }: Room): string => ROOM + id;

/** The puppet's id of whoever a thread is with, in this login; undefined where nobody is found any more. */
export async function conversationId(thread: string, bot: Wechaty): Promise<string | undefined> {
  if (thread.startsWith(ROOM)) return thread.slice(ROOM.length);
  const query = thread.startsWith(WEIXIN)
    ? { weixin: thread.slice(WEIXIN.length) }
    : thread.startsWith(ALIAS) && { alias: thread.slice(ALIAS.length) };
  if (!query) return thread;
  const [found, ...others] = await bot.Contact.findAll(query);
  return others.length === 0 ? found?.id : undefined;
}

/** Who wrote, for people. */
export function nameOf(contact: Contact | undefined): string | undefined {
  return contact?.name().slice(0, 500) || undefined;
}

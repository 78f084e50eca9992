import type { Handle } from '#normalizer';
import type { Contact, Room, Wechaty } from 'wechaty';

const ALIAS = 'alias:';
const WEIXIN = 'weixin:';
const ROOM = 'room:';

type Puppet = Wechaty['puppet'];
type Payload = Awaited<ReturnType<Puppet['contactPayload']>>;

/**
 * By what a person is known from one login to the next: the id that the puppet gives, where that is WeChat's own (`wxid_...`). Puppets of the web protocol make ids up
 * for each login, which begin with `@`: then the WeChat id, else the alias that our own user gave to nobody else, else nothing that outlives the login. A nickname
 * never counts, since anybody may take any.
 */
export async function keyOf(id: string, puppet: Puppet): Promise<string> {
  if (!id.startsWith('@')) return id;
  const payload = await puppet.contactPayload(id);
  const [weixin, { alias }] = [weixinOf(payload), payload];
  if (weixin) return WEIXIN + weixin;
  const alone = alias && (await whoever(puppet, (other) => other.alias === alias)).length === 1;
  return alone ? ALIAS + alias : id;
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

/** The puppet's id of whoever a thread is with, in this login; undefined where nobody is found any more, or several are. */
export async function conversationId(thread: string, puppet: Puppet): Promise<string | undefined> {
  if (thread.startsWith(ROOM)) return thread.slice(ROOM.length);
  const [weixin, alias] = [WEIXIN, ALIAS].map((kind) => (thread.startsWith(kind) ? thread.slice(kind.length) : null));
  if (weixin === null && alias === null) return thread;
  const found = await whoever(puppet, (payload) =>
    weixin === null ? payload.alias === alias : weixinOf(payload) === weixin,
  );
  return found.length === 1 ? found[0] : undefined;
}

const weixinOf = ({ handle, weixin }: Payload) => handle || weixin || undefined;

/** Ids of the friends of whom it holds. Throws what the puppet throws. */
async function whoever(puppet: Puppet, holds: (payload: Payload) => boolean): Promise<string[]> {
  const ids = await puppet.contactList();
  const payloads = await Promise.all(ids.map((id) => puppet.contactPayload(id).catch(() => undefined)));
  return ids.filter((_, i) => payloads[i] && holds(payloads[i]));
}

/** Who wrote, for people. */
export function nameOf(contact: Contact | undefined): string | undefined {
  return contact?.name().slice(0, 500) || undefined;
}

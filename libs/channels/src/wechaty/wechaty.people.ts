import type { Handle } from '#normalizer';
import type { Puppet } from 'wechaty-puppet';
import { NoAnswer, type Ask } from './wechaty.asking.js';

export type Payload = Awaited<ReturnType<Puppet['contactPayload']>>;

const ALIAS = 'alias:';
const WEIXIN = 'weixin:';
const ROOM = 'room:';

/** How long the names of friends are taken as they were read, unless the puppet says that they changed. */
const READ_MS = 600_000;
/** Where they do not fit what is asked, they are read again, and so often at most. */
const AGAIN_MS = 10_000;
/** So many friends are asked for at a time. */
const TOGETHER = 16;

/** Who the friends of our user are in this login, by the names that outlive it. */
export class People {
  /** Puppets' ids by key. */
  private names: ReadonlyMap<string, readonly string[]> = new Map();
  private readAt = -Infinity;
  private reading: Promise<void> | undefined;

  constructor(
    private readonly ask: Ask,
    private readonly now: () => number,
  ) {}

  /** Somebody's names changed. */
  changed(): void {
    this.readAt = -Infinity;
  }

  /**
   * By what a person is known from one login to the next: the id that the puppet gives, where that is WeChat's own (`wxid_...`). Puppets of the web protocol make
   * ids up for each login, which begin with `@`: then the WeChat id, else the alias that our own user gave to nobody else, else nothing that outlives the login. A
   * nickname never counts, since anybody may take any. `payload`: what the puppet says of them, where it does.
   */
  async keyOf(id: string, payload: Payload | undefined): Promise<string> {
    const lasting = lastingId(id, payload);
    if (lasting !== undefined) return lasting;
    if (!payload?.alias) return id;
    const key = ALIAS + payload.alias;
    const [only, another] = await this.called(key, (ids) => ids.length === 1 && ids[0] === id);
    return only === id && another === undefined ? key : id;
  }

  /** The puppet's id of whoever a thread is with, in this login; undefined where nobody is found any more, or several are. */
  async idOf(thread: string): Promise<string | undefined> {
    if (thread.startsWith(ROOM)) return thread.slice(ROOM.length);
    if (!thread.startsWith(WEIXIN) && !thread.startsWith(ALIAS)) return thread;
    const ids = await this.called(thread, ({ length }) => length === 1);
    return ids.length === 1 ? ids[0] : undefined;
  }

  private async called(key: string, fits: (ids: readonly string[]) => boolean): Promise<readonly string[]> {
    const age = () => this.now() - this.readAt;
    if (age() >= READ_MS) await this.read();
    const ids = this.names.get(key) ?? [];
    if (fits(ids) || age() < AGAIN_MS) return ids;
    await this.read();
    return this.names.get(key) ?? [];
  }

  private read(): Promise<void> {
    this.reading ??= this.readAll().finally(() => (this.reading = undefined));
    return this.reading;
  }

  private async readAll(): Promise<void> {
    const at = this.now();
    const names = new Map<string, string[]>();
    const add = (key: string, id: string) => names.set(key, [...(names.get(key) ?? []), id]);
    const ids = await this.ask((puppet) => puppet.contactList());
    for (let from = 0; from < ids.length; from += TOGETHER) {
      const some = ids.slice(from, from + TOGETHER);
      const payloads = await Promise.all(some.map((id) => this.payloadOf(id)));
      for (const [i, payload] of payloads.entries()) {
        const weixin = payload && weixinOf(payload);
        if (weixin) add(WEIXIN + weixin, some[i]!);
        if (payload?.alias) add(ALIAS + payload.alias, some[i]!);
      }
    }
    [this.names, this.readAt] = [names, at];
  }

  /** Who cannot be told of is left out; a puppet that does not answer is another matter. */
  private payloadOf(id: string): Promise<Payload | undefined> {
    return this.ask((puppet) => puppet.contactPayload(id)).catch((error: unknown) => {
      if (error instanceof NoAnswer) throw error;
      return undefined;
    });
  }
}

/** By what somebody is known in every login; undefined where the puppet tells nothing of the kind. */
export function lastingId(id: string, payload: Payload | undefined): string | undefined {
  if (!id.startsWith('@')) return id;
  const weixin = payload && weixinOf(payload);
  return weixin ? WEIXIN + weixin : undefined;
}

const weixinOf = ({ handle, weixin }: Payload) => handle || weixin || undefined;

/** `wxid_` ids are those of WeChat itself: the same person has the same one for every account of ours. */
export function nameOf(key: string, accountId: string): Omit<Handle, 'proof'> {
  const own = key.startsWith('wxid_');
  return { scheme: own ? 'wechat-wxid' : 'wechaty', scope: own ? '' : accountId, value: key.slice(0, 320) };
}

export function roomHandle(id: string, accountId: string): Handle {
  return { scheme: 'wechaty-room', scope: accountId, value: id, proof: 'channel' };
}

export const roomThread = (id: string): string => ROOM + id;

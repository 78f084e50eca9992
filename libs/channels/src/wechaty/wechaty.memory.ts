import type { MemoryCard } from 'memory-card';
import { z } from 'zod';
import type { AdapterContext } from '../core/adapter.js';

type Remembering = Pick<AdapterContext<unknown>, 'remember' | 'recall'>;

const CARD = 'memory';
const LOGIN = 'login';
/** After this long without a login there is nothing worth remembering. */
const KEPT_MS = 90 * 24 * 3_600_000;

/**
 * What puppets remember of a login, so that a restart, or another process, needs no new scan. It is kept where secrets of accounts are: sealed, in the database, and
 * not in a file of the working directory, where wechaty would put it.
 */
export async function openMemory(ctx: Remembering): Promise<MemoryCard> {
  const { MemoryCard: Card } = await import('memory-card');
  let saved: Promise<void> = Promise.resolve();
  const save = (payload: object): Promise<void> => {
    const text = JSON.stringify(payload);
    saved = saved.catch(() => undefined).then(() => ctx.remember(CARD, text, KEPT_MS));
    return saved;
  };
  const storage = {
    load: async () => JSON.parse((await ctx.recall(CARD)) ?? '{}') as object,
    save,
    destroy: () => save({}),
  };
  const card = new Card();
  Object.assign(card, { storage });
  await card.load();
  return card;
}

const LastLogin = z.object({ until: z.iso.datetime(), user: z.string().nullable() });

/** The login before: up to when everything that came is stored (ISO 8601), and which user it was, where the puppet has a lasting name for them. */
export type LastLogin = z.infer<typeof LastLogin>;

/** Undefined before the first login. */
export async function lastLogin(ctx: Remembering): Promise<LastLogin | undefined> {
  const text = await ctx.recall(LOGIN);
  return text === undefined ? undefined : LastLogin.parse(JSON.parse(text));
}

export function noteLogin(ctx: Remembering, login: LastLogin): Promise<void> {
  return ctx.remember(LOGIN, JSON.stringify(login), KEPT_MS);
}

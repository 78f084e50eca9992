import type { MemoryCard } from 'memory-card';
import type { AdapterContext } from '../core/adapter.js';

const KEY = 'memory';
/** After this long without a login there is nothing worth remembering. */
const KEPT_MS = 90 * 24 * 3_600_000;
const HELD_UNTIL = 'heldUntil';

/**
 * What puppets remember of a login, so that a restart, or another process, needs no new scan. It is kept where shared secrets are: sealed, in the database, and not
 * in a file of the working directory, where wechaty would put it.
 */
export async function openMemory(ctx: Pick<AdapterContext<unknown>, 'once' | 'forget'>): Promise<MemoryCard> {
  const { MemoryCard: Card } = await import('memory-card');
  const storage = {
    load: async () => JSON.parse(await ctx.once(KEY, KEPT_MS, async () => '{}')) as object,
    async save(payload: object) {
      await ctx.forget(KEY);
      await ctx.once(KEY, KEPT_MS, async () => JSON.stringify(payload));
    },
    destroy: () => ctx.forget(KEY),
  };
  const card = new Card();
  Object.assign(card, { storage });
  await card.load();
  return card;
}

/** Up to when messages of this login are known to have been received, ISO 8601; undefined before the first login. */
export function heldUntil(card: MemoryCard): Promise<string | undefined> {
  return card.get<string>(HELD_UNTIL);
}

export async function noteHeldUntil(card: MemoryCard, at: number): Promise<void> {
  await card.set(HELD_UNTIL, new Date(at).toISOString());
  await card.save();
}

import { setTimeout as delay } from 'node:timers/promises';

/**
 * Looks again and again until `look` gives something that is neither false nor null nor undefined, and returns it. An error of `look` counts as
 * not yet. Throws after `ms`, with what was seen last.
 */
export async function until<T>(
  what: string,
  look: () => T | Promise<T>,
  ms = 30_000,
): Promise<Exclude<T, false | null | undefined>> {
  const end = Date.now() + ms;
  let seen: unknown;
  for (let pause = 5; ; pause = Math.min(pause * 1.5, 100)) {
    try {
      const found = await look();
      if (found !== false && found != null) return found as Exclude<T, false | null | undefined>;
      seen = found;
    } catch (error) {
      seen = error;
    }
    if (Date.now() > end) throw new Error(`waited ${ms} ms for ${what}; last seen: ${String(seen)}`);
    await delay(pause);
  }
}

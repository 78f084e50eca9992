import { z } from 'zod';

/** What is younger is read again: times tell when a change began, not from when on it was to be seen. */
const OVERLAP_MS = 60_000;
/** More than people do within the overlap. */
const MOST_TOLD = 2_000;

const Place = z.object({
  since: z.string(),
  offset: z.int().nonnegative(),
  told: z.array(z.string()).default([]),
  from: z.string().optional(),
});

/**
 * How far a system was read that tells what changed since a time: `since` (ISO 8601), how many of that time are passed over (`offset`), and what was told of it
 * already. While full pages are gone through `from` is where that began: what changed last in a later page may have changed before as well. Made by `sweepFrom`,
 * moved on by `sweepOn`.
 */
export type Sweep = z.infer<typeof Place>;

/** Where to read on; null: nothing is to be read, for it begins now. */
export function sweepFrom(cursor: string | null): Sweep | null {
  return cursor === null ? null : Place.parse(JSON.parse(cursor));
}

/** The cursor of one that begins now. Times are given to the second. */
export function sweepBegins(now: number): string {
  return JSON.stringify({ since: seconds(now), offset: 0, told: [] } satisfies Sweep);
}

/** Was this, which was done at `at`, not told yet? */
export function isNews(
  { since, from = since, told }: Sweep,
  { id, at }: { readonly id: string; readonly at: string },
): boolean {
  return Date.parse(at) >= Date.parse(from) && !told.includes(id);
}

/**
 * On from a page of `page.size` at most, of which `page.changed` are the times of change, oldest first; `told` is what was told of it. On through a full
 * page; then back by the overlap.
 */
export function sweepOn(
  place: Sweep,
  page: { readonly changed: readonly string[]; readonly size: number; readonly told: readonly string[] },
): { cursor: string; more?: boolean } {
  const last = seconds(Date.parse(page.changed.at(-1) ?? place.since));
  const told = [...place.told, ...page.told].slice(-MOST_TOLD);
  const from = place.from ?? place.since;
  const at = (on: Omit<Sweep, 'told'>): string => JSON.stringify({ ...on, told } satisfies Sweep);
  if (page.changed.length === page.size) {
    const next = last > place.since ? { since: last, offset: 0 } : { ...place, offset: place.offset + page.size };
    return { cursor: at({ ...next, from }), more: true };
  }
  const back = seconds(Date.parse(last) - OVERLAP_MS);
  return { cursor: at({ since: back > from ? back : from, offset: 0 }) };
}

function seconds(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, 19)}Z`;
}

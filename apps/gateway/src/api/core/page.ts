import { parseWith } from '#normalizer';
import { z } from 'zod';

/** Items of one page, when the caller does not say. */
const DEFAULT_LIMIT = 50;
export const MAX_LIMIT = 200;

export const limit = z.coerce
  .number<string>()
  .int()
  .min(1)
  .max(MAX_LIMIT)
  .default(DEFAULT_LIMIT)
  .describe('Most items of one page.');
export const cursor = z.string().max(1_000).optional().describe('The `next` of the previous page; opaque.');

/** Query members of every list. */
export const paging = { limit, cursor };

/** Several values in one query parameter, separated by commas. */
export function commaList<T extends string>(item: z.ZodType<T>) {
  const items = z.array(item).min(1).max(50) as unknown as z.ZodType<T[], string[]>;
  return z
    .string()
    .max(2_000)
    .transform((text) => text.split(',').filter((value) => value !== ''))
    .pipe(items);
}

/** `{ items, next }` of such items. */
export function pageOf<S extends z.ZodType>(item: S) {
  return z.object({ items: z.array(item), next: z.string().nullable().describe('Null on the last page.') });
}

/** An opaque cursor for a place in a list. */
export function toCursor(place: readonly (string | number)[]): string {
  return Buffer.from(JSON.stringify(place)).toString('base64url');
}

/** The place that `toCursor` wrote, checked against the shape that this list uses. Throws `InvalidInput`. */
export function fromCursor<S extends z.ZodType>(
  text: string | undefined,
  shape: S,
  name = 'cursor',
): z.output<S> | null {
  if (text === undefined) return null;
  return parseWith(z.object({ [name]: shape as z.ZodType }), { [name]: decode(text) })[name] as z.output<S>;
}

function decode(text: string): unknown {
  try {
    return JSON.parse(Buffer.from(text, 'base64url').toString('utf8')) as unknown;
  } catch {
    return undefined;
  }
}

/**
 * A page from rows that were read one beyond the limit: what is beyond tells that there is more. `place` is where the next page goes on.
 */
export function toPage<T, R = T>(
  rows: readonly T[],
  size: number,
  how: { place: (last: T) => readonly (string | number)[]; show: (row: T) => R },
): { items: R[]; next: string | null } {
  const shown = rows.slice(0, size);
  const last = shown.at(-1);
  return {
    items: shown.map(how.show),
    next: rows.length > size && last !== undefined ? toCursor(how.place(last)) : null,
  };
}

import { InvalidInput } from './invalid.js';

declare global {
  interface String {
    isWellFormed(): boolean;
    toWellFormed(): string;
  }
}

/** Deepest nesting of JSON that is taken. The model itself needs eight levels; the rest is room for metadata. */
export const MAX_DEPTH = 64;

/**
 * The rule for hostile text, and all that is ever changed in what a person wrote:
 *
 * - NUL and lone surrogates become U+FFFD (neither UTF-8 nor PostgreSQL can hold them);
 * - CRLF and a lone CR become LF.
 *
 * Everything else is kept to the code point: bidi controls, zero-width characters, ten thousand combining marks. Text is not brought
 * to NFC: that would change CJK compatibility characters for good (names are written with them) and is quadratic in the number of
 * combining marks. Only handles are normalized, and only for comparing. Linear, idempotent; clean text is returned as it is.
 */
export function cleanText(text: string): string {
  const whole = text.isWellFormed() ? text : text.toWellFormed();
  const free = whole.includes('\0') ? whole.replaceAll('\0', '\uFFFD') : whole;
  return free.includes('\r') ? free.replaceAll('\r\n', '\n').replaceAll('\r', '\n') : free;
}

/**
 * `cleanText` for every string and key of a JSON value. What is clean already is returned itself, not a copy. Throws `InvalidInput` on
 * nesting beyond `MAX_DEPTH` and on a key `__proto__`, which no honest sender writes.
 */
export function cleanDeep<T>(value: T): T {
  return cleanValue(value, MAX_DEPTH) as T;
}

function cleanValue(value: unknown, depth: number): unknown {
  if (typeof value === 'string') return cleanText(value);
  if (typeof value !== 'object' || value === null) return value;
  if (depth === 0) throw new InvalidInput([{ path: '', message: `nested deeper than ${MAX_DEPTH} levels` }]);
  return Array.isArray(value) ? cleanArray(value, depth - 1) : cleanObject(value as Record<string, unknown>, depth - 1);
}

function cleanArray(items: readonly unknown[], depth: number): readonly unknown[] {
  let copy: unknown[] | undefined;
  for (let i = 0; i < items.length; i += 1) {
    const clean = cleanValue(items[i], depth);
    if (clean === items[i]) continue;
    copy ??= items.slice();
    copy[i] = clean;
  }
  return copy ?? items;
}

function cleanObject(object: Record<string, unknown>, depth: number): Record<string, unknown> {
  let copy: Record<string, unknown> | undefined;
  for (const key of Object.keys(object)) {
    if (key === '__proto__') throw new InvalidInput([{ path: '', message: 'the key "__proto__" is refused' }]);
    const cleanKey = cleanText(key);
    const clean = cleanValue(object[key], depth);
    if (cleanKey === key && clean === object[key]) continue;
    copy ??= { ...object };
    if (cleanKey !== key) delete copy[key];
    copy[cleanKey] = clean;
  }
  return copy ?? object;
}

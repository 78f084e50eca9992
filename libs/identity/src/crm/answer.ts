import { cleanDeep, InvalidInput, ProviderFailure } from '#normalizer';
import { statusFailure, type HttpResponse } from '#transport';

/** JSON of a CRM: any value. */
export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };

/** The answer as JSON that the store can hold. Throws `ProviderFailure`: by its status where it is no success, `reply-unreadable` where it is no JSON. */
export function readAnswer(response: HttpResponse, nowMs: number): Json {
  if (response.status < 200 || response.status > 299) throw statusFailure(response, nowMs);
  const answer = response.json<Json>();
  try {
    return cleanDeep(answer);
  } catch (error) {
    if (error instanceof InvalidInput) throw new ProviderFailure('reply-unreadable', `the answer is ${error.message}`);
    throw error;
  }
}

/** A member of an object; undefined where there is none, or where it is no object. */
export function member(value: Json | undefined, key: string): Json | undefined {
  if (typeof value !== 'object' || value === null || !Object.hasOwn(value, key)) return undefined;
  return (value as Record<string, Json>)[key];
}

/** The members of a list; none where it is no list. */
export function items(value: Json | undefined): readonly Json[] {
  return Array.isArray(value) ? (value as readonly Json[]) : [];
}

/** What stands at a JSON pointer (`/a/0/b`) or a dotted path (`a.0.b`); the whole for an empty one. */
export function at(value: Json, path: string): Json | undefined {
  const keys = path.startsWith('/')
    ? path.slice(1).split('/').map((key) => key.replaceAll('~1', '/').replaceAll('~0', '~')) // prettier-ignore
    : path.split('.').filter((key) => key !== '');
  return keys.reduce<Json | undefined>((inner, key) => member(inner, key), value);
}

const MOST_TEXT = 500;
const MOST_ITEMS = 100;

/** A text or number as text of at most 500 characters; undefined for anything else and for what is blank. */
export function text(value: Json | undefined): string | undefined {
  const plain = typeof value === 'number' ? String(value) : typeof value === 'string' ? value.trim() : '';
  return plain === '' ? undefined : [...plain.slice(0, 2 * MOST_TEXT)].slice(0, MOST_TEXT).join('');
}

/** An id: a text that is not cut, for a cut one names somebody else. */
export function identifier(value: Json | undefined): string | undefined {
  const plain = text(value);
  return plain !== undefined && plain.length <= 200 ? plain : undefined;
}

/** A list of texts, or one text with semicolons, as CRMs write choices of several. */
export function texts(value: Json | undefined): string[] {
  const list = typeof value === 'string' ? value.split(';') : items(value);
  const found = list.slice(0, MOST_ITEMS).flatMap((item) => text(item) ?? []);
  return [...new Set(found)];
}

/** An address that an agent may open: http or https, nothing that runs. */
export function link(value: Json | undefined): string | null {
  if (typeof value !== 'string' || value.length > 4_096 || !URL.canParse(value)) return null;
  return /^https?:$/.test(new URL(value).protocol) ? value : null;
}

const MOST_JSON = 4_000;

/** Anything that is not larger than a person would look at; undefined for what is. */
export function small(value: Json | undefined): Json | undefined {
  return value !== undefined && JSON.stringify(value).length <= MOST_JSON ? value : undefined;
}

/** Further fields by the names that they get; those that are missing, or too large, are null. */
export function further(names: Readonly<Record<string, string>>, read: (source: string) => Json | undefined) {
  const entries = Object.entries(names).map(([name, source]) => [name, small(read(source)) ?? null] as const);
  return entries.length > 0 ? { metadata: Object.fromEntries(entries) } : {};
}

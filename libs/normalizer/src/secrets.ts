import { z } from 'zod';
import { InvalidInput } from './invalid.js';
import { element, unwrap } from './settings.js';

/** What is shown in place of a secret; sent back, it means "keep the one you have". */
export const MASK = '***';

/** Where a schema has secrets: here, in these members, in every item; a union can have all three. Null: nowhere. */
interface Secrets {
  readonly here?: true;
  readonly members?: Readonly<Record<string, Secrets>>;
  readonly items?: Secrets;
}
type Apply = (secret: string, path: readonly string[]) => string;

/** A copy of `config` with `fn` applied to every secret in it, `path` being the keys that lead there joined by dots. */
export function mapSecrets<T>(schema: z.ZodType, config: T, fn: (secret: string, path: string) => string): T {
  return apply(secretsOf(schema), config, { fn: (secret, path) => fn(secret, path.join('.')), path: [] }) as T;
}

/** A copy of `config` fit to be shown: every secret reads `"***"`. */
export function maskSecrets<T>(schema: z.ZodType, config: T): T {
  return mapSecrets(schema, config, () => MASK);
}

/**
 * A copy of `incoming` in which every secret that reads `"***"` is the one stored at the same place; items of a list are paired by their
 * `id` or `name`, else by position. Throws `InvalidInput` where nothing is stored there.
 */
export function keepSecrets<T>(schema: z.ZodType, incoming: T, stored: unknown): T {
  const fn: Apply = (secret, path) => {
    if (secret !== MASK) return secret;
    const kept = follow(path, incoming, stored);
    if (typeof kept === 'string') return kept;
    throw new InvalidInput([{ path: path.join('.'), message: 'is masked, and there is no stored secret to keep' }]);
  };
  return apply(secretsOf(schema), incoming, { fn, path: [] }) as T;
}

function secretsOf(schema: z.ZodType): Secrets | null {
  const { inner, meta } = unwrap(schema);
  if (meta.secret === true) return { here: true };
  if (inner instanceof z.ZodObject) return membersOf(inner.shape as Record<string, z.ZodType>);
  if (inner instanceof z.ZodUnion) return inner.def.options.map((o) => secretsOf(o as z.ZodType)).reduce(merge, null);
  const item = element(inner);
  const items = item ? secretsOf(item) : null;
  return items && { items };
}

function membersOf(shape: Record<string, z.ZodType>): Secrets | null {
  const found = Object.entries(shape).flatMap(([key, schema]) => {
    const secrets = secretsOf(schema);
    return secrets ? [[key, secrets] as const] : [];
  });
  return found.length > 0 ? { members: Object.fromEntries(found) } : null;
}

/** What is secret in one branch of a union is treated as secret in all of them. */
function merge(a: Secrets | null, b: Secrets | null): Secrets | null {
  if (!a || !b) return a ?? b;
  const members = { ...a.members };
  for (const [key, secrets] of Object.entries(b.members ?? {})) {
    members[key] = merge(members[key] ?? null, secrets) ?? secrets;
  }
  const items = merge(a.items ?? null, b.items ?? null);
  return { ...((a.here ?? b.here) && { here: true as const }), members, ...(items && { items }) };
}

function apply(secrets: Secrets | null, value: unknown, { fn, path }: { fn: Apply; path: readonly string[] }): unknown {
  if (secrets === null) return value;
  if (typeof value === 'string') return secrets.here ? fn(value, path) : value;
  if (typeof value !== 'object' || value === null) return value;
  const inside = (key: string, item: unknown): unknown => {
    const named = secrets.members && Object.hasOwn(secrets.members, key) ? secrets.members[key] : undefined;
    return apply(merge(named ?? null, secrets.items ?? null), item, { fn, path: [...path, key] });
  };
  if (Array.isArray(value)) return value.map((item, i) => inside(String(i), item));
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, inside(key, item)]));
}

/** Walks `path` through both values at once, pairing items of lists. */
function follow(path: readonly string[], incoming: unknown, stored: unknown): unknown {
  let [mine, theirs] = [incoming, stored];
  for (const key of path) {
    const next = member(mine, key);
    theirs = Array.isArray(theirs) ? partner(theirs, next, key) : member(theirs, key);
    mine = next;
  }
  return theirs;
}

function partner(stored: readonly unknown[], item: unknown, position: string): unknown {
  for (const key of ['id', 'name']) {
    const name = member(item, key);
    if (typeof name === 'string') return stored.find((other) => member(other, key) === name);
  }
  return stored[Number(position)];
}

function member(value: unknown, key: string): unknown {
  if (typeof value !== 'object' || value === null || !Object.hasOwn(value, key)) return undefined;
  return (value as Record<string, unknown>)[key];
}

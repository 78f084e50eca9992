import { z } from 'zod';

/** As much of JSON Schema as settings need. */
export interface Described {
  readonly $ref?: string;
  readonly $defs?: Readonly<Record<string, Described>>;
  readonly type?: string;
  readonly kind?: string;
  readonly description?: string;
  readonly default?: unknown;
  readonly const?: unknown;
  readonly enum?: readonly unknown[];
  readonly properties?: Readonly<Record<string, Described>>;
  readonly required?: readonly string[];
  readonly additionalProperties?: boolean | Described;
  readonly items?: Described;
  readonly anyOf?: readonly Described[];
  readonly oneOf?: readonly Described[];
  readonly allOf?: readonly Described[];
}

/** The schema of what people write (before defaults and transformations), as data. */
export function describeInput(schema: z.ZodType): Described {
  return z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' }) as Described;
}

export interface UnknownKey {
  readonly path: readonly PropertyKey[];
  readonly meant: string | undefined;
}

/** Keys that the schema does not know, at any depth: with most schemas they would be ignored in silence. */
export function unknownKeys(schema: z.ZodType, data: unknown): UnknownKey[] {
  const root = describeInput(schema);
  const search = (described: Described, value: unknown, path: readonly PropertyKey[]): UnknownKey[] => {
    if (typeof value !== 'object' || value === null) return [];
    const variants = branches(described, root);
    if (Array.isArray(value)) {
      const items = variants.find((variant) => variant.items)?.items;
      return items ? value.flatMap((item, i) => search(items, item, [...path, i])) : [];
    }
    const open = variants.some(({ type, properties, additionalProperties }) =>
      additionalProperties === undefined
        ? !properties && (type === undefined || type === 'object')
        : additionalProperties !== false,
    );
    const known = Object.assign({}, ...variants.map((variant) => variant.properties ?? {})) as Record<
      string,
      Described
    >;
    return Object.entries(value).flatMap(([key, member]) => {
      if (Object.hasOwn(known, key)) return search(known[key]!, member, [...path, key]);
      const any = variants.map((variant) => variant.additionalProperties).find((of) => typeof of === 'object');
      if (any) return search(any, member, [...path, key]);
      return open ? [] : [{ path: [...path, key], meant: nearest(key, Object.keys(known)) }];
    });
  };
  return search(root, data, []);
}

function branches(schema: Described, root: Described): Described[] {
  const target = schema.$ref ? root.$defs?.[schema.$ref.replace('#/$defs/', '')] : undefined;
  const inner = [
    ...(target ? [target] : []),
    ...(schema.anyOf ?? []),
    ...(schema.oneOf ?? []),
    ...(schema.allOf ?? []),
  ];
  return inner.length > 0 ? inner.flatMap((branch) => branches(branch, root)) : [schema];
}

/** The candidate that was probably meant, if one is near enough. */
export function nearest(given: string, candidates: readonly string[]): string | undefined {
  const ranked = candidates
    .map((candidate) => ({ candidate, distance: distance(given.toLowerCase(), candidate.toLowerCase()) }))
    .sort((a, b) => a.distance - b.distance);
  const best = ranked[0];
  return best && best.distance <= Math.max(1, Math.floor(given.length / 3)) ? best.candidate : undefined;
}

/** Edits (insert, delete, replace, swap of neighbours) between two words. */
function distance(a: string, b: string): number {
  const rows = Array.from({ length: a.length + 1 }, (_, i) => [i, ...Array<number>(b.length).fill(0)]);
  const at = (i: number, j: number) => rows[i]?.[j] ?? Infinity;
  rows[0] = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i += 1) {
    for (let j = 1; j <= b.length; j += 1) {
      const replace = at(i - 1, j - 1) + (a[i - 1] === b[j - 1] ? 0 : 1);
      const swapped = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1];
      rows[i]![j] = Math.min(at(i - 1, j) + 1, at(i, j - 1) + 1, replace, swapped ? at(i - 2, j - 2) + 1 : Infinity);
    }
  }
  return at(a.length, b.length);
}

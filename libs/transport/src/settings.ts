import { z } from 'zod';

/** Marks a setting as secret: it is stored encrypted, reads as `***`, and appears in no log, trace or error. */
export function secret<S extends z.ZodType>(schema: S): S {
  return schema.meta({ ...schema.meta(), secret: true }) as S;
}

/** The setting `apiBase` that every account and destination takes: the root of the provider's API, without a trailing slash. */
export function apiBase(description: string) {
  return z
    .url({ protocol: /^https?$/ })
    .transform((url) => url.replace(/\/+$/, ''))
    .describe(description);
}

/** A URL with scheme, host and port of `base` where one is given: how a proxy or a test is put in front of a configured address. */
export function rebase(url: string, base: string | undefined): string {
  if (!base) return url;
  const { pathname, search } = new URL(url);
  return `${base}${pathname}${search}`;
}

interface Described {
  readonly description?: string;
  readonly secret?: boolean;
  readonly properties?: Readonly<Record<string, Described>>;
  readonly additionalProperties?: Described | boolean;
  readonly items?: Described;
  readonly anyOf?: readonly Described[];
}

/** A settings schema as JSON Schema, as people and the API see it; secret members carry `"secret": true`. */
export function settingsSchema(schema: z.ZodType): Described {
  return z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' }) as Described;
}

/** The secret values inside one account's or destination's settings, for redaction. */
export function secretValues(schema: z.ZodType, config: unknown): string[] {
  return collect(settingsSchema(schema), config);
}

function collect(schema: Described, value: unknown): string[] {
  if (value === null || value === undefined) return [];
  if (schema.secret) return leaves(value);
  const inner = (schema.anyOf ?? []).flatMap((option) => collect(option, value));
  if (typeof value !== 'object') return inner;
  const rest = typeof schema.additionalProperties === 'object' ? schema.additionalProperties : undefined;
  for (const [name, member] of Object.entries(value)) {
    const described = Array.isArray(value) ? schema.items : (schema.properties?.[name] ?? rest);
    if (described) inner.push(...collect(described, member));
  }
  return inner;
}

function leaves(value: unknown): string[] {
  if (typeof value === 'object' && value !== null) return Object.values(value).flatMap(leaves);
  return [String(value)];
}

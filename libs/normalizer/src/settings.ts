import { z } from 'zod';

/** A setting that nobody may read back: shown as `"***"`, stored encrypted, never logged. Chain checks and descriptions onto it. */
export function secret(): z.ZodString {
  return z.string().min(1).meta({ secret: true });
}

/** An address of the other side. It is shown to whoever reads the settings, so it must not hold credentials. */
export function webAddress(): z.ZodURL {
  return z
    .url({ protocol: /^https?$/ })
    .refine(
      (url) => !holdsCredentials(url),
      'must not hold a user name or password, which are shown to whoever reads the settings: use a setting that is secret',
    );
}

function holdsCredentials(url: string): boolean {
  if (!URL.canParse(url)) return false;
  const { username, password } = new URL(url);
  return username !== '' || password !== '';
}

/**
 * The `apiBase` setting that every account and destination takes: root of the provider's API, without the slash at its end. Sovereign
 * clouds, proxies and tests set it; `defaultUrl` is the provider's own.
 */
export function apiBase(defaultUrl: string): z.ZodDefault<z.ZodURL> {
  return webAddress()
    .overwrite(withoutSlash)
    .default(withoutSlash(defaultUrl))
    .describe("Root of the provider's API. Change it for a sovereign cloud, a proxy or a test.");
}

function withoutSlash(url: string): string {
  let end = url.length;
  while (url[end - 1] === '/') end -= 1;
  return url.slice(0, end);
}

/** One setting as forms, tables and `GET /v1/channels` show it. */
export interface SettingField {
  readonly name: string;
  readonly type: 'string' | 'number' | 'boolean' | 'object' | 'list' | 'map' | 'any';
  readonly required: boolean;
  readonly secret: boolean;
  readonly description: string;
  readonly default?: unknown;
  /** The values that are allowed, where they are listed. */
  readonly enum?: readonly (string | number | boolean)[];
  /** Members of an object, or of the objects of a list or map. */
  readonly fields?: readonly SettingField[];
}

/** The members of a settings schema (a zod object), in the order written. Anything but an object has none. */
export function describeSettings(schema: z.ZodType): SettingField[] {
  const { inner } = unwrap(schema);
  if (!(inner instanceof z.ZodObject)) return [];
  return Object.entries(inner.shape as Record<string, z.ZodType>).map(([name, member]) => describeMember(name, member));
}

function describeMember(name: string, schema: z.ZodType): SettingField {
  const { inner, required, meta, fallback } = unwrap(schema);
  const values = allowed(inner);
  const nested = describeSettings(element(inner) ?? inner);
  return {
    name,
    type: values ? typeName(values[0]) : kind(inner),
    required,
    secret: meta.secret === true,
    description: typeof meta.description === 'string' ? meta.description : '',
    ...(fallback !== undefined && meta.secret !== true && { default: fallback }),
    ...(values && { enum: values }),
    ...(nested.length > 0 && { fields: nested }),
  };
}

interface Unwrapped {
  readonly inner: z.ZodType;
  readonly required: boolean;
  readonly meta: Readonly<Record<string, unknown>>;
  readonly fallback: unknown;
}

/** Takes off `optional`, `default` and the like. What is said on the outside wins over what is said inside. */
export function unwrap(schema: z.ZodType): Unwrapped {
  const own = schema.meta() ?? {};
  const wrapped = wrappedBy(schema);
  if (!wrapped) return { inner: schema, required: true, meta: own, fallback: undefined };
  const below = unwrap(wrapped);
  const optional = schema instanceof z.ZodOptional || schema instanceof z.ZodDefault || schema instanceof z.ZodPrefault;
  return {
    inner: below.inner,
    required: below.required && !optional,
    meta: { ...below.meta, ...own },
    fallback:
      schema instanceof z.ZodDefault || schema instanceof z.ZodPrefault ? schema.def.defaultValue : below.fallback,
  };
}

function wrappedBy(schema: z.ZodType): z.ZodType | undefined {
  if (schema instanceof z.ZodPipe) return schema.def.in as z.ZodType;
  const { def } = schema as unknown as { def: { innerType?: z.ZodType } };
  return def.innerType;
}

/** What a list or a map holds. */
export function element(schema: z.ZodType): z.ZodType | undefined {
  if (schema instanceof z.ZodArray) return schema.def.element as z.ZodType;
  return schema instanceof z.ZodRecord ? (schema.def.valueType as z.ZodType) : undefined;
}

function allowed(schema: z.ZodType): (string | number | boolean)[] | undefined {
  if (schema instanceof z.ZodEnum) return Object.values(schema.def.entries);
  if (schema instanceof z.ZodLiteral) return schema.def.values.filter(isScalar);
  if (!(schema instanceof z.ZodUnion)) return undefined;
  const lists = schema.def.options.map((option) => allowed(unwrap(option as z.ZodType).inner));
  return lists.every((list) => list !== undefined) ? lists.flat() : undefined;
}

function isScalar(value: unknown): value is string | number | boolean {
  return ['string', 'number', 'boolean'].includes(typeof value);
}

function typeName(value: unknown): SettingField['type'] {
  const type = typeof value;
  return type === 'string' || type === 'number' || type === 'boolean' ? type : 'any';
}

function kind(schema: z.ZodType): SettingField['type'] {
  const kinds: Readonly<Record<string, SettingField['type']>> = {
    string: 'string', number: 'number', boolean: 'boolean', object: 'object', array: 'list', record: 'map',
  }; // prettier-ignore
  return kinds[schema.def.type] ?? 'any';
}

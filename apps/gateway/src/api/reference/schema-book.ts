import { z } from 'zod';
import { EXAMPLES } from './examples.js';
import type { Json, JsonObject } from './json.js';

type Direction = 'input' | 'output';

/**
 * Zod schemas as JSON Schemas (draft 2020-12) that refer to one shared list: each schema with an id stands there once. Where what is written differs
 * from what is read (a default may be left out), what is written has `Input` behind its name.
 */
export class SchemaBook {
  readonly schemas: Record<string, JsonObject> = {};

  /** The schema, or a reference to it where it has an id. */
  use(schema: z.ZodType, io: Direction): JsonObject {
    const { $defs = {}, properties } = z.toJSONSchema(z.object({ it: schema }), {
      io,
      unrepresentable: 'any',
      override: plain,
    }) as unknown as {
      $defs?: Record<string, JsonObject>;
      properties: { it: JsonObject };
    };
    const names = new Map(Object.entries($defs).map(([name, def]) => [name, this.nameFor(name, def, io)]));
    for (const [name, def] of Object.entries($defs)) {
      const key = names.get(name) ?? name;
      this.schemas[key] ??= withExample(key, renamed(def, names) as JsonObject);
    }
    return renamed(properties.it, names) as JsonObject;
  }

  private readonly forms = new Map<string, string>();

  /** The name under which this form of the schema is kept; the two directions share it where they are the same. */
  private nameFor(name: string, def: JsonObject, io: Direction): string {
    const form = JSON.stringify(def);
    if (io === 'output') {
      this.forms.set(name, form);
      return name;
    }
    const other = this.forms.get(name);
    return other === undefined || other === form || name.endsWith('Input') || name.endsWith('Patch')
      ? name
      : `${name}Input`;
  }
}

/** Readers must bear new members; the pattern of a time says no more than its format does. */
function plain({
  zodSchema,
  jsonSchema,
}: {
  zodSchema: z.core.$ZodTypes;
  jsonSchema: z.core.JSONSchema.BaseSchema;
}): void {
  const strict = zodSchema._zod.def.type === 'object' && zodSchema._zod.def.catchall?._zod.def.type === 'never';
  if (jsonSchema.additionalProperties === false && !strict) delete jsonSchema.additionalProperties;
  if (jsonSchema.format === 'date-time') delete jsonSchema.pattern;
  if (jsonSchema.maximum === Number.MAX_SAFE_INTEGER) delete jsonSchema.maximum;
  if (jsonSchema.minimum === Number.MIN_SAFE_INTEGER) delete jsonSchema.minimum;
  delete jsonSchema.id;
}

const DEFS = '#/$defs/';

function renamed(value: Json | undefined, names: ReadonlyMap<string, string>): Json | undefined {
  if (Array.isArray(value)) return value.map((item) => renamed(item, names) as Json);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, item]) => {
      if (key !== '$ref' || typeof item !== 'string' || !item.startsWith(DEFS)) return [key, renamed(item, names)];
      const name = item.slice(DEFS.length);
      return [key, `#/components/schemas/${names.get(name) ?? name}`];
    }),
  );
}

function withExample(name: string, schema: JsonObject): JsonObject {
  const example = EXAMPLES[name];
  return example === undefined ? schema : { ...schema, examples: [example as Json] };
}

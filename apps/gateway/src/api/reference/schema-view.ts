import { html, inline, type Html } from './html.js';
import type { JsonObject } from './json.js';

/** Deepest nesting that is shown; below it the name of the schema must do. */
const DEPTH = 4;

/** Schemas of a document as nested lists of members for people. */
export class SchemaView {
  constructor(private readonly schemas: Readonly<Record<string, JsonObject>>) {}

  /** Members of an object schema, or of the objects in an array or union, as a list. */
  members(schema: JsonObject, depth = 0): Html {
    const object = this.resolve(schema);
    const variants = (object['anyOf'] ?? object['oneOf']) as JsonObject[] | undefined;
    const concrete = variants?.map((variant) => this.resolve(variant)).filter(({ type }) => type !== 'null');
    if (concrete && concrete.length > 1 && concrete.some(({ properties }) => properties))
      return this.variants(concrete, depth);
    if (concrete?.length === 1 && concrete[0]) return this.members(concrete[0], depth);
    if (object['type'] === 'array') return this.members((object['items'] ?? {}) as JsonObject, depth);
    const properties = Object.entries((object['properties'] ?? {}) as Record<string, JsonObject>);
    if (properties.length === 0) return html``;
    const required = new Set((object['required'] ?? []) as string[]);
    return html`<ul class="members">
      ${properties.map(([name, member]) => this.member(name, member, { required: required.has(name), depth }))}
    </ul>`;
  }

  /** `string`, `Part[]`, `"open" | "closed"`. */
  type(schema: JsonObject): string {
    const ref = schema['$ref'];
    if (typeof ref === 'string') return ref.slice(ref.lastIndexOf('/') + 1);
    if (schema['const'] !== undefined) return JSON.stringify(schema['const']);
    if (Array.isArray(schema['enum'])) return schema['enum'].map((value) => JSON.stringify(value)).join(' | ');
    const variants = (schema['anyOf'] ?? schema['oneOf']) as JsonObject[] | undefined;
    if (variants) return [...new Set(variants.map((variant) => this.type(variant)))].join(' | ');
    if (schema['type'] === 'array') return `${this.type((schema['items'] ?? {}) as JsonObject)}[]`;
    const { type } = schema;
    return Array.isArray(type) ? type.join(' | ') : typeof type === 'string' ? type : 'any';
  }

  /** Description, default and limit as a line of text. */
  about(schema: JsonObject): Html {
    const texts = [schema['description'], this.limits(schema)].filter(
      (text) => typeof text === 'string' && text !== '',
    );
    return texts.length > 0 ? html`<span class="about">${inline(texts.join(' '))}</span>` : html``;
  }

  private member(name: string, schema: JsonObject, { required, depth }: { required: boolean; depth: number }): Html {
    const inner = depth < DEPTH ? this.members(schema, depth + 1) : html``;
    return html`<li>
      <code class="name">${name}</code>
      <span class="type">${this.type(schema)}</span>${!required && html` <span class="optional">optional</span>`}
      ${this.about(schema)}
      ${
        inner.text.trim() &&
        html`<details>
          <summary>members</summary>
          ${inner}
        </details>`
      }
    </li>`;
  }

  private variants(variants: readonly JsonObject[], depth: number): Html {
    return html`<ul class="variants">
      ${variants.map((variant, i) => {
        const kind = (variant['properties'] as Record<string, JsonObject> | undefined)?.['type']?.['const'];
        return html`<li>
          <span class="optional">${typeof kind === 'string' ? kind : `way ${i + 1}`}</span
          >${this.members(variant, depth)}
        </li>`;
      })}
    </ul>`;
  }

  private limits(schema: JsonObject): string {
    const fallback = schema['default'];
    const most = schema['maximum'] ?? schema['maxLength'] ?? schema['maxItems'];
    return [
      fallback !== undefined && typeof fallback !== 'object' && `Default \`${String(fallback)}\`.`,
      typeof most === 'number' && `At most ${most}.`,
    ]
      .filter(Boolean)
      .join(' ');
  }

  private resolve(schema: JsonObject): JsonObject {
    const ref = schema['$ref'];
    return typeof ref === 'string' ? (this.schemas[ref.slice(ref.lastIndexOf('/') + 1)] ?? {}) : schema;
  }
}

import type { Handle } from '#normalizer';

/** `{value}`, `{scheme}` and `{scope}` of the handle, or `{email}`, `{phone}`, ...: its value, where it is of that scheme. */
const PLACEHOLDER = /\{([a-z][a-z0-9-]{0,39})\}/g;
const ALONE = /^\{([a-z][a-z0-9-]{0,39})\}$/;
/** What may stand inside a longer text: nothing that could be syntax of a query language there. */
const PLAIN = /^[\p{L}\p{N}._@+-]+$/u;
const DOTS = /^\.{1,2}$/;

/** The handle does not fit into the template, so nobody is asked. */
export class Unfit extends Error {
  override readonly name = 'Unfit';
}

export function hasPlaceholder(text: string): boolean {
  return text.search(PLACEHOLDER) >= 0;
}

/** A URL with every value percent-encoded within its segment of the path. Throws `Unfit` where one is missing or would change the path. */
export function fillPath(template: string, handle: Handle): string {
  return template
    .split('/')
    .map((segment) => {
      if (!hasPlaceholder(segment)) return segment;
      const filled = segment.replace(PLACEHOLDER, (_, name: string) => encodeURIComponent(demand(name, handle)));
      if (DOTS.test(filled)) throw new Unfit('the value would be a step in the path');
      return filled;
    })
    .join('/');
}

/**
 * A text of query, headers or body; undefined where the handle has none of what it names. Alone, a value is taken as it is; inside a longer
 * text only if it is plain, else `Unfit` is thrown.
 */
export function fillText(template: string, handle: Handle): string | undefined {
  const [, name] = ALONE.exec(template) ?? [];
  if (name !== undefined) return valueOf(name, handle);
  const names = [...template.matchAll(PLACEHOLDER)].map((match) => match[1]!);
  if (names.some((inner) => valueOf(inner, handle) === undefined)) return undefined;
  return template.replace(PLACEHOLDER, (_, inner: string) => {
    const value = demand(inner, handle);
    if (!PLAIN.test(value)) throw new Unfit('the value holds more than letters, digits and . _ @ + -');
    return value;
  });
}

/** A record of texts; members that name what the handle has not are left out. */
export function fillRecord(templates: Readonly<Record<string, string>>, handle: Handle): Record<string, string> {
  const filled = Object.entries(templates).map(([key, template]) => [key, fillText(template, handle)] as const);
  return Object.fromEntries(filled.filter((entry): entry is readonly [string, string] => entry[1] !== undefined));
}

/** Every text inside a JSON value; keys are taken as they are. */
export function fillJson(template: unknown, handle: Handle): unknown {
  if (typeof template === 'string') return fillText(template, handle);
  if (Array.isArray(template)) {
    return template.map((item) => fillJson(item, handle)).filter((item) => item !== undefined);
  }
  if (typeof template !== 'object' || template === null) return template;
  return Object.fromEntries(Object.entries(template).map(([key, item]) => [key, fillJson(item, handle)]));
}

function demand(name: string, handle: Handle): string {
  const value = valueOf(name, handle);
  if (value === undefined) throw new Unfit(`the handle is no ${name}`);
  return value;
}

function valueOf(name: string, { scheme, scope, value }: Handle): string | undefined {
  if (name === 'value' || name === scheme) return value;
  if (name === 'scheme') return scheme;
  return name === 'scope' && scope !== '' ? scope : undefined;
}

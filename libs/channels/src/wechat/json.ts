import { MalformedRequest } from '#transport';
import { MAX_DEPTH, newFields, type Fields } from './fields.js';

/** A text (to its end, or to the end of all) or a number. Every match is final, so that no body takes more than one pass. */
const TEXT_OR_NUMBER = /"(?:[^"\\]|\\[^])*"?|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/g;
/** An integer that no double holds. */
const LONG = /^-?\d{16,}$/;

/** `JSON.parse`, but integers of 16 digits and more become texts: ids of WeChat have 64 bits. Throws `SyntaxError`. */
export function parseJson(text: string): unknown {
  return JSON.parse(text.replace(TEXT_OR_NUMBER, (found) => (LONG.test(found) ? `"${found}"` : found)));
}

/**
 * Reads the JSON of a callback, which mini programs may choose in place of XML, as the same fields; items of a list by their place
 * (`List.0.TemplateId`). Throws `MalformedRequest`.
 */
export function readJson(text: string): Fields {
  return fieldsOf(parsed(text));
}

/** An object as fields, as `readJson` reads it. Throws `MalformedRequest` where it is nested too deep. */
export function fieldsOf(object: object): Fields {
  const fields = newFields();
  flatten(object, { path: '', depth: 0 }, fields);
  return fields;
}

function parsed(text: string): object {
  let value: unknown;
  try {
    value = parseJson(text);
  } catch {
    throw malformed();
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw malformed();
  return value;
}

function flatten(
  value: object,
  { path, depth }: { path: string; depth: number },
  fields: Partial<Record<string, string>>,
): void {
  if (depth >= MAX_DEPTH) throw malformed();
  for (const [name, member] of Object.entries(value) as [string, unknown][]) {
    const at = path === '' ? name : `${path}.${name}`;
    if (typeof member === 'object' && member !== null) flatten(member, { path: at, depth: depth + 1 }, fields);
    else if (member !== null) fields[at] = String(member);
  }
}

function malformed(): MalformedRequest {
  return new MalformedRequest('the body is no JSON of the documented form');
}

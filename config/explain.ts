import { nearest } from '#normalizer';
import type { z } from 'zod';

type Issue = z.core.$ZodRawIssue;

const TYPES: Readonly<Record<string, string>> = {
  string: 'a text',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
  array: 'a list',
  object: 'a set of keys',
  record: 'a set of keys',
  null: 'nothing',
};
const FORMATS: Readonly<Record<string, string>> = {
  url: 'a URL such as https://example.com',
  email: 'an e-mail address',
  regex: 'another form',
  datetime: 'a time such as 2026-01-31T09:00:00Z',
};
const UNITS: Readonly<Record<string, string>> = { string: ' characters', array: ' entries', map: ' entries' };

/** What was expected, in words and without the value (which may be secret). A message that the schema itself gives wins over this. */
export function explain(issue: Issue): string | undefined {
  switch (issue.code) {
    case 'invalid_type':
      return `expected ${TYPES[issue.expected] ?? issue.expected}; ${found(issue.input)}`;
    case 'invalid_value':
      return `expected ${list(issue.values)}${suggestion(issue)}`;
    case 'invalid_format':
      return `expected ${FORMATS[issue.format] ?? `a valid ${issue.format}`}`;
    case 'too_small':
      return `expected ${issue.inclusive === false ? 'more than' : 'at least'} ${issue.minimum}${UNITS[issue.origin] ?? ''}`;
    case 'too_big':
      return `expected ${issue.inclusive === false ? 'less than' : 'at most'} ${issue.maximum}${UNITS[issue.origin] ?? ''}`;
    case 'invalid_union':
      return 'discriminator' in issue ? `expected another value of ${String(issue.discriminator)}` : undefined;
    default:
      return undefined;
  }
}

function found(input: unknown): string {
  if (input === undefined) return 'it is missing';
  if (input === null) return 'it is empty';
  return `found ${TYPES[Array.isArray(input) ? 'array' : typeof input] ?? typeof input}`;
}

function list(values: readonly unknown[]): string {
  return values.length === 1 ? String(values[0]) : `one of ${values.map(String).join(', ')}`;
}

function suggestion(issue: Extract<Issue, { code: 'invalid_value' }>): string {
  const meant = typeof issue.input === 'string' ? nearest(issue.input, issue.values.map(String)) : undefined;
  return meant ? `; did you mean "${meant}"?` : '';
}

/** A JSON Schema, as far as settings need it. */

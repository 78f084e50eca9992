import type { Part } from '#normalizer';
import type { Capabilities } from './capabilities.js';
import { refuse, type Placed } from './fit-piece.js';

type Template = Extract<Part, { type: 'template' }>;

const VARIABLE = /\$?\{(\w+)\}/g;

/** Refuses a template whose values are not those of its wording, as far as the account tells its wording. Throws `content-refused`. */
export function checkTemplate(placed: Placed<Template>, { templates }: Pick<Capabilities, 'templates'>): void {
  const { name, values } = placed.part;
  const wording = wordingOf(name, templates);
  if (wording === undefined) return;
  const wanted = new Set([...wording.matchAll(VARIABLE)].map(([, variable = '']) => variable));
  const missing = [...wanted].filter((variable) => !Object.hasOwn(values, variable));
  if (missing.length > 0) throw refuse(placed, `the template ${name} needs values for: ${missing.join(', ')}`);
  const unknown = Object.keys(values).filter((variable) => !wanted.has(variable));
  if (unknown.length > 0) throw refuse(placed, `the template ${name} has no variables: ${unknown.join(', ')}`);
}

/** What the customer will read; undefined where the account does not tell the template's wording. */
export function templateText(
  { name, values }: Template,
  { templates }: Pick<Capabilities, 'templates'>,
): string | undefined {
  return wordingOf(name, templates)?.replaceAll(VARIABLE, (_, variable: string) => values[variable] ?? '');
}

function wordingOf(name: string, templates: Capabilities['templates']): string | undefined {
  return templates && Object.hasOwn(templates, name) ? templates[name] : undefined;
}

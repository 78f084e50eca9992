import type { z } from 'zod';
import { Environment } from './environment.js';
import { describeInput, type Described } from '#normalizer';
import { SettingsFile } from './schema.js';

/** The page `docs/reference/settings.md`, made from the schemas; a test compares the two. */
export function settingsReference(): string {
  return `${[
    '# Settings',
    '',
    'Made from the schema by `npm run docs`; a test fails while the two differ.',
    '',
    'The settings file is YAML. `${NAME}` in a value stands for an environment variable, which must be set; `$${` is a literal `${`.',
    'A file with an unknown key, a missing variable or a wrong value stops the start with file, line, key and what was expected.',
    'Lengths of time are written `90s`, `30m`, `72h` or `7d`, or as a number of seconds.',
    '',
    '## The file',
    '',
    ...table(describeInput(SettingsFile)),
    '',
    '## The environment',
    '',
    ...environment(),
  ].join('\n')}\n`;
}

const NAMES: Readonly<Record<string, string>> = {
  string: 'text', integer: 'whole number', number: 'number', boolean: '`true` or `false`', object: 'keys',
}; // prettier-ignore

function table(root: Described): string[] {
  return ['| key | type | default | meaning |', '|---|---|---|---|', ...rows(root, '')];
}

function rows(schema: Described, prefix: string): string[] {
  const members = new Map<string, { described: Described; required: boolean; only: string[] }>();
  const variants = schema.oneOf ?? schema.anyOf ?? [schema];
  for (const variant of variants) {
    const branch =
      variants.length > 1
        ? String(Object.values(variant.properties ?? {}).find((p) => p.const !== undefined)?.const ?? '')
        : '';
    for (const [key, described] of Object.entries(variant.properties ?? {})) {
      const known = members.get(key);
      if (known) known.only.push(branch);
      else
        members.set(key, {
          described,
          required: variant.required?.includes(key) ?? false,
          only: branch ? [branch] : [],
        });
    }
  }
  return [...members].flatMap(([key, { described, required, only }]) => {
    const path = `${prefix}${key}`;
    const where = only.length > 0 && only.length < variants.length ? ` (\`${only.join('`, `')}\` only)` : '';
    const fallback = described.default === undefined ? (required ? 'required' : '') : code(described.default);
    const text = `${described.description ?? ''}${where}`;
    const row = `| \`${path}\` | ${typeName(described, variants, key)} | ${fallback} | ${text.replaceAll('|', '\\|')} |`;
    const { additionalProperties: any, items } = described;
    const inner = items ? rows(items, `${path}[].`) : rows(described, `${path}.`);
    return [row, ...inner, ...(typeof any === 'object' ? rows(any, `${path}.*.`) : [])];
  });
}

function typeName(schema: Described, variants: readonly Described[], key: string): string {
  const constants = variants.map((variant) => variant.properties?.[key]?.const).filter((value) => value !== undefined);
  if (constants.length > 0) return constants.map(code).join(' or ');
  if (schema.kind) return schema.kind;
  if (schema.enum) return schema.enum.map(code).join(', ');
  if (schema.type === 'array')
    return `list of ${schema.items?.properties ? 'entries' : (schema.items?.kind ?? 'texts')}`;
  return NAMES[schema.type ?? ''] ?? 'keys';
}

function code(value: unknown): string {
  if (value === '') return '';
  if (typeof value === 'object' && value !== null && Object.keys(value).length === 0)
    return Array.isArray(value) ? '`[]`' : '';
  return `\`${typeof value === 'string' ? value : JSON.stringify(value)}\``;
}

function environment(): string[] {
  const shape: Record<string, z.ZodType> = Environment.shape;
  const described = describeInput(Environment).properties ?? {};
  return [
    '| variable | default | meaning |',
    '|---|---|---|',
    ...Object.keys(shape).map((name) => {
      const { default: fallback, description } = described[name] ?? {};
      return `| \`${name}\` | ${fallback === undefined ? '' : code(fallback)} | ${description ?? ''} |`;
    }),
  ];
}

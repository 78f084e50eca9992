import { readFileSync } from 'node:fs';
import { format, resolveConfig } from 'prettier';

const GUIDE = 'docs/add-a-channel.md';
const EXAMPLE = 'examples/channel-pigeon/src';

/** What stands for the rooms of this repository in a package outside of it. */
const OUTSIDE: readonly (readonly [RegExp, string])[] = [
  [/^(#normalizer|#transport|zod|(\.\.\/)+core\/.+)$/, 'tributary/channel-kit'],
  [/^(\.\.\/)+testing\/index\.js$/, 'tributary/channel-kit/testing'],
];

/** The blocks of a page that are whole files, by the path that they name: ` ```ts file=pigeon.parse.ts `. */
export function blocksOf(page: string): Record<string, string> {
  const found = readFileSync(page, 'utf8').matchAll(/^```\w+ file=(\S+)\n([^]*?)^```$/gm);
  return Object.fromEntries([...found].map(([, path, content]) => [path!, content!]));
}

/** The sources of examples/channel-pigeon: those of the guide, with the imports of a package of its own. By path. */
export async function examplePackage(): Promise<Record<string, string>> {
  const files = Object.entries(blocksOf(GUIDE)).map(async ([name, content]) => {
    const filepath = `${EXAMPLE}/${name}`;
    const text = name.endsWith('.ts') ? outside(content) : content;
    return [filepath, await format(text, { ...(await resolveConfig('package.json')), filepath })] as const;
  });
  return Object.fromEntries(await Promise.all(files));
}

/** The same source with other imports; what comes from one place stands in one line. */
function outside(source: string): string {
  const statement = /^import (type )?\{([^}]*)\} from '([^']+)';\n/gm;
  const imports = new Map<string, string[]>();
  for (const [, type = '', names = '', from = ''] of source.matchAll(statement)) {
    const place = OUTSIDE.find(([pattern]) => pattern.test(from))?.[1] ?? from;
    const named = names.split(',').flatMap((name) => (name.trim() ? [type + name.trim()] : []));
    imports.set(place, [...(imports.get(place) ?? []), ...named]);
  }
  const lines = [...imports].map(([from, names]) => {
    const onlyTypes = names.every((name) => name.startsWith('type '));
    const sorted = names.map((name) => (onlyTypes ? name.slice(5) : name)).sort(byName);
    return `import ${onlyTypes ? 'type ' : ''}{ ${sorted.join(', ')} } from '${from}';\n`;
  });
  return lines.join('') + source.replace(statement, '');
}

const plain = (name: string) => name.replace(/^type /, '').toLowerCase();
const byName = (a: string, b: string) => (plain(a) < plain(b) ? -1 : 1);

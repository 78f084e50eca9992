// What the scaffolds of channels and of connectors share: names, templates, and the list of what is built in.
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { format, resolveConfig } from 'prettier';

const templates = join(dirname(fileURLToPath(import.meta.url)), 'templates');
process.chdir(join(dirname(fileURLToPath(import.meta.url)), '..'));

/** Says why nothing is written, and ends. */
export function end(why) {
  process.stderr.write(`${why}\n`);
  process.exit(1);
}

/** `my-sms` as identifiers name it. */
export function namesOf(name) {
  if (!/^[a-z][a-z0-9]*(-[a-z0-9]+)*$/.test(name)) end(`"${name}" is no name in kebab-case, such as my-channel`);
  const Name = name.split('-').map(capital).join('');
  const camel = Name[0].toLowerCase() + Name.slice(1);
  if (!isFree(camel)) end(`"${camel}" is a word of the language or of the templates: choose another name`);
  return { name, Name, camel };
}

/** What the templates call by these names themselves. */
const WORDS =
  'append callback capabilities check conformance create find open openFile parse poll recorded send setStatus subject unwritten verify'.split(
    ' ',
  );

/** In which `await` is a word of the language, as it is in a module. */
const AsyncFunction = (async () => {}).constructor;

/** Can an identifier be called so, beside those of the templates? */
function isFree(camel) {
  try {
    new AsyncFunction(`'use strict'; let ${camel}`);
    return !(camel in {}) && !WORDS.includes(camel);
  } catch {
    return false;
  }
}

/** `my-sms` as people read it. */
export const title = (name) => name.split('-').map(capital).join(' ');

const capital = (word) => word[0].toUpperCase() + word.slice(1);

/** Writes the templates of these folders to `folder`, which must be new, with every `__key__` in names and texts filled in. */
export async function write(folder, sources, values) {
  if (existsSync(folder)) end(`${folder} exists already`);
  const now = `${new Date().toISOString().slice(0, 10)}T09:30:00Z`;
  const fill = (text) => text.replace(/__([A-Za-z]+)__/g, (_, key) => ({ ...values, now })[key]);
  for (const source of sources) {
    for (const file of readdirSync(join(templates, source))) {
      const target = join(folder, fill(file).replace(/\.tmpl$/, ''));
      mkdirSync(dirname(target), { recursive: true });
      await save(target, fill(readFileSync(join(templates, source, file), 'utf8')));
    }
  }
}

/** Adds an adapter or connector to the list of those that are built in, in the order of their folders. */
export async function list(file, { name, camel, kind }) {
  const [, head, imports, middle, entries, tail] =
    /^([^]*?)((?:import \{ \w+ \} from '\.\/[\w-]+\/[^\n]+\n)+)([^]*?= \[)([^]*?)(\];\n)$/.exec(
      readFileSync(file, 'utf8'),
    );
  const lines = [...imports.trim().split('\n'), `import { ${camel} } from './${name}/${name}.${kind}.js';`];
  const pathOf = (line) => /'(.+)'/.exec(line)[1];
  const sorted = lines.sort((a, b) => (pathOf(a) < pathOf(b) ? -1 : 1));
  const order = sorted.map((line) => /\{ (\w+) \}/.exec(line)[1]);
  const before = order.slice(0, order.indexOf(camel));
  const listed = entries.split(',').flatMap((entry) => entry.trim() || []);
  const place = listed.findLastIndex((entry) => before.includes(entry)) + 1;
  const all = listed.toSpliced(place, 0, camel);
  await save(file, `${head}${sorted.join('\n')}\n${middle}${all.join(', ')}${tail}`);
}

async function save(path, text) {
  writeFileSync(path, await format(text, { ...(await resolveConfig(path)), filepath: path }));
}

// npm run new:helpdesk -- <name>: writes the folder of a connector to a ticket system and lists it.
import { parseArgs } from 'node:util';
import { end, list, namesOf, title, write } from './scaffold.mjs';

const USAGE = 'npm run new:helpdesk -- <name>';

function read() {
  try {
    const { positionals } = parseArgs({ allowPositionals: true, options: {} });
    return positionals.length > 1 ? end(USAGE) : (positionals[0] ?? '');
  } catch {
    return end(USAGE);
  }
}

const name = read();
const names = namesOf(name);
const folder = `libs/helpdesk/src/${name}`;
const ENV = name.replaceAll('-', '_').toUpperCase();

await write(folder, ['helpdesk'], { ...names, title: title(name), ENV });
await list('libs/helpdesk/src/builtin.ts', { ...names, kind: 'connector' });
process.stdout.write(`
${folder} is written, and listed in libs/helpdesk/src/builtin.ts.

  npm run jest -- ${folder}   says what to write next, and where
  npm run docs         ${' '.repeat(Math.max(0, folder.length - 2))}tells of it in docs/reference

docs/add-a-helpdesk.md goes the whole way once.
`);

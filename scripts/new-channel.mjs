// npm run new:channel -- <name> --ingress webhook|poll|socket: writes the folder of a channel and lists it.
import { parseArgs } from 'node:util';
import { end, list, namesOf, title, write } from './scaffold.mjs';

const INGRESS = {
  webhook: { templates: ['any', 'http', 'webhook'], settings: ['apiKey', 'signingSecret'] },
  poll: { templates: ['any', 'http', 'poll'], settings: ['apiKey'] },
  socket: { templates: ['any', 'socket'], settings: ['host', 'port', 'apiKey'] },
};
const USAGE = `npm run new:channel -- <name> --ingress ${Object.keys(INGRESS).join('|')}`;

function read() {
  try {
    const { values, positionals } = parseArgs({ allowPositionals: true, options: { ingress: { type: 'string' } } });
    const { ingress = 'webhook' } = values;
    const chosen = Object.hasOwn(INGRESS, ingress) ? INGRESS[ingress] : undefined;
    return { name: positionals[0] ?? '', chosen, more: positionals.length > 1 };
  } catch {
    return end(USAGE);
  }
}

const { name, chosen, more } = read();
if (!chosen || more) end(USAGE);
const names = namesOf(name);
const folder = `libs/channels/src/${name}`;
const environment = (setting) => `${name.replaceAll('-', '_')}_${setting.replace(/[A-Z]/g, '_$&')}`.toUpperCase();
const settings = chosen.settings.map((setting) => `         ${setting}: '\${${environment(setting)}}'`).join('\n');

await write(
  folder,
  chosen.templates.map((template) => `channel/${template}`),
  { ...names, title: title(name), settings },
);
await list('libs/channels/src/builtin.ts', { ...names, kind: 'adapter' });
process.stdout.write(`
${folder} is written, and listed in libs/channels/src/builtin.ts.

  npm run jest -- ${folder}   says what to write next, and where
  npm run docs         ${' '.repeat(Math.max(0, folder.length - 2))}tells of it in docs/reference

docs/add-a-channel.md goes the whole way once.
`);

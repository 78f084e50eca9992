// Runs a built script. It builds nothing: the folder may be the one that a gateway runs from.
import { existsSync } from 'node:fs';

const [, , name] = process.argv;
const script = new URL(`../dist/scripts/${name}.js`, import.meta.url);
if (!existsSync(script)) {
  process.stderr.write('There is no build here yet: npm run build\n');
  process.exit(1);
}
process.argv.splice(2, 1);
await import(script.href);

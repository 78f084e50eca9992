// npm run docs: writes docs/reference from the code.
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { references } from './references.js';

for (const [name, text] of Object.entries(references())) {
  const path = join('docs', 'reference', name);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, text);
}

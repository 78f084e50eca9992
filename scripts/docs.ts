// npm run docs: writes docs/reference and docs/kit/api from the code, and the example package from its guide.
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { apiReports } from './api-report.js';
import { examplePackage } from './kit.js';
import { references } from './references.js';

const reference = Object.entries(references()).map(([name, text]) => [join('docs', 'reference', name), text] as const);
const made = [...reference, ...Object.entries(apiReports()), ...Object.entries(await examplePackage())];
for (const [path, text] of made) {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, text);
}

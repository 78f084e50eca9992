// Writes docs/reference/{openapi,asyncapi}.json and docs/reference/schemas/ from the code. Run after a build.
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { referenceFiles } from '../dist/apps/gateway/src/api/reference/documents.js';

const root = 'docs/reference';
rmSync(join(root, 'schemas'), { recursive: true, force: true });
for (const [path, text] of Object.entries(referenceFiles())) {
  const file = join(root, path);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, text);
}

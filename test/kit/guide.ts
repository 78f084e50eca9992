import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';

const ROOT = resolve(import.meta.dirname, '..', '..');

/** Blocks of TypeScript that are no file: nothing compiles them, so there must be none. */
export function looseBlocks(page: string): string[] {
  const text = readFileSync(join(ROOT, page), 'utf8');
  return [...text.matchAll(/^```(?:ts|js)(?:\n| (?!file=))[^\n]*/gm)].map(([block]) => block);
}

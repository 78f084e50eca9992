import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';

const ROOT = resolve(import.meta.dirname, '..', '..');

/** The blocks of a page that are whole files, by the path that they name: ` ```ts file=pigeon.parse.ts `. */
export function blocksOf(page: string): Record<string, string> {
  const text = readFileSync(join(ROOT, page), 'utf8');
  const found = text.matchAll(/^```\w+ file=(\S+)\n([^]*?)^```$/gm);
  return Object.fromEntries([...found].map(([, path, content]) => [path!, content!]));
}

/** Blocks of TypeScript that are no file: nothing compiles them, so there must be none. */
export function looseBlocks(page: string): string[] {
  const text = readFileSync(join(ROOT, page), 'utf8');
  return [...text.matchAll(/^```(?:ts|js)(?:\n| (?!file=))[^\n]*/gm)].map(([block]) => block);
}

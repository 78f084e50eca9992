import { describe, expect, it } from '@jest/globals';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { references } from '../scripts/references.js';

const ROOT = resolve(import.meta.dirname, '..');
const text = (path: string): string => readFileSync(join(ROOT, path), 'utf8');

/** Every Markdown page of the repository. */
function pages(folder = ''): string[] {
  return readdirSync(join(ROOT, folder), { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    if (entry.isDirectory())
      return /^(node_modules|dist|data|artifacts|coverage|\.git)$/.test(entry.name) ? [] : pages(path);
    return entry.name.endsWith('.md') ? [path] : [];
  });
}

describe('documents', () => {
  it.each(Object.entries(references()))('docs/reference/%s is what `npm run docs` writes', (name, expected) => {
    expect(existsSync(join(ROOT, 'docs/reference', name)) ? text(join('docs/reference', name)) : '(missing)').toBe(
      expected,
    );
  });

  it('hold no page in docs/reference that nothing writes', () => {
    const known = Object.keys(references());
    const found = readdirSync(join(ROOT, 'docs/reference'), { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name).slice(join(ROOT, 'docs/reference/').length));
    expect(found.filter((path) => !known.includes(path))).toEqual([]);
  });

  it('link only to what exists', () => {
    const broken = pages().flatMap((page) =>
      [...text(page).matchAll(/\]\((?!https?:|#|mailto:)([^)#\s]+)/g)]
        .map(([, target]) => join(dirname(page), target!))
        .filter((target) => !existsSync(join(ROOT, target)))
        .map((target) => `${page} -> ${target}`),
    );
    expect(broken).toEqual([]);
  });

  it('name only files and commands that exist', () => {
    const scripts = Object.keys((JSON.parse(text('package.json')) as { scripts: object }).scripts);
    const wrong = ['README.md', 'AGENTS.md', 'CONTRIBUTING.md'].flatMap((page) => {
      const paths = [...text(page).matchAll(/`((?:apps|libs|config|test|docs|scripts|\.ci)\/[\w./-]+)`/g)].map(
        ([, path]) => path!,
      );
      const commands = [...text(page).matchAll(/npm run ([\w:-]+)/g)].map(([, name]) => name!);
      return [
        ...paths.filter((path) => !existsSync(join(ROOT, path))),
        ...commands.filter((name) => !scripts.includes(name)),
      ].map((name) => `${page}: ${name}`);
    });
    expect(wrong).toEqual([]);
  });

  it('keep AGENTS.md within 100 lines', () => {
    expect(text('AGENTS.md').split('\n').length).toBeLessThanOrEqual(100);
  });
});

import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { referenceFiles, staleReference } from '../../apps/gateway/src/api/reference/documents.js';

const ROOT = resolve(import.meta.dirname, '../../docs/reference');

describe('the committed reference of the API', () => {
  it('is what the code says; `npm run docs` writes it anew', () => {
    const read = (path: string) => (existsSync(join(ROOT, path)) ? readFileSync(join(ROOT, path), 'utf8') : null);
    expect(staleReference(read)).toEqual([]);
  });

  it('holds no schema that is gone', () => {
    const known = Object.keys(referenceFiles()).filter((path) => path.startsWith('schemas/'));
    expect(readdirSync(join(ROOT, 'schemas')).map((name) => `schemas/${name}`)).toEqual(known.sort());
  });

  it('notices what is stale or missing', () => {
    const files = referenceFiles();
    expect(staleReference((path) => (path === 'openapi.json' ? '{}' : (files[path] ?? null)))).toEqual([
      'openapi.json',
    ]);
    expect(staleReference(() => null)).toEqual(Object.keys(files));
  });
});

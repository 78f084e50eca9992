import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';
import { builtinConnectors } from './builtin.js';

const root = new URL('./', import.meta.url);
const folders = readdirSync(root, { withFileTypes: true })
  .filter((entry) => entry.isDirectory() && existsSync(new URL(`${entry.name}/${entry.name}.connector.ts`, root)))
  .map(({ name }) => name);

describe('the built-in connectors', () => {
  it('are the folders that hold a connector, each once', () => {
    expect(folders.length).toBeGreaterThan(0);
    expect(builtinConnectors.map(({ type }) => type).sort()).toEqual(folders.sort());
  });

  it('keep every connector in a file of its folder’s name', () => {
    const stray = readdirSync(root, { recursive: true, encoding: 'utf8' }).filter(
      (file) => file.endsWith('.connector.ts') && !/^([a-z0-9-]+)[\\/]\1\.connector\.ts$/.test(file),
    );
    expect(stray).toEqual([]);
  });

  it.each(folders)('%s runs the conformance suite and tells how to set it up', (name) => {
    const spec = readFileSync(new URL(`${name}/${name}.connector.spec.ts`, root), 'utf8');
    expect(spec).toMatch(/^conformance\(/m);
    expect(readFileSync(new URL(`${name}/README.md`, root), 'utf8')).toMatch(/^# /);
  });
});

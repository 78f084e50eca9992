import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';
import { describeSettings } from '#normalizer';
import { builtinAdapters } from './builtin.js';

const root = new URL('./', import.meta.url);
const folders = readdirSync(root, { withFileTypes: true })
  .filter((entry) => entry.isDirectory() && existsSync(new URL(`${entry.name}/${entry.name}.adapter.ts`, root)))
  .map(({ name }) => name);

describe('the built-in channels', () => {
  it('are the folders that hold an adapter, each once', () => {
    expect(folders.length).toBeGreaterThan(0);
    expect(builtinAdapters.map(({ type }) => type).sort()).toEqual(folders.sort());
  });

  it('keep every adapter in a file of its folder’s name', () => {
    const stray = readdirSync(root, { recursive: true, encoding: 'utf8' }).filter(
      (file) => file.endsWith('.adapter.ts') && !/^([a-z0-9-]+)[\\/]\1\.adapter\.ts$/.test(file),
    );
    expect(stray).toEqual([]);
  });

  it('all that call an HTTP API take the setting `apiBase`', () => {
    const without = builtinAdapters.filter(
      ({ config, ingress }) =>
        !ingress.socket && !describeSettings(config).some(({ name, required }) => name === 'apiBase' && !required),
    );
    expect(without.map(({ type }) => type)).toEqual([]);
  });

  it.each(folders)('%s runs the conformance suite and tells how to set it up', (name) => {
    const spec = readFileSync(new URL(`${name}/${name}.adapter.spec.ts`, root), 'utf8');
    expect(spec).toMatch(/^conformance\(/m);
    expect(readFileSync(new URL(`${name}/README.md`, root), 'utf8')).toMatch(/^# /);
  });
});

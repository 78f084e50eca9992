import { describe, expect, it } from '@jest/globals';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { apiReports } from '../../scripts/api-report.js';
import { examplePackage } from '../../scripts/kit.js';

const ROOT = resolve(import.meta.dirname, '..', '..');
const text = (path: string): string =>
  existsSync(join(ROOT, path)) ? readFileSync(join(ROOT, path), 'utf8') : '(missing)';
const reports = apiReports();

/** What to do where a page is not what the code says. */
const ADVICE =
  'The public surface is another one: read docs/kit/versions.md, raise the version accordingly, run npm run docs';

describe('the public surface of the kit', () => {
  it.each(Object.entries(reports))('%s is what packages can import', (path, expected) => {
    expect(text(path) === expected ? '' : ADVICE).toBe('');
  });

  it('is all that docs/kit/api tells of', () => {
    const pages = readdirSync(join(ROOT, 'docs/kit/api')).map((name) => `docs/kit/api/${name}`);
    expect(pages.sort()).toEqual(Object.keys(reports).sort());
  });

  it('holds what adapters are made of, down to the members', () => {
    const [channels, helpdesk] = ['channel-kit', 'helpdesk-kit'].map((name) => reports[`docs/kit/api/${name}.api.md`]!);
    for (const words of [
      'export interface ChannelAdapter<',
      'idempotencyKey: string;',
      'retryAfterMs?: number;',
      'export { z };',
    ])
      expect(channels).toContain(words);
    expect(helpdesk).toContain('export interface HelpdeskConnector<');
  });

  it('exports every type that it mentions, but for those that have no name outside of their file', () => {
    const hidden = Object.values(reports).flatMap(
      (report) => /## Mentioned, and not exported\n\n```ts\n([^]*)```/.exec(report)?.[1] ?? [],
    );
    const names = hidden.flatMap((block) =>
      [...block.matchAll(/^export (?:interface|type|class) (\w+)/gm)].map(([, name]) => name),
    );
    expect(names).toEqual([]);
  });
});

describe('examples/channel-pigeon', () => {
  it('is the channel of the guide', async () => {
    for (const [path, expected] of Object.entries(await examplePackage()))
      expect([path, text(path)]).toEqual([path, expected]);
  });
});

import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { builtinAdapters } from '#channels';
import { loadSettings } from '#config';
import { builtinConnectors } from '#helpdesk';

const CHANNELS = resolve(import.meta.dirname, '../libs/channels/src');
const channels = Object.fromEntries(builtinAdapters.map(({ type, config }) => [type, config]));
/** What people are to put in place of what a page cannot tell. */
const PLACEHOLDERS: readonly (readonly [RegExp, string])[] = [[/\b(AC|MG|SK)\.\.\./g, `$1${'0'.repeat(32)}`]];

/** The settings that pages tell operators to begin with, by page. */
const examples = readdirSync(CHANNELS)
  .filter((folder) => /^sms-/.test(folder))
  .map((folder): [string, string] => {
    const page = readFileSync(join(CHANNELS, folder, 'README.md'), 'utf8');
    const [, indent = '', block = ''] = /^( *)```yaml\n([\s\S]*?)^ *```$/m.exec(page) ?? [];
    return [folder, block.replaceAll(new RegExp(`^${indent}`, 'gm'), '')];
  });

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'examples-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

it.each(examples)('the settings in the page of %s work as they stand there', (type, block) => {
  const yaml = PLACEHOLDERS.reduce((text, [what, example]) => text.replace(what, example), block);
  const file = join(folder, 'tributary.yaml');
  writeFileSync(file, yaml);
  const names = [...yaml.matchAll(/\$\{([A-Z_]+)\}/g)].map(([, name]) => [
    name,
    'a-secret-of-32-characters-or-so.'.replaceAll('.', '0'),
  ]);
  const { accounts } = loadSettings({
    env: { TRIBUTARY_CONFIG: file, ...(Object.fromEntries(names) as Record<string, string>) },
    ...{ channels, connectors: {} },
  });
  expect(accounts.map((account) => account.type)).toEqual([type]);
});

it('the settings in the page of the connector for mailboxes work as they stand there', () => {
  const page = readFileSync(resolve(import.meta.dirname, '../libs/helpdesk/src/email/README.md'), 'utf8');
  const [, indent = '', block = ''] = /^( *)```yaml\n([\s\S]*?)^ *```$/m.exec(page) ?? [];
  const file = join(folder, 'tributary.yaml');
  writeFileSync(file, block.replaceAll(new RegExp(`^${indent}`, 'gm'), ''));
  const connectors = Object.fromEntries(builtinConnectors.map(({ type, config }) => [type, config]));
  const env = { TRIBUTARY_CONFIG: file, GATEWAY_MAIL_PASSWORD: 'a-password' };
  const { destinations } = loadSettings({ env, channels, connectors });
  expect(destinations.map(({ type }) => type)).toEqual(['email']);
});

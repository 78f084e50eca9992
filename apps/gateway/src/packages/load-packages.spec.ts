import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { builtinAdapters, defineChannel, type ChannelAdapter } from '#channels';
import { builtinConnectors, defineConnector } from '#helpdesk';
import { BUILTIN, loadPackages } from './index.js';

const http = builtinAdapters.find(({ type }) => type === 'http') as ChannelAdapter<unknown, unknown>;
const webhook = builtinConnectors.find(({ type }) => type === 'webhook')!;
const given = globalThis as unknown as { kitOfTheTest: object };

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'packages-'));
  given.kitOfTheTest = { defineChannel, defineConnector, http, webhook };
});
afterEach(() => rm(folder, { recursive: true }));

/** Installs a package: its main module, and more of its manifest. */
async function install(name: string, source: string, manifest: object = {}): Promise<void> {
  const files = {
    'package.json': JSON.stringify({ name, version: '2.0.0', type: 'module', exports: { import: './main.js' }, peerDependencies: { tributary: '^0.1.0' }, ...manifest }), // prettier-ignore
    'main.js': `const { defineChannel, defineConnector, http, webhook } = globalThis.kitOfTheTest;\n${source}`,
  };
  for (const [path, text] of Object.entries(files)) {
    const file = join(folder, 'node_modules', name, path);
    await mkdir(dirname(file), { recursive: true });
    await writeFile(file, text);
  }
}
const load = (...names: string[]) => loadPackages(names, [join(folder, 'config')]);
const channel = (changes: string) => `export const channels = [defineChannel({ ...http, type: 'crow', ${changes} })];`;

describe('packages of the settings', () => {
  it('add their kinds to the built-in ones', async () => {
    await install('channel-crow', channel(''));
    await install('@birds/desk', `export const connectors = [defineConnector({ ...webhook, type: 'nest' })];`);
    const { adapters, connectors } = await load('channel-crow', '@birds/desk');
    expect(adapters.map(({ type }) => type)).toEqual([...BUILTIN.adapters.map(({ type }) => type), 'crow']);
    expect(connectors.map(({ type }) => type)).toEqual([...BUILTIN.connectors.map(({ type }) => type), 'nest']);
    expect(await load()).toBe(BUILTIN);
  });

  it('are found by a path as well', async () => {
    await install('channel-crow', channel(''));
    const { adapters } = await load('../node_modules/channel-crow');
    expect(adapters.at(-1)?.type).toBe('crow');
  });

  it.each([
    [
      'is made for an older version',
      channel(''),
      { peerDependencies: { tributary: '^0.0.9' } },
      'is made for tributary ^0.0.9, and this is 0.1.',
    ],
    [
      'says not what it is made for',
      channel(''),
      { peerDependencies: {} },
      'names no tributary among its peerDependencies',
    ],
    ['throws', `throw new Error('no feathers')`, {}, 'it cannot be loaded: no feathers'],
    ['is no JavaScript', `export const = 1`, {}, 'it cannot be loaded'],
    ['has no such file', channel(''), { exports: './gone.js' }, 'it cannot be loaded'],
    ['exports something else', `export const pigeons = []`, {}, 'neither a list `channels` nor a list `connectors`'],
    ['exports no list', `export const channels = { crow: 1 }`, {}, 'neither a list `channels` nor a list `connectors`'],
    [
      'was made by another copy of the kit',
      `export const channels = [{ ...http, type: 'crow' }]`,
      {},
      'not made by `defineChannel` of this gateway',
    ],
    [
      'has a connector of another copy',
      `export const connectors = [{ ...webhook, type: 'crow' }]`,
      {},
      'not made by `defineConnector` of this gateway',
    ],
    ['has a type that is taken', `export const channels = [defineChannel(http)]`, {}, 'its type "http" is taken'],
    ['has a type that is none', channel(`type: 'Crow'`), {}, 'a type that is not in kebab-case'],
    ['has other capabilities', channel(`capabilities: {}`), {}, 'capabilities that are not of the documented form'],
    ['has no way in', channel(`ingress: {}`), {}, 'has no way in'],
    ['cannot send', channel(`send: undefined`), {}, 'has no send()'],
    ['has no settings', channel(`config: undefined`), {}, 'settings that are no zod schema'],
    [
      'has a connector that delivers nothing',
      `export const connectors = [defineConnector({ ...webhook, type: 'nest', deliver: undefined })]`,
      {},
      'no deliver()',
    ],
    ['has no ways in at all', channel(`ingress: null`), {}, 'has no way in'],
    [
      'has a callback that verifies nothing',
      channel(`ingress: { webhook: { guard: 'signature' } }`),
      {},
      'a webhook without verify() and parse()',
    ],
    [
      'has what throws when it is looked at',
      channel(`get title() { throw new Error('no title'); }`),
      {},
      'cannot be read: no title',
    ],
    [
      'has a connector without settings',
      `export const connectors = [defineConnector({ ...webhook, type: 'nest', config: undefined })]`,
      {},
      'settings that are no zod schema',
    ],
    [
      'has a connector without capabilities',
      `export const connectors = [defineConnector({ ...webhook, type: 'nest', capabilities: undefined })]`,
      {},
      'capabilities without a batch',
    ],
    [
      'brings one type twice',
      `export const channels = [1, 2].map(() => defineChannel({ ...http, type: 'crow' }));`,
      {},
      'its type "crow" is taken',
    ],
    ['has an unreadable manifest', channel(''), { name: 7 }, 'its package.json cannot be read'],
  ])('stop the start where one %s', async (...[, source, manifest, reason]) => {
    await install('channel-crow', source, manifest);
    const refused = await load('channel-crow').catch((error: Error) => error.message);
    expect(refused).toMatch(/^the package channel-crow cannot be used: /);
    expect(refused).toContain(reason);
  });

  it('stop the start where one is never done', async () => {
    await install('channel-crow', `await new Promise(() => {});`);
    await expect(loadPackages(['channel-crow'], [folder], 20)).rejects.toThrow(
      'the package channel-crow cannot be used: it cannot be loaded: it is not done',
    );
  });

  it('stop the start where one is not there', async () => {
    await expect(load('channel-crow')).rejects.toThrow('the package channel-crow cannot be used: it is not installed');
    await expect(load('./crow')).rejects.toThrow('the package ./crow cannot be used: nothing is at ./crow');
  });

  it('are of one type each', async () => {
    await install('channel-crow', channel(''));
    await install('channel-rook', channel(''));
    await expect(load('channel-crow', 'channel-rook')).rejects.toThrow(
      'the package channel-rook cannot be used: its type "crow" is taken',
    );
  });
});

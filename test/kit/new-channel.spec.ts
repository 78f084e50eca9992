import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { Checkout } from './checkout.js';
import { blocksOf } from '../../scripts/kit.js';
import { looseBlocks } from './guide.js';

const ROOT = resolve(import.meta.dirname, '..', '..');
const GUIDE = 'docs/add-a-channel.md';
const PAGES = { webhook: GUIDE, poll: 'docs/kit/polls.md', socket: 'docs/kit/sockets.md' };
const LIST = 'libs/channels/src/builtin.ts';
const TABLE = 'libs/channels/src/builtin.spec.ts';
const MINUTES = 60_000;

const at = (folder: string, files: Record<string, string>) =>
  Object.fromEntries(Object.entries(files).map(([path, content]) => [`${folder}/${path}`, content]));
const hint = /^Unwritten: next, in ([\w.-]+): [^]{40,}/;

describe.each(Object.entries(PAGES))('npm run new:channel --ingress %s', (ingress, page) => {
  const folder = 'libs/channels/src/pigeon';
  let checkout: Checkout;

  beforeAll(async () => {
    checkout = await Checkout.make();
  });
  afterAll(() => checkout.remove());

  it(
    'writes a channel that compiles, is listed, and fails by nothing but what is to be written next, and where',
    async () => {
      const { code, output } = await checkout.node('scripts/new-channel.mjs', 'pigeon', '--ingress', ingress);
      expect([code, output]).toEqual([0, expect.stringContaining(folder)]);
      expect(await checkout.compile(folder, LIST)).toBe('');
      const { total, failed } = await checkout.test(folder, TABLE);
      expect(total).toBeGreaterThan(35);
      expect(failed.length).toBeGreaterThan(15);
      expect(failed.filter(({ message }) => !hint.test(message))).toEqual([]);
      for (const { message } of failed) await checkout.read(`${folder}/${hint.exec(message)![1]}`);
      for (const [, named] of failed.flatMap(({ message }) => [...message.matchAll(/\((docs\/[\w/.-]+)\)/g)]))
        expect(existsSync(join(ROOT, named!))).toBe(true);
    },
    5 * MINUTES,
  );

  it(
    'passes once the page is followed to its end',
    async () => {
      await checkout.write(at(folder, { ...blocksOf(GUIDE), ...blocksOf(page) }));
      if (ingress !== 'webhook') await checkout.node('-e', OTHERS);
      expect(await checkout.compile(folder, LIST)).toBe('');
      const { failed } = await checkout.test(folder, TABLE);
      expect(failed).toEqual([]);
    },
    5 * MINUTES,
  );
});

/** What the guide has of callbacks, the other ways in have not. */
const OTHERS = `for (const name of ['verify', 'parse']) fs.rmSync('libs/channels/src/pigeon/pigeon.' + name + '.ts')`;

describe('npm run new:channel', () => {
  it.each([
    ['no name', [], 'kebab-case'],
    ['a name that is no folder', ['Pigeon Post'], 'kebab-case'],
    ['a name with a meaning of its own', ['new'], 'a word of the language'],
    ['a name that modules cannot use', ['await'], 'a word of the language'],
    ['a name that every object has', ['constructor'], 'a word of the language'],
    ['a channel that exists', ['http'], 'exists already'],
    ['another way in', ['pigeon', '--ingress', 'smoke'], 'webhook|poll|socket'],
    ['a way in that only objects have', ['pigeon', '--ingress', 'constructor'], 'webhook|poll|socket'],
    ['another option', ['pigeon', '--way', 'poll'], 'webhook|poll|socket'],
  ])('writes nothing for %s', async (_what, args, why) => {
    const checkout = await Checkout.make();
    const before = await checkout.read(LIST);
    expect(await checkout.node('scripts/new-channel.mjs', ...args)).toEqual({
      code: 1,
      output: expect.stringContaining(why),
    });
    expect(await checkout.read(LIST)).toBe(before);
    await checkout.remove();
  });
});

describe('the pages', () => {
  it.each(Object.values(PAGES))('%s shows no code that is not tried', (page) => {
    expect(Object.keys(blocksOf(page)).length).toBeGreaterThan(2);
    expect(looseBlocks(page)).toEqual([]);
  });
});

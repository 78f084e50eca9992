import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { blocksOf } from '../../scripts/kit.js';
import { Checkout } from './checkout.js';
import { looseBlocks } from './guide.js';

const ROOT = resolve(import.meta.dirname, '..', '..');
const GUIDE = 'docs/add-a-helpdesk.md';
const FOLDER = 'libs/helpdesk/src/coop';
const LIST = 'libs/helpdesk/src/builtin.ts';
const TABLE = 'libs/helpdesk/src/builtin.spec.ts';
const MINUTES = 60_000;
const hint = /^Unwritten: next, in ([\w.-]+): [^]{40,}/;

describe('npm run new:helpdesk', () => {
  let checkout: Checkout;
  beforeAll(async () => {
    checkout = await Checkout.make();
  });
  afterAll(() => checkout.remove());

  it(
    'writes a connector that compiles, is listed, and fails by nothing but what is to be written next, and where',
    async () => {
      const { code, output } = await checkout.node('scripts/new-helpdesk.mjs', 'coop');
      expect([code, output]).toEqual([0, expect.stringContaining(FOLDER)]);
      expect(await checkout.compile(FOLDER, LIST)).toBe('');
      const { total, failed } = await checkout.test(FOLDER, TABLE);
      expect(total).toBeGreaterThan(30);
      expect(failed.length).toBeGreaterThan(20);
      expect(failed.filter(({ message }) => !hint.test(message))).toEqual([]);
      for (const { message } of failed) await checkout.read(`${FOLDER}/${hint.exec(message)![1]}`);
      for (const [, named] of failed.flatMap(({ message }) => [...message.matchAll(/\((docs\/[\w/.-]+)\)/g)]))
        expect(existsSync(join(ROOT, named!))).toBe(true);
    },
    5 * MINUTES,
  );

  it(
    'passes once the page is followed to its end',
    async () => {
      const blocks = Object.entries(blocksOf(GUIDE)).map(([path, content]) => [`${FOLDER}/${path}`, content]);
      await checkout.write(Object.fromEntries(blocks) as Record<string, string>);
      expect(await checkout.compile(FOLDER, LIST)).toBe('');
      expect((await checkout.test(FOLDER, TABLE)).failed).toEqual([]);
    },
    5 * MINUTES,
  );

  it.each([
    ['no name', [], 'kebab-case'],
    ['a connector that exists', ['webhook'], 'exists already'],
    ['an option', ['coop', '--ingress', 'poll'], 'new:helpdesk'],
  ])('writes nothing for %s', async (_what, args, why) => {
    const { code, output } = await checkout.node('scripts/new-helpdesk.mjs', ...args);
    expect([code, output]).toEqual([1, expect.stringContaining(why)]);
  });
});

describe('the page', () => {
  it('shows no code that is not tried', () => {
    expect(looseBlocks(GUIDE)).toEqual([]);
  });
});

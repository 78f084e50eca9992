import { chownSync, linkSync, lstatSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { keepingOwner } from './owner.js';

const NOBODY = 65_534;
const ANOTHER = 65_533;
const root = process.getuid?.() === 0;

(root ? describe : describe.skip)(
  `what root makes in a folder of somebody else${root ? '' : ' SKIPPED: not root'}`,
  () => {
    let place: string;
    let folder: string;

    beforeEach(() => {
      place = mkdtempSync(join(tmpdir(), 'owner-'));
      folder = join(place, 'data');
      mkdirSync(folder);
      chownSync(folder, NOBODY, NOBODY);
    });
    afterEach(() => rmSync(place, { recursive: true }));

    /** Makes empty files, and the folders that they are in, in `place`. */
    const make = (...names: string[]) => {
      for (const name of names) {
        mkdirSync(join(place, name, '..'), { recursive: true });
        writeFileSync(join(place, name), '');
      }
    };
    const owners = (...names: string[]) => names.map((name) => lstatSync(join(place, name)).uid);

    it('is given to that one', async () => {
      const giveBack = await keepingOwner(folder);
      make('data/made/file');
      await giveBack();
      expect(owners('data/made', 'data/made/file')).toEqual([NOBODY, NOBODY]);
    });

    it('is all that is: what was root’s before stays so, and what is of others', async () => {
      make('data/key', 'data/kept/archive');
      const giveBack = await keepingOwner(folder);
      make('data/kept/made', 'data/theirs');
      chownSync(join(folder, 'theirs'), ANOTHER, ANOTHER);
      await giveBack();
      expect(owners('data/key', 'data/kept', 'data/kept/archive', 'data/theirs')).toEqual([0, 0, 0, ANOTHER]);
      expect(owners('data/kept/made')).toEqual([NOBODY]);
    });

    it('is not looked for behind links, and a file with a second name elsewhere is none', async () => {
      make('outside/inner/file', 'linked');
      const giveBack = await keepingOwner(folder);
      symlinkSync(join(place, 'outside'), join(folder, 'link'));
      linkSync(join(place, 'linked'), join(folder, 'second-name'));
      await giveBack();
      expect(owners('outside', 'outside/inner', 'outside/inner/file', 'linked')).toEqual([0, 0, 0, 0]);
    });
  },
);

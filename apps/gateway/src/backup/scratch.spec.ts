import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, rm, utimes, writeFile } from 'node:fs/promises';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { FolderLock } from '#database';
import { openScratch } from './scratch.js';

describe('the folder of an unfinished archive', () => {
  let place: string;
  const open = () => openScratch(join(place, 'archive'), (name) => name === 'archive');
  const left = async (name: string): Promise<string> => {
    const folder = join(place, `archive.unfinished-${name}`);
    await mkdir(folder);
    return folder;
  };

  beforeEach(async () => {
    place = await mkdtemp(join(tmpdir(), 'scratch-'));
  });
  afterEach(async () => {
    jest.restoreAllMocks();
    await rm(place, { recursive: true });
  });

  it('is one for each backup, also in one process and at the same time', async () => {
    const both = await Promise.all([open(), open()]);
    expect((await readdir(place)).length).toBe(2);
    for (const { folder, remove } of both) {
      expect(await readdir(folder)).toEqual(['database.lock']);
      await remove();
    }
    expect(await readdir(place)).toEqual([]);
  });

  it('stays where it was just made and has no lock yet', async () => {
    const beginning = await left('beginning');
    await (await open()).remove();
    expect(existsSync(beginning)).toBe(true);
    await utimes(beginning, new Date(0), new Date(0));
    await (await open()).remove();
    expect(existsSync(beginning)).toBe(false);
  });

  it('is removed at once where its lock is that of a dead process', async () => {
    const dead = { pid: 2_000_000_000, host: hostname(), started: 'x' };
    await writeFile(join(await left('dead'), 'database.lock'), JSON.stringify(dead));
    await (await open()).remove();
    expect(await readdir(place)).toEqual([]);
  });

  it('is not what is no folder', async () => {
    await writeFile(join(place, 'archive.unfinished-notes'), 'kept');
    await (await open()).remove();
    expect(await readdir(place)).toEqual(['archive.unfinished-notes']);
  });

  it.each(['ENOENT', 'EACCES', 'EPERM'])('stays where it cannot be taken: %s', async (code) => {
    const folder = await left('old');
    await utimes(folder, new Date(0), new Date(0));
    jest.spyOn(FolderLock, 'acquire').mockRejectedValueOnce(Object.assign(new Error(code), { code }));
    await (await open()).remove();
    expect(await readdir(place)).toEqual(['archive.unfinished-old']);
  });
});

import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { mkdir, readdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { removeFolder, temporaryFolder } from '../testing/temporary.js';
import { checkpointsAreHeld } from './checkpoint-hold.js';
import { copyRunningFolder } from './copy-running.js';

const MEBIBYTE = 1024 * 1024;
const SEGMENT = join('pg_wal', '000000010000000000000001');
const DATA = ['base/1', 'base/2', 'base/3'].map((folder) => join(folder, 'data'));

describe('copying a database folder that is written to', () => {
  let from: string;
  let to: string;
  let writing: Promise<void>;
  let over = false;
  let written = 0;

  beforeEach(async () => {
    [from, to] = [await temporaryFolder(), await temporaryFolder()];
    for (const folder of ['global', 'pg_wal', 'base/1', 'base/2', 'base/3'])
      await mkdir(join(from, 'postgres', folder), { recursive: true });
    for (let n = 0; n < 24; n += 1)
      await writeFile(join(from, 'postgres', 'base', String(1 + (n % 3)), `large-${n}`), Buffer.alloc(MEBIBYTE, n));
    await writeFile(join(from, 'postgres', 'global', 'pg_control'), 'checkpoint 1');
    over = false;
    written = 0;
  });
  afterEach(async () => {
    over = true;
    await writing;
    await Promise.all([from, to].map(removeFolder));
  });

  /** Writes numbers as Postgres writes pages: first to the log, then to the files that it tells of. */
  async function write(each: (n: number) => Promise<unknown>): Promise<void> {
    for (; !over; written += 1) {
      for (const path of [SEGMENT, ...DATA]) {
        await writeFile(join(from, 'postgres', `${path}.new`), String(written));
        await rename(join(from, 'postgres', `${path}.new`), join(from, 'postgres', path));
      }
      await each(written);
    }
  }

  async function started(each: (n: number) => Promise<unknown> = async () => undefined): Promise<void> {
    writing = write(each);
    while (written < 2) await new Promise((resolve) => setTimeout(resolve, 5));
  }

  const copied = async (path: string): Promise<number> => Number(await readFile(join(to, 'postgres', path), 'utf8'));

  it('takes no page whose log it does not take', async () => {
    await started();
    const before = written;
    await copyRunningFolder(from, to);
    const log = await copied(SEGMENT);
    for (const path of DATA) expect(await copied(path)).toBeLessThanOrEqual(log);
    expect(log).toBeGreaterThanOrEqual(before - 1);
  });

  it('begins anew where a checkpoint ended meanwhile, asks for none, and takes the request back', async () => {
    let last = 0;
    const held: boolean[] = [];
    await started(async (n) => {
      held.push(checkpointsAreHeld(from));
      if (last > 0 || !held.at(-1)) return;
      await writeFile(join(from, 'postgres', 'global', 'pg_control'), 'checkpoint 2');
      last = n;
    });
    await copyRunningFolder(from, to);
    expect(held).toContain(true);
    expect(await readFile(join(to, 'postgres', 'global', 'pg_control'), 'utf8')).toBe('checkpoint 2');
    for (const path of [SEGMENT, ...DATA]) expect(await copied(path)).toBeGreaterThanOrEqual(last);
    expect(await readdir(from)).toEqual(['postgres']);
  });
});

import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync, utimesSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { DataFolderBusy } from '../errors.js';
import { removeFolder, temporaryFolder } from '../testing/temporary.js';
import { FolderLock } from './folder-lock.js';
import { ownIdentity } from './process-identity.js';

describe('the lock of a data folder', () => {
  let folder: string;
  let path: string;

  beforeEach(async () => {
    folder = await temporaryFolder();
    path = join(folder, 'database.lock');
  });

  afterEach(() => removeFolder(folder));

  const leave = (owner: object): void => writeFileSync(path, JSON.stringify({ ...owner, token: 'theirs' }));

  it('refuses a second owner, names the first, and is free again after a release', async () => {
    const lock = await FolderLock.acquire(folder);
    const refusal = FolderLock.acquire(folder);
    await expect(refusal).rejects.toBeInstanceOf(DataFolderBusy);
    await expect(refusal).rejects.toThrow(`process ${process.pid} on ${hostname()}`);
    lock.release();
    expect(existsSync(path)).toBe(false);
    (await FolderLock.acquire(folder)).release();
  });

  it('is taken over from a process that is dead', async () => {
    const child = spawn(process.execPath, ['-e', '']);
    const pid = child.pid;
    await once(child, 'exit');
    leave({ ...ownIdentity(), pid });
    (await FolderLock.acquire(folder)).release();
  });

  it('is taken over when the pid is alive but belongs to another process now', async () => {
    leave({ ...ownIdentity(), started: 'another boot/1' });
    (await FolderLock.acquire(folder)).release();
  });

  it('is not taken over from another host until it has long been untouched', async () => {
    leave({ pid: 2_000_000_000, host: 'another-host', started: '' });
    await expect(FolderLock.acquire(folder)).rejects.toThrow('process 2000000000 on another-host');
    const old = new Date(Date.now() - 120_000);
    utimesSync(path, old, old);
    (await FolderLock.acquire(folder)).release();
  });

  it.each(['', '{"pid":', '[]', '{"pid":"x"}'])(
    'is taken over when its owner died while writing it: %j',
    async (content) => {
      writeFileSync(path, content);
      (await FolderLock.acquire(folder)).release();
    },
  );

  it('is taken over though a process died while taking it over', async () => {
    leave({ ...ownIdentity(), started: 'another boot/1' });
    const right = `${path}.takeover`;
    writeFileSync(right, '1');
    const old = new Date(Date.now() - 60_000);
    utimesSync(right, old, old);
    (await FolderLock.acquire(folder)).release();
    expect(existsSync(right)).toBe(false);
  });

  it('goes to exactly one of many that find it stale at once', async () => {
    leave({ ...ownIdentity(), started: 'another boot/1' });
    const tries = await Promise.allSettled(Array.from({ length: 20 }, () => FolderLock.acquire(folder)));
    const taken = tries.flatMap((attempt) => (attempt.status === 'fulfilled' ? [attempt.value] : []));
    expect(taken).toHaveLength(1);
    taken[0]?.release();
  });

  it('leaves a lock alone that is not its own any more', async () => {
    const lock = await FolderLock.acquire(folder);
    leave({ ...ownIdentity() });
    lock.release();
    expect(readFileSync(path, 'utf8')).toContain('theirs');
  });
});

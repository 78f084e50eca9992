import { mkdir, readdir, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { DataFolderBusy, FolderLock } from '#database';

const UNFINISHED = /\.unfinished-[^/]*$/;

/** A folder beside an archive for what is unfinished. */
export interface Scratch {
  readonly folder: string;
  remove(): Promise<void>;
}

/** Makes a folder beside `path`. What backups that were killed left beside it is removed: `mine` says which archives are meant. */
export async function openScratch(path: string, mine: (archive: string) => boolean): Promise<Scratch> {
  const parent = dirname(path);
  await mkdir(parent, { recursive: true, mode: 0o700 });
  for (const name of await readdir(parent))
    if (UNFINISHED.test(name) && mine(name.replace(UNFINISHED, ''))) await removeAbandoned(join(parent, name));
  const folder = join(parent, `${basename(path)}.unfinished-${process.pid}`);
  await mkdir(folder, { mode: 0o700 });
  const lock = await FolderLock.acquire(folder);
  return {
    folder,
    async remove() {
      lock.release();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** One that is at work, or is somebody else's, stays. */
async function removeAbandoned(folder: string): Promise<void> {
  try {
    const lock = await FolderLock.acquire(folder);
    await rm(folder, { recursive: true, force: true });
    lock.release();
  } catch (error) {
    if (!(error instanceof DataFolderBusy || (error as NodeJS.ErrnoException).code === 'EACCES')) throw error;
  }
}

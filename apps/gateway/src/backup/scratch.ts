import { mkdir, mkdtemp, readdir, rm, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { DataFolderBusy, FolderLock } from '#database';

const UNFINISHED = /\.unfinished-[^/]*$/;
/** Between the making of a folder and that of its lock there is far less than this. */
const UNLOCKED_MS = 60_000;
/** What is gone, is no folder, or is somebody else's. */
const NOT_OURS = ['ENOENT', 'ENOTDIR', 'EACCES', 'EPERM'];

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
  const folder = await mkdtemp(join(parent, `${basename(path)}.unfinished-`));
  const lock = await FolderLock.acquire(folder);
  return {
    folder,
    async remove() {
      lock.release();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** One that is at work, or about to begin or end, or is not ours, stays. */
async function removeAbandoned(folder: string): Promise<void> {
  try {
    if (await isChanging(folder)) return;
    const lock = await FolderLock.acquire(folder);
    await rm(folder, { recursive: true, force: true }).finally(() => lock.release());
  } catch (error) {
    if (!(error instanceof DataFolderBusy || NOT_OURS.includes((error as NodeJS.ErrnoException).code ?? '')))
      throw error;
  }
}

/** Has it no lock yet, or no longer, because it is just being made or removed? */
async function isChanging(folder: string): Promise<boolean> {
  if ((await readdir(folder)).some((name) => name.endsWith('.lock'))) return false;
  return Date.now() - (await stat(folder)).mtimeMs < UNLOCKED_MS;
}

import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { emptyFolder, removeFolder } from '../support/index.js';

/** A small file system of its own, in memory. */
export interface SmallDisk {
  readonly folder: string;
  remove(): Promise<void>;
}

/** What a user needs for one. */
export const NEEDED = 'the right to mount (root), sudo without a password, or user namespaces';

/** Null where this user can have none by any way. `size` as mount takes it. */
export async function smallDisk(size: string): Promise<SmallDisk | null> {
  return (await mounted([], size)) ?? (await mounted(['sudo', '-n'], size)) ?? (await namespaced(size));
}

async function mounted(by: readonly string[], size: string): Promise<SmallDisk | null> {
  const folder = await emptyFolder();
  const run = (...words: string[]): void => {
    const [file, ...rest] = [...by, ...words];
    execFileSync(file!, rest, { stdio: 'ignore' });
  };
  try {
    run('mount', '-t', 'tmpfs', '-o', `size=${size}`, 'tributary-test', folder);
  } catch {
    await removeFolder(folder);
    return null;
  }
  return {
    folder,
    async remove() {
      run('umount', '-l', folder);
      await removeFolder(folder);
    },
  };
}

/** Whoever may not mount may do so in a namespace; a process that lives there lets others in. It ends with this one. */
async function namespaced(size: string): Promise<SmallDisk | null> {
  const place = await emptyFolder();
  const mount = `mount -t tmpfs -o size=${size} tributary-test "$0" && echo ready && exec cat`;
  const words = ['--user', '--map-root-user', '--mount', 'sh', '-c', mount, place];
  const holder = spawn('unshare', words, { stdio: ['pipe', 'pipe', 'ignore'] });
  const ended = new Promise<void>((done) => holder.once('close', () => done()).once('error', () => done()));
  const remove = async (): Promise<void> => {
    holder.stdin.end();
    await ended;
    await removeFolder(place);
  };
  const ready = await Promise.race([once(holder.stdout, 'data'), ended]);
  if (ready) return { folder: `/proc/${holder.pid}/root${place}`, remove };
  await remove();
  return null;
}

import { existsSync, type Stats } from 'node:fs';
import { lchown, lstat, readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';

/**
 * Where root works on a folder of somebody else, the folders and files that root makes in it are given to that one: the gateway runs as the owner and could
 * not use them otherwise. What was root's before stays so, and so does everything behind a link, or with a second name, which may be anywhere.
 * To be called before the work; what it returns, after it.
 */
export async function keepingOwner(folder: string): Promise<() => Promise<void>> {
  if (process.getuid?.() !== 0 || !existsSync(folder)) return async () => undefined;
  const { uid, gid } = await stat(folder);
  if (uid === 0) return async () => undefined;
  const before = await ofRoot(folder);
  return async () => {
    for (const [path, found] of await ofRoot(folder))
      if (!before.has(path) && (found.isDirectory() || (found.isFile() && found.nlink === 1)))
        await lchown(path, uid, gid);
  };
}

/** What root owns in a folder, what is deepest first: nobody else can exchange what lies in a folder that is still root's. */
async function ofRoot(folder: string): Promise<ReadonlyMap<string, Stats>> {
  const found = new Map<string, Stats>();
  const entries = await readdir(folder, { recursive: true, withFileTypes: true }); // without types it goes into links
  for (const { parentPath, name } of entries.reverse()) {
    const path = join(parentPath, name);
    const stats = await lstat(path);
    if (stats.uid === 0) found.set(path, stats);
  }
  return found;
}

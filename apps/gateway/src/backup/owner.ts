import { existsSync } from 'node:fs';
import { lchown, lstat, readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';

/**
 * Where root works on a folder of somebody else, what root makes there is given to that one: the gateway runs as the owner and could not use it otherwise.
 * To be called before the work; what it returns, after it.
 */
export async function keepingOwner(folder: string): Promise<() => Promise<void>> {
  if (process.getuid?.() !== 0 || !existsSync(folder)) return async () => undefined;
  const { uid, gid } = await stat(folder);
  return async () => {
    if (uid === 0) return;
    for (const name of await readdir(folder, { recursive: true })) {
      const path = join(folder, name);
      if ((await lstat(path)).uid === 0) await lchown(path, uid, gid);
    }
  };
}

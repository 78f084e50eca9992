import { fork } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { chmod, readdir, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { entry } from './entry.js';
import { syncFolder } from './on-disk.js';

/** Name of the folder of the database files. */
export const CLUSTER_FOLDER = 'postgres';
const UNFINISHED = 'postgres.new-';

/**
 * The folder of the database files in `dataDir`, made where it is missing. Whenever the process is killed, the next call finds either no
 * database or a whole one: it is made beside its place and renamed into it at the end. The caller holds the lock of `dataDir`.
 */
export async function ensureCluster(dataDir: string, log: (message: string) => void): Promise<string> {
  await removeUnfinished(dataDir);
  const folder = join(dataDir, CLUSTER_FOLDER);
  if (await exists(join(folder, 'PG_VERSION'))) return folder;
  log(`creating the embedded database in ${folder}`);
  const unfinished = join(dataDir, `${UNFINISHED}${randomUUID()}`);
  await createCluster(unfinished);
  await rename(unfinished, folder);
  await syncFolder(dataDir);
  return folder;
}

/** Makes a database in `folder`, which must not exist yet, in a process of its own. It is on the disk when this resolves. */
export async function createCluster(folder: string): Promise<void> {
  const { file, execArgv } = entry('create');
  const child = fork(file, [folder], { execArgv, stdio: ['ignore', 'ignore', 'pipe', 'ipc'] });
  let complaint = '';
  child.stderr?.on('data', (text: Buffer) => (complaint = (complaint + text.toString()).slice(-2_000)));
  const code = await new Promise<number | null>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', resolve);
  });
  if (code !== 0)
    throw new Error(
      `the embedded database could not be created in ${folder}: ${complaint.trim() || `exit code ${code}`}`,
    );
  await chmod(folder, 0o700);
}

/** What a killed start left behind. Its child may still be at work there and ends by itself, so what cannot be removed now goes next time. */
async function removeUnfinished(dataDir: string): Promise<void> {
  for (const name of await readdir(dataDir))
    if (name.startsWith(UNFINISHED))
      await rm(join(dataDir, name), { recursive: true, force: true }).catch(() => undefined);
}

function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}

import { constants } from 'node:fs';
import { copyFile, mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { holdCheckpoints } from './checkpoint-hold.js';
import { CLUSTER_FOLDER } from './cluster.js';

const CONTROL = join('global', 'pg_control');
const LOG = 'pg_wal';
const ATTEMPTS = 20;
const PAUSE_MS = 250;

/**
 * Copies the embedded database in `dataDir` to a new data folder, while another process may be writing to it and does not wait. What is copied opens as after a
 * kill, with everything that was committed before the call.
 *
 * Files change while they are copied, which is what the log is for: since the last checkpoint it holds every page that changed, whole, and a page is written
 * only after the log that tells of it. So the log is copied last, and all of it is still there as long as no other checkpoint ended meanwhile: then the
 * control file is the same before and after, else everything is copied again. It is the way of pg_basebackup.
 * https://www.postgresql.org/docs/current/continuous-archiving.html#BACKUP-LOWLEVEL-BASE-BACKUP
 */
export async function copyRunningFolder(dataDir: string, to: string): Promise<void> {
  const from = join(dataDir, CLUSTER_FOLDER);
  const target = join(to, CLUSTER_FOLDER);
  const release = holdCheckpoints(dataDir);
  try {
    for (let attempt = 1; ; attempt++) {
      const control = await readFile(join(from, CONTROL));
      await copyTree(from, target, (path) => path !== LOG);
      await copyTree(join(from, LOG), join(target, LOG), () => true);
      await writeFile(join(target, CONTROL), control);
      if (control.equals(await readFile(join(from, CONTROL)))) return;
      if (attempt === ATTEMPTS) throw new Error(`${from} is changed all the time: it could not be copied`);
      await rm(target, { recursive: true });
      await delay(PAUSE_MS);
    }
  } finally {
    release();
  }
}

/** Files that go away meanwhile are left out: the log tells that they went. */
async function copyTree(from: string, to: string, wanted: (name: string) => boolean): Promise<void> {
  await mkdir(to, { mode: 0o700 });
  for (const item of await readdir(from, { withFileTypes: true })) {
    if (item.isDirectory() && !wanted(item.name)) continue;
    const [source, target] = [join(from, item.name), join(to, item.name)];
    if (item.isDirectory()) await copyTree(source, target, () => true);
    else if (item.isFile()) await copyFile(source, target, constants.COPYFILE_FICLONE).catch(unlessGone);
  }
}

function unlessGone(error: NodeJS.ErrnoException): void {
  if (error.code !== 'ENOENT') throw error;
}

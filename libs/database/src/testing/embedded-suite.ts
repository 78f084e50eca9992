import { randomUUID } from 'node:crypto';
import { constants, existsSync } from 'node:fs';
import { cp, rename } from 'node:fs/promises';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { createCluster } from '../embedded/cluster.js';
import { pgliteVersion } from '../embedded/seed.js';
import { removeFolder, temporaryDatabase, temporaryFolder, type TemporaryDatabase } from './temporary.js';

/** An embedded database in a temporary folder. */
export function temporaryEmbedded(): TemporaryDatabase {
  return temporaryDatabase(async () => {
    const dataDir = await seededDataDir();
    return { place: { dataDir }, remove: () => removeFolder(dataDir) };
  });
}

/** A data folder with an empty database in it: a copy, because making one takes seconds. */
export async function seededDataDir(): Promise<string> {
  const folder = await temporaryFolder();
  await cp(await seed(), join(folder, 'postgres'), { recursive: true, mode: constants.COPYFILE_FICLONE });
  return folder;
}

/** Made once per version of PGlite and user, kept in the system's temporary folder, renamed into place when it is whole. */
async function seed(): Promise<string> {
  const place = join(tmpdir(), `tributary-seed-${pgliteVersion()}-${userInfo().uid}`);
  if (existsSync(place)) return place;
  const unfinished = `${place}-${randomUUID()}`;
  await createCluster(unfinished);
  await rename(unfinished, place).catch(async (error: unknown) => {
    await removeFolder(unfinished);
    if (!existsSync(place)) throw error;
  });
  return place;
}

import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gunzipSync, gzipSync } from 'node:zlib';
import { buffer } from 'node:stream/consumers';
import { openDatabase } from '../open.js';
import { seededDataDir } from '../testing/embedded-suite.js';
import { removeFolder, temporaryFolder } from '../testing/temporary.js';
import { packFolder, pgliteVersion, seedFile, unpackSeed } from './seed.js';

describe('a prepared database', () => {
  let folder: string;
  let seed: string;

  beforeAll(async () => {
    folder = await temporaryFolder();
    seed = join(folder, 'seed.tar.gz');
    const made = await seededDataDir();
    await writeFile(seed, gzipSync(await buffer(packFolder(join(made, 'postgres'))), { level: 1 }));
    await removeFolder(made);
  });
  afterAll(() => removeFolder(folder));

  it('opens once it is unpacked, and is readable by its owner only', async () => {
    const dataDir = join(folder, 'data');
    await mkdir(dataDir);
    expect(await unpackSeed(join(dataDir, 'postgres'), seed)).toBe(true);
    expect(statSync(join(dataDir, 'postgres')).mode & 0o077).toBe(0);
    expect(statSync(join(dataDir, 'postgres', 'PG_VERSION')).mode & 0o077).toBe(0);
    const database = await openDatabase({ dataDir, entities: [], migrations: [] });
    expect(await database.query('select 1 as one')).toEqual([{ one: 1 }]);
    await database.close();
  });

  it('that is damaged or cut off is refused', async () => {
    const whole = readFileSync(seed);
    const cut = join(folder, 'cut.tar.gz');
    writeFileSync(cut, whole.subarray(0, whole.length / 2));
    await expect(unpackSeed(join(folder, 'from-cut'), cut)).rejects.toThrow();
    const short = join(folder, 'short.tar.gz');
    writeFileSync(short, gzipSync(gunzipSync(whole).subarray(0, 1_000_000), { level: 1 }));
    await expect(unpackSeed(join(folder, 'from-short'), short)).rejects.toThrow('too early');
  });

  it('that is not there is no error', async () => {
    expect(await unpackSeed(join(folder, 'nothing'), join(folder, 'no-seed'))).toBe(false);
    expect(seedFile()).toContain(pgliteVersion());
  });
});

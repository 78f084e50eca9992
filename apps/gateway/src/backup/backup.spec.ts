import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, readdir, readFile, rm, truncate, utimes, writeFile } from 'node:fs/promises';
import { hostname, tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { LocalFileStore, storageKey } from '#conversations';
import { FolderLock, type DatabasePlace } from '#database';
import { temporaryEmbedded } from '#database/testing';
import { newId } from '#normalizer';
import { verify } from './archive.js';
import { backUp } from './backup.js';
import { restore } from './restore.js';

class Files1700000000001 {
  name = 'Files1700000000001';
  async up(runner: { query(text: string): Promise<unknown> }): Promise<void> {
    await runner.query('create table file (storage_key text, bytes bigint, sha256 text, state text)');
  }
  async down(): Promise<void> {}
}

const CONTENT = 'what was received';

describe('backing up', () => {
  let folder: string;
  let database: DatabasePlace;
  let files: LocalFileStore;
  const source = temporaryEmbedded();
  const key = { whole: '', gone: '', empty: '', cut: '', changed: '' };

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'backup-'));
    database = (await source.place()) as DatabasePlace;
    const opened = await source.open({ entities: [], migrations: [Files1700000000001] });
    files = new LocalFileStore(join(folder, 'files'));
    const sha256 = createHash('sha256').update(CONTENT).digest('hex');
    for (const name of Object.keys(key) as (keyof typeof key)[]) {
      key[name] = storageKey(newId('fil'));
      await opened.query(`insert into file values ($1, $2, $3, 'ready')`, [key[name], CONTENT.length, sha256]);
      await mkdir(dirname(at(key[name])), { recursive: true });
      await writeFile(at(key[name]), CONTENT);
    }
    await opened.close();
    await rm(at(key.gone));
    await truncate(at(key.empty), 0);
    await truncate(at(key.cut), 5);
    await writeFile(at(key.changed), CONTENT.toUpperCase());
  });
  afterAll(async () => {
    await source.drop();
    await rm(folder, { recursive: true });
  });

  const at = (name: string): string => join(folder, 'files', name);
  const backup = (target: string) => backUp({ database, files, target, version: '0.1.0' });

  it('tells which files are gone or damaged, and has all others in an archive that can be restored', async () => {
    const { path, manifest } = await backup(join(folder, 'damaged.tar.gz'));
    expect(manifest.files).toMatchObject({ missing: [key.gone], count: 2 });
    expect(new Set(manifest.files.damaged)).toEqual(new Set([key.empty, key.cut, key.changed]));
    const target = temporaryEmbedded();
    const restored = new LocalFileStore(join(folder, 'restored'));
    await restore({ archive: path, database: (await target.place()) as DatabasePlace, files: restored, migrations: [Files1700000000001] }); // prettier-ignore
    const there = await readdir(join(folder, 'restored'), { recursive: true });
    expect(there.filter((name) => name.includes('fil_'))).toEqual([key.whole]);
    expect(await readFile(join(folder, 'restored', key.whole), 'utf8')).toBe(CONTENT);
    await target.drop();
  });

  it('clears what killed backups left at the same place, and nothing that another one is making', async () => {
    const place = join(folder, 'archives');
    const dead = { pid: 2_000_000_000, host: hostname(), started: 'x' };
    const leave = async (name: string, lock = JSON.stringify(dead)): Promise<string> => {
      await mkdir(join(place, name), { recursive: true });
      await writeFile(join(place, name, 'archive'), 'half of it');
      if (lock) await writeFile(join(place, name, 'database.lock'), lock);
      await utimes(join(place, name), new Date(0), new Date(0));
      return join(place, name);
    };
    await leave('tributary-2026-11-22T05-01-00Z.tar.gz.unfinished-2000000000');
    await leave('tributary-2026-11-23T05-01-00Z.tar.gz.unfinished-7', '');
    const working = await leave('tributary-2026-11-24T05-01-00Z.tar.gz.unfinished-8', '');
    const lock = await FolderLock.acquire(working);
    await leave('mine.tar.gz.unfinished-2000000000');
    const { path } = await backup(place);
    expect((await verify(path)).files.count).toBe(2);
    expect((await readdir(place)).filter((name) => name.includes('unfinished')).sort()).toEqual([
      'mine.tar.gz.unfinished-2000000000',
      'tributary-2026-11-24T05-01-00Z.tar.gz.unfinished-8',
    ]);
    await backup(join(place, 'mine.tar.gz'));
    expect((await readdir(place)).filter((name) => name.startsWith('mine'))).toEqual(['mine.tar.gz']);
    lock.release();
  });
});

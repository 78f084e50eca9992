import { createWriteStream, existsSync } from 'node:fs';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGzip } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { LocalFileStore, spool, storageKey } from '#conversations';
import { tarEnd, type DatabasePlace } from '#database';
import { temporaryEmbedded } from '#database/testing';
import { newId } from '#normalizer';
import { Recorder } from './archive.js';
import { fileName, MANIFEST, pieceName, type Manifest } from './manifest.js';
import { restore } from './restore.js';

class Notes1700000000001 {
  name = 'Notes1700000000001';
  async up(runner: { query(text: string): Promise<unknown> }): Promise<void> {
    await runner.query('create table note (id text primary key)');
  }
  async down(): Promise<void> {}
}

class Later1800000000001 {
  name = 'Later1800000000001';
  async up(runner: { query(text: string): Promise<unknown> }): Promise<void> {
    await runner.query(`alter table note add column kind text default 'plain'`);
  }
  async down(): Promise<void> {}
}

describe('restoring', () => {
  let folder: string;
  let place: DatabasePlace;
  const embedded = temporaryEmbedded();
  const [mine, fresh] = [storageKey(newId('fil')), storageKey(newId('fil'))];

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'restore-'));
    place = (await embedded.place()) as DatabasePlace;
  });
  afterAll(async () => {
    await embedded.drop();
    await rm(folder, { recursive: true });
  });

  /** An archive of one table and two files, with a manifest that says what it is told. */
  async function archive(about: Partial<Manifest>): Promise<string> {
    const path = join(folder, 'archive.tar.gz');
    const recorder = new Recorder();
    async function* content(): AsyncGenerator<Buffer> {
      yield* recorder.whole(pieceName('note', 1), Buffer.from('one\ntwo\n'));
      for (const key of [mine, fresh]) yield* recorder.whole(fileName(key), Buffer.from('from the archive'));
      const manifest: Manifest = {
        ...{
          product: 'tributary',
          format: 1,
          version: '0.1.0',
          startedAt: new Date().toISOString(),
          database: 'postgres',
        },
        ...{ migrations: ['Notes1700000000001'], tables: [{ name: 'note', columns: ['id'], rows: 2 }], sequences: [] },
        ...{
          files: { store: 'dir', count: 2, bytes: 32, missing: [], damaged: [] },
          secretKey: false,
          entries: recorder.entries,
          ...about,
        },
      };
      yield* new Recorder().whole(MANIFEST, Buffer.from(JSON.stringify(manifest)));
      yield tarEnd();
    }
    await pipeline(content(), createGzip(), createWriteStream(path));
    return path;
  }

  const into = async (about: Partial<Manifest>, database = place, migrations: (typeof Notes1700000000001)[] = [Notes1700000000001]) =>
    restore({ archive: await archive(about), database, files: new LocalFileStore(join(folder, 'files')), migrations }); // prettier-ignore

  it('that fails leaves the files that were there, and none that were not', async () => {
    const store = new LocalFileStore(join(folder, 'files'));
    const spooled = await spool(Readable.from([Buffer.from('was here')]), store.incoming, 100);
    await store.put(mine, spooled.path);
    await expect(into({ tables: [{ name: 'note', columns: ['id'], rows: 3 }] })).rejects.toThrow(
      '2 rows in place of 3',
    );
    await expect(into({ sequences: [{ name: 'unknown', value: '1', called: true }] })).rejects.toThrow('no sequence');
    expect((await readFile(join(folder, 'files', mine))).toString()).toBe('was here');
    const left = await readdir(join(folder, 'files'), { recursive: true });
    expect(left.filter((name) => name.includes('fil_'))).toEqual([mine]);
  });

  it('refuses an archive of a newer version or of another kind', async () => {
    await expect(into({ migrations: ['Notes1700000000001', 'Later1800000000001'] })).rejects.toThrow('newer version');
    await expect(into({ format: 2 as 1 })).rejects.toThrow('not a backup of format 1');
    await writeFile(join(folder, 'empty'), '');
    const options = { database: place, files: new LocalFileStore(join(folder, 'files')), migrations: [] };
    await expect(restore({ ...options, archive: join(folder, 'empty') })).rejects.toThrow('damaged or not whole');
  });

  it('refuses tables that are not those of the archive, and a database that a newer version has set up', async () => {
    const other = into({ tables: [{ name: 'note', columns: ['id', 'text'], rows: 2 }] });
    await expect(other).rejects.toThrow('whose table note has other columns (id, text; here: id)');
    const unknown = into({ tables: [{ name: 'memo', columns: ['id'], rows: 2 }] });
    await expect(unknown).rejects.toThrow('here: no such table');
    const newer = temporaryEmbedded();
    await (await newer.open({ entities: [], migrations: [Notes1700000000001, Later1800000000001] })).close();
    const older = into({}, (await newer.place()) as DatabasePlace);
    await expect(older).rejects.toThrow('set up by a newer version than that of the backup (0.1.0)');
    await newer.drop();
  });

  it('refuses a database that has rows before it changes anything of it', async () => {
    const older = temporaryEmbedded();
    const before = await older.open({ entities: [], migrations: [Notes1700000000001] });
    await before.query(`insert into note values ('mine')`);
    await before.close();
    const migrations = [Notes1700000000001, Later1800000000001];
    const tables = [{ name: 'note', columns: ['id', 'kind'], rows: 2 }];
    const names = migrations.map(({ name }) => name);
    const restored = into({ migrations: names, tables }, (await older.place()) as DatabasePlace, migrations);
    await expect(restored).rejects.toThrow('the table "note" has rows already');
    const after = await older.open({ entities: [], migrations: [] });
    expect(await after.query('select * from note')).toEqual([{ id: 'mine' }]);
    expect(await after.query('select name from migration')).toEqual([{ name: Notes1700000000001.name }]);
    await after.close();
    await older.drop();
  });

  it('leaves out what was damaged already when it was backed up', async () => {
    const files = { store: 'dir' as const, count: 2, bytes: 32, missing: [], damaged: [fresh] };
    const target = temporaryEmbedded();
    await into({ files }, (await target.place()) as DatabasePlace);
    expect(existsSync(join(folder, 'files', fresh))).toBe(false);
    await target.drop();
  });

  it('fills the database and the store once it succeeds, also after failures; damaged files are replaced, and what is older is brought up to date by the next start', async () => {
    const migrations = [Notes1700000000001, Later1800000000001];
    expect((await into({}, place, migrations)).manifest.tables).toEqual([{ name: 'note', columns: ['id'], rows: 2 }]);
    expect((await readFile(join(folder, 'files', fresh))).toString()).toBe('from the archive');
    expect((await readFile(join(folder, 'files', mine))).toString()).toBe('from the archive');
    const database = await embedded.open({ entities: [], migrations });
    const notes = ['one', 'two'].map((id) => ({ id, kind: 'plain' }));
    expect(await database.query('select id, kind from note order by id')).toEqual(notes);
  });
});

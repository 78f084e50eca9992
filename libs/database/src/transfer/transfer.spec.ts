import { afterAll, afterEach, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { statSync } from 'node:fs';
import { readdir, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { type MigrationInterface, type QueryRunner } from 'typeorm';
import { checkpointsAreHeld, holdCheckpoints } from '../embedded/checkpoint-hold.js';
import { type Database } from '../database.js';
import { openDatabase } from '../open.js';
import { startTypeScript, type TypeScriptProcess } from '../testing/child.js';
import { seededDataDir } from '../testing/embedded-suite.js';
import { describeOnPostgres, postgresMissing, temporaryPostgres } from '../testing/index.js';
import { removeFolder, temporaryFolder } from '../testing/temporary.js';
import { type DatabasePlace } from './alone.js';
import { fill, NotEmpty } from './fill.js';
import { openSnapshot } from './snapshot.js';

jest.setTimeout(180_000);

class Tables1700000000001 implements MigrationInterface {
  name = 'Tables1700000000001';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      create table "Odd Name" (id bigint generated always as identity primary key, refers text, "a column" text, body jsonb, list text[],
        large bigint, at timestamptz, ok boolean, double float8, twice int generated always as (length("a column")) stored);
      create table later (id text primary key);
      create table a_first (id text references later (id));
      create table many (n bigint, filler text);`);
  }

  async down(): Promise<void> {}
}

const options = { entities: [], migrations: [Tables1700000000001] };
const STORED = `select "a column" as text, body::text as body, list, large::text as large, at::text as at, ok, double::text as double, twice
  from "Odd Name" order by id`;

async function populate(place: DatabasePlace): Promise<unknown[]> {
  const database = await openDatabase({ ...options, ...place });
  const add = `insert into "Odd Name" ("a column", body, list, large, at, ok, double) values ($1, $2, $3, $4, $5, $6, $7)`;
  await database.query(add, ['tab\t newline\n return\r back\\slash \\N \\. 字🙂', 'null', ['a', null, 'NULL', '', '{"x"}'], '9223372036854775807', 'infinity', true, 'NaN']); // prettier-ignore
  await database.query(add, [null, null, null, null, '2026-11-22 05:06:07.123456+00', null, '0.1']);
  await database.query(add, ['', '{"b": [1, null], "a": "\\u0001"}', [], '-1', null, false, '1e-300']);
  await database.query(add, ['x'.repeat(3_000_000), JSON.stringify({ text: '字'.repeat(500_000) }), null, 0, null, null, null]); // prettier-ignore
  await database.query(`delete from "Odd Name" where large = -1`);
  await database.query(`insert into later values ('one'); insert into a_first values ('one'), (null)`);
  await database.query(`insert into many select n, repeat(md5(n::text), 4) from generate_series(1, 20000) as n`);
  const stored = await database.query(STORED);
  await database.close();
  return stored;
}

/** Everything from one database into the other, in as many pieces as it comes in. */
async function move(from: DatabasePlace, to: Database, scratch: string): Promise<number> {
  const snapshot = await openSnapshot(from, scratch);
  let pieces = 0;
  try {
    await fill(to, async (database) => {
      expect(database.migrations).toEqual(snapshot.migrations);
      for (const table of snapshot.tables)
        for await (const { bytes, rows } of snapshot.rows(table)) {
          expect(await database.load(table, bytes)).toBe(rows);
          pieces += 1;
        }
      for (const sequence of snapshot.sequences) await database.setSequence(sequence);
    });
  } finally {
    await snapshot.close();
  }
  return pieces;
}

describe('moving everything from one database to another', () => {
  let scratch: string;
  const remove: (() => Promise<void>)[] = [];

  beforeAll(async () => (scratch = await temporaryFolder()));
  afterAll(() => removeFolder(scratch));
  afterEach(async () => {
    for (const undo of remove.splice(0)) await undo();
    expect(await readdir(scratch)).toEqual([]);
  });

  const places: Record<string, () => Promise<DatabasePlace>> = {
    async embedded() {
      const dataDir = await seededDataDir();
      remove.push(() => removeFolder(dataDir));
      return { dataDir };
    },
    async postgres() {
      const made = temporaryPostgres();
      remove.push(() => made.drop());
      return (await made.place()) as DatabasePlace;
    },
  };
  const kinds = postgresMissing() === undefined ? ['embedded', 'postgres'] : ['embedded'];

  it.each(kinds.map((from, index) => [from, kinds.at(index - 1)!] as const))(
    'keeps every value and where sequences stand: from %s to %s',
    async (from, to) => {
      const [source, target] = [await places[from]!(), await places[to]!()];
      const stored = await populate(source);
      const database = await openDatabase({ ...options, ...target });
      expect(await move(source, database, scratch)).toBeGreaterThan(6);
      expect(await database.query(STORED)).toEqual(stored);
      expect(
        await database.query('select count(*), sum(n)::int8 as sum, count(distinct filler) as fillers from many'),
      ).toEqual([{ count: 20_000, sum: 200_010_000, fillers: 20_000 }]);
      expect(await database.query('select id from a_first order by id')).toEqual([{ id: 'one' }, { id: null }]);
      const [next] = await database.query<{ id: number }>('insert into "Odd Name" (ok) values (true) returning id');
      expect(next!.id).toBeGreaterThan(4);
      await database.close();
    },
  );

  it('fills nothing but an empty database, and leaves one empty where it fails', async () => {
    const target = await openDatabase({ ...options, ...(await places['embedded']!()) });
    const later = { name: 'later', columns: ['id'] };
    const broken = fill(target, async (database) => {
      await database.load(later, Buffer.from('one\n'));
      throw new Error('the archive ends');
    });
    await expect(broken).rejects.toThrow('the archive ends');
    await expect(fill(target, (database) => database.load(later, Buffer.from('one\ttoo many\n')))).rejects.toThrow('extra data'); // prettier-ignore
    expect(await fill(target, (database) => database.load(later, Buffer.from('one\ntwo\n')))).toBe(2);
    await expect(fill(target, async () => undefined)).rejects.toBeInstanceOf(NotEmpty);
    await target.close();
  });
});

const WRITER = new URL('../testing/write-forever.child.ts', import.meta.url);

describe('a snapshot of an embedded database that another process writes to', () => {
  let dataDir: string;
  let scratch: string;
  let writer: TypeScriptProcess;

  beforeAll(async () => {
    dataDir = await seededDataDir();
    scratch = await temporaryFolder();
    writer = startTypeScript(WRITER, dataDir, '200');
    await writer.until((line) => Number(line) > 50);
  });
  afterAll(async () => {
    await writer.kill();
    await removeFolder(dataDir);
    await removeFolder(scratch);
  });

  it('has whole transactions, all that were answered before, and does not stop the writer', async () => {
    for (let round = 0; round < 3; round += 1) {
      const answered = Number(writer.lines.at(-1));
      const snapshot = await openSnapshot({ dataDir }, scratch);
      const [row] = await snapshot.sql.query<{ last: string; sum: string; count: string }>(
        'select max(n) as last, sum(n) as sum, count(*) as count from written',
      );
      await snapshot.close();
      expect(Number(row!.last)).toBeGreaterThanOrEqual(answered);
      expect(row).toEqual({ last: row!.last, sum: '0', count: String(2 * Number(row!.last)) });
      await writer.until((line) => Number(line) > Number(row!.last));
    }
    expect(await readdir(scratch)).toEqual([]);
    expect((await readdir(dataDir)).filter((name) => name.startsWith('checkpoint'))).toEqual([]);
  });
});

describe('holding checkpoints', () => {
  it('lasts until it is taken back, or its process is dead; every user can read it', async () => {
    const dataDir = await temporaryFolder();
    expect(checkpointsAreHeld(dataDir)).toBe(false);
    const umask = process.umask(0o077);
    const [one, two] = [holdCheckpoints(dataDir), holdCheckpoints(dataDir)];
    process.umask(umask);
    const others = (name: string): number => statSync(join(dataDir, name)).mode & 0o004;
    expect((await readdir(dataDir)).map(others)).toEqual([4, 4]);
    one();
    expect(checkpointsAreHeld(dataDir)).toBe(true);
    two();
    expect(checkpointsAreHeld(dataDir)).toBe(false);
    await writeFile(join(dataDir, 'checkpoint.hold-dead'), JSON.stringify({ pid: 2_000_000_000, host: hostname(), started: 'x' })); // prettier-ignore
    expect(checkpointsAreHeld(dataDir)).toBe(false);
    expect(await readdir(dataDir)).toEqual([]);
    await removeFolder(dataDir);
  });
});

describeOnPostgres('a snapshot of a server', (open, place) => {
  it('does not see what is written after it, and stops nobody', async () => {
    const database = await open(options);
    await database.query(`insert into later values ('before')`);
    const snapshot = await openSnapshot((await place()) as DatabasePlace, '');
    await database.query(`insert into later values ('after'); delete from later where id = 'before'`);
    const rows: string[] = [];
    for await (const { bytes } of snapshot.rows({ name: 'later', columns: ['id'] })) rows.push(bytes.toString());
    await snapshot.close();
    expect(rows).toEqual(['before\n']);
  });
});

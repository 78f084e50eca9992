import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { readdir } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { type Database } from '../database.js';
import { DataFolderBusy } from '../errors.js';
import { openDatabase } from '../open.js';
import { startTypeScript, type TypeScriptProcess } from '../testing/child.js';
import { seededDataDir } from '../testing/embedded-suite.js';
import { removeFolder, temporaryFolder } from '../testing/temporary.js';

/** Each case starts several processes, and creation alone takes seconds. */
jest.setTimeout(240_000);

const WRITER = new URL('../testing/write-forever.child.ts', import.meta.url);

describe('the embedded database and the death of its process', () => {
  let dataDir: string;
  let writer: TypeScriptProcess;
  let database: Database | undefined;

  const start = (): void => {
    writer = startTypeScript(WRITER, dataDir);
  };
  const open = async (): Promise<Database> =>
    (database = await openDatabase({ dataDir, entities: [], migrations: [] }));

  beforeEach(() => {
    database = undefined;
  });

  afterEach(async () => {
    await writer.kill();
    await database?.close();
    await removeFolder(dataDir);
  });

  it('keeps whole transactions, and every one that was answered, through kill -9 while writing', async () => {
    dataDir = await seededDataDir();
    let answered = 0;
    for (const enough of [60, 150]) {
      start();
      await writer.until((line) => Number(line) >= enough);
      await writer.kill();
      answered = Number(writer.lines.at(-1));
    }
    const [row] = await (
      await open()
    ).query(`select max(n) as last, sum(n)::int8 as sum, count(*) as count from written`);
    const { last } = row as { last: number };
    expect(last).toBeGreaterThanOrEqual(answered);
    expect(row).toEqual({ last, sum: 0, count: 2 * last });
  });

  it('is refused to a second process while the first runs, and given to it when that one was killed', async () => {
    dataDir = await seededDataDir();
    start();
    await writer.until((line) => line === 'open');
    const refusal = open();
    await expect(refusal).rejects.toBeInstanceOf(DataFolderBusy);
    await expect(refusal).rejects.toThrow(`process ${writer.pid} `);
    await writer.kill();
    expect(await (await open()).query('select 1 as one')).toEqual([{ one: 1 }]);
  });

  it('is created whole though its creation was killed at several moments', async () => {
    dataDir = await temporaryFolder();
    for (const moment of [300, 900, 2_000, 3_500]) {
      start();
      await delay(moment);
      await writer.kill();
    }
    expect(await (await open()).query('select 1 as one')).toEqual([{ one: 1 }]);
    expect(await readdir(dataDir)).toEqual(expect.arrayContaining(['database.lock', 'postgres']));
    await database?.close();
    expect(await readdir(dataDir)).not.toContain('database.lock');
  });
});

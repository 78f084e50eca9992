import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Leases } from '#conversations';
import { describeOnEveryDatabase } from '#database/testing';
import { pino } from 'pino';
import { ADMIN_KEY, Stage } from '../api/testing/stage.js';
import { STORE } from '../api/testing/store.js';
import { importCommand } from './command.js';
import { ImportWorker } from './import-worker.js';
import { Progress } from './progress.js';

function terminal(isTTY: boolean, columns = 80) {
  const written: string[] = [];
  return { written, isTTY, columns, write: (text: string) => void written.push(text) };
}

describe('the progress of an import', () => {
  it('is one bar where a person looks, as wide as there is room', () => {
    const wide = terminal(true, 200);
    const narrow = terminal(true, 30);
    for (const at of [wide, narrow]) {
      const progress = new Progress(at);
      progress.show({ total: 20_000, processed: 5_000, rejected: 2 });
      progress.end();
    }
    expect(wide.written).toEqual([
      `\r[${'#'.repeat(10)}${'-'.repeat(30)}] 5,000 of 20,000 rows, 25 %, 2 rejected\x1b[K`,
      '\n',
    ]);
    expect(narrow.written[0]).toBe('\r[] 5,000 of 20,000 rows, 25 %, 2 rejected\x1b[K');
  });

  it('is a plain line at every tenth where nobody looks', () => {
    const log = terminal(false);
    const progress = new Progress(log);
    for (const processed of [0, 1, 9, 10, 11, 55, 99, 100]) progress.show({ total: 100, processed, rejected: 0 });
    progress.end();
    expect(log.written).toEqual([0, 10, 55, 99, 100].map((part) => `${part} of 100 rows, ${part} %\n`));
    new Progress(log).show({ total: 0, processed: 0, rejected: 0 });
    expect(log.written.at(-1)).toBe('0 of 0 rows, 100 %\n');
  });
});

describeOnEveryDatabase('npm run import', (open) => {
  let api: Stage;
  let folder: string;
  let leases: Leases;
  let worker: ImportWorker;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'import-'));
    api = await new Stage(await open(STORE)).open();
    leases = new Leases(api.database);
    worker = new ImportWorker({ database: api.database, leases, log: pino({ level: 'silent' }) });
    worker.start();
  });
  afterAll(async () => {
    await worker.stop();
    await leases.stop();
    await api.close();
    await rm(folder, { recursive: true });
  });

  async function run(file: string, content: string, ...more: string[]) {
    await writeFile(join(folder, file), content);
    const shown = terminal(false);
    const words = ['contacts', file, '--url', `${api.url}/`, '--key', ADMIN_KEY, ...more];
    const isWhole = await importCommand({ words, env: { INIT_CWD: folder }, terminal: shown });
    return { isWhole, text: shown.written.join('') };
  }

  it('shows the report, and tells whether all was taken', async () => {
    const good = await run('a.csv', 'externalId,phone\nP1,13800138000\n', '--country', 'cn');
    expect(good).toEqual({
      isWhole: true,
      text: expect.stringContaining('1 created, 0 updated, 0 unchanged, 0 rejected'),
    });
    const bad = await run('a.csv', 'externalId,phone\nP1,12\n');
    expect(bad).toEqual({
      isWhole: false,
      text: expect.stringMatching(/1 rejected \(imp_\w+\)\n  row 2, phone: expected a phone number/),
    });
    const lines = await run('b.ndjson', '{"externalId":"P2"}\n');
    expect(lines).toMatchObject({ isWhole: true });
  });

  it('says what is wrong in words', async () => {
    await expect(run('a.csv', 'colour\nred\n')).rejects.toThrow(/refuses it \(422\): colour: is not a known column/);
    await expect(run('a.csv', 'externalId\n1\n', '--key', 'another')).rejects.toThrow(/refuses it \(401\)/);
    await expect(run('a.csv', 'externalId\n1\n', '--url', 'http://127.0.0.1:1')).rejects.toThrow(
      /no gateway answers at/,
    );
    const env = { INIT_CWD: folder };
    await expect(importCommand({ words: ['people', 'a.csv'], env, terminal: terminal(false) })).rejects.toThrow(
      /^usage/,
    );
    const words = ['contacts', 'none.csv', '--url', api.url, '--key', ADMIN_KEY];
    await expect(importCommand({ words, env, terminal: terminal(false) })).rejects.toThrow(/no such file/);
  });
});

import { execFileSync, spawn } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, truncateSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { postgresMissing } from '#database/testing';
import {
  dataFolder, emptyFolder, expectPromisesKept, Postgres, removeFolder, setStage, Stage, stopEverything, until,
} from '../support/index.js'; // prettier-ignore

const ROOT = resolve(import.meta.dirname, '..', '..');
const KEY = { TRIBUTARY_SECRET_KEY: 'the-secret-key-of-the-tests' };
const CUSTOMERS = 4;
/** Between two messages of one customer: the backup, which has the lowest priority, is to get on as well. */
const PAUSE_MS = 20;
const MS = 240_000;

interface Where {
  readonly databaseUrl?: string;
  readonly dataDir: string;
}

interface Call {
  readonly words: string[];
  readonly where: Where;
  readonly env?: Record<string, string>;
}

interface Ran {
  readonly code: number | null;
  readonly said: string;
}

let folder: string;
const postgres = new Postgres();
const folders: string[] = [];

beforeAll(async () => {
  folder = await emptyFolder();
  writeFileSync(join(folder, 'settings.yaml'), '{}');
  if (postgresMissing() === undefined) await postgres.start();
});
afterAll(async () => {
  await stopEverything();
  await postgres.stop();
  await Promise.all([folder, ...folders].map(removeFolder));
});

async function empty(kind: string): Promise<Where> {
  const dataDir = await emptyFolder();
  folders.push(dataDir);
  return kind === 'postgres' ? { dataDir, databaseUrl: await postgres.database() } : { dataDir };
}

/** The command of the same name, as npm runs it. */
function run(name: 'backup' | 'restore', { words, where, env = KEY }: Call): Promise<Ran> {
  const { databaseUrl = '', dataDir } = where;
  const child = spawn(process.execPath, [join(ROOT, 'dist', 'scripts', `${name}.js`), ...words], {
    env: { PATH: process.env['PATH'], TRIBUTARY_CONFIG: join(folder, 'settings.yaml'), DATA_DIR: dataDir, DATABASE_URL: databaseUrl, ...env }, // prettier-ignore
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let said = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (text: Buffer) => (said += text.toString()));
  return new Promise((done) => child.once('close', (code) => done({ code, said })));
}

async function upload(stage: Stage, bytes: Buffer): Promise<string> {
  const form = new FormData();
  form.set('file', new Blob([new Uint8Array(bytes)]), 'photo.bin');
  const headers = { authorization: `Bearer ${stage.gateway.adminKey}` };
  const made = await fetch(`${stage.gateway.url}/v1/files`, { method: 'POST', headers, body: form });
  expect(made.status).toBe(201);
  return ((await made.json()) as { id: string }).id;
}

/** Customers who write on, one message after another each, while `work` goes on. */
async function underTraffic<T>(stage: Stage, work: () => Promise<T>): Promise<T> {
  let over = false;
  const customers = Array.from({ length: CUSTOMERS }, async (_, customer) => {
    for (let n = 0; !over; n += 1) {
      await stage.write({ id: `during-${customer}-${n}`, thread: `room-${customer}` });
      await delay(PAUSE_MS);
    }
  });
  await until('traffic', () => stage.acknowledged.size > 40);
  const result = await work().finally(() => (over = true));
  await Promise.all(customers);
  return result;
}

async function paused(stage: Stage): Promise<void> {
  stage.helpdesk.answer(() => ({ status: 410 }));
  await stage.write({ id: 'first', thread: 'room-0' });
  await until('the pause', async () => {
    const { body } = await stage.gateway.api.get<{ state: string }>('/v1/destinations/desk');
    return body.state === 'paused';
  });
}

const kinds = postgresMissing() === undefined ? ['embedded', 'postgres'] : ['embedded'];
if (postgresMissing() !== undefined && process.env['CI'] === 'true')
  it('needs a real Postgres', () => expect(postgresMissing()).toBeUndefined());

describe.each(kinds.map((from, index) => [from, kinds.at(index - 1)!]))(
  'a backup that is made of %s under traffic, restored into %s',
  (from, to) => {
    it(
      'has everything that was acknowledged before it began, no half transaction, and goes on from there',
      async () => {
        const source = from === 'postgres' ? await empty(from) : { dataDir: await dataFolder() };
        const stage = await setStage({ ...source, env: KEY });
        stage.provider.answer(() => ({ status: 429, headers: { 'retry-after': '1' } }));
        await paused(stage);
        for (let n = 0; n < 20; n += 1) await stage.write({ id: `before-${n}`, thread: `room-${n % CUSTOMERS}` });
        const bytes = Buffer.from(Array.from({ length: 300_000 }, (_, n) => (n * 7) % 256));
        const fileId = await upload(stage, bytes);
        const conversationId = (await stage.gateway.api.stream()).find(({ data }) => data?.conversation)!.data!.conversation!.id; // prettier-ignore
        const reply = await stage.reply(conversationId, 'an answer that waits', 'reply-1');

        const archive = join(folder, `${from}.tar.gz`);
        let acknowledged = new Map<string, string>();
        const made = await underTraffic(stage, () => {
          acknowledged = new Map(stage.acknowledged);
          return run('backup', { words: [archive], where: source });
        });
        expect(made).toMatchObject({ code: 0, said: expect.stringContaining('The secret key is NOT in it') });
        expect(stage.acknowledged.size).toBeGreaterThan(acknowledged.size);
        expect(execFileSync('tar', ['tzf', archive], { encoding: 'utf8' })).toContain(fileId);
        await stage.gateway.kill9();

        const target = await empty(to);
        const restored = await run('restore', { words: [archive], where: target });
        expect(restored).toMatchObject({ code: 0, said: expect.stringContaining('The secret key fits') });
        stage.helpdesk.answer(() => undefined);
        stage.provider.answer(() => undefined);
        const gateway = await stage.twin({ ...target, ...(to === 'embedded' && { databaseUrl: '' }), env: KEY });
        const { provider, helpdesk, secrets } = stage;
        const second = new Stage({ gateway, provider, helpdesk, secrets, options: {} });
        for (const [id, stored] of acknowledged) second.acknowledged.set(id, stored);

        const place = (await gateway.api.stream()).at(-1)!;
        expect(await second.poster.write({ id: 'before-3', thread: 'room-3' })).toBe(acknowledged.get('before-3'));
        for (let n = 0; n < 5; n += 1) await second.write({ id: `after-${n}`, thread: `room-${n % CUSTOMERS}` });
        expect((await gateway.api.post('/v1/destinations/desk/resume')).status).toBe(200);
        await second.settled(reply.id, 'sent');
        const stream = await expectPromisesKept(second);
        expect(stream.findIndex(({ id }) => id === place.id)).toBeLessThan(stream.length - 5);
        expect(provider.texts).toEqual(['an answer that waits']);
        expect(stream.length).toBeGreaterThan(acknowledged.size);
        const kept = readdirSync(join(target.dataDir, 'files'), { recursive: true, encoding: 'utf8' });
        const path = kept.find((name) => name.endsWith(fileId));
        expect(readFileSync(join(target.dataDir, 'files', path!)).equals(bytes)).toBe(true);
        expect(readdirSync(folder).filter((name) => name.includes('unfinished'))).toEqual([]);
        await second.close();
      },
      MS,
    );
  },
);

describe('the commands', () => {
  let source: Where;
  let archive: string;

  beforeAll(async () => {
    source = { dataDir: await dataFolder() };
    folders.push(source.dataDir);
    const stage = await setStage(source);
    await stage.write({ id: 'only', thread: 'room' });
    await stage.gateway.stop();
    await stage.close();
    archive = join(folder, 'whole.tar.gz');
    expect(await run('backup', { words: [archive, '--with-secret-key'], where: source, env: {} })).toMatchObject({
      code: 0,
    });
  }, MS);

  it(
    'back up a gateway that is stopped, into a folder under the time',
    async () => {
      const { dataDir } = await empty('embedded');
      expect(await run('backup', { words: [dataDir], where: source, env: {} })).toMatchObject({ code: 0 });
      expect(readdirSync(dataDir)).toEqual([expect.stringMatching(/^tributary-.*Z\.tar\.gz$/)]);
      expect(execFileSync('tar', ['tzf', join(dataDir, readdirSync(dataDir)[0]!)], { encoding: 'utf8' })).not.toContain('secret.key'); // prettier-ignore
    },
    MS,
  );

  it(
    'restore the secret key where it was asked for, once, and refuse what is not empty',
    async () => {
      const target = await empty('embedded');
      expect(await run('restore', { words: [archive], where: target, env: {} })).toMatchObject({ code: 0, said: expect.stringContaining('secret key of the backup is now in') }); // prettier-ignore
      const key = (dataDir: string): string => readFileSync(join(dataDir, 'secret.key'), 'utf8');
      expect(key(target.dataDir)).toBe(key(source.dataDir));
      expect(await run('restore', { words: [archive], where: target, env: {} })).toMatchObject({ code: 1, said: expect.stringContaining('has rows already') }); // prettier-ignore
    },
    MS,
  );

  it(
    'say so where the secret key at hand is another one',
    async () => {
      const target = await empty(kinds.at(-1)!);
      const other = { TRIBUTARY_SECRET_KEY: 'another-key-than-that-one' };
      expect(await run('restore', { words: [archive], where: target, env: other })).toMatchObject({ code: 0, said: expect.stringContaining('is another one') }); // prettier-ignore
      expect(existsSync(join(target.dataDir, 'secret.key'))).toBe(false);
    },
    MS,
  );

  it(
    'refuse what is damaged, cut off, or no backup at all, and store nothing',
    async () => {
      const target = await empty('embedded');
      const whole = readFileSync(archive);
      const broken = join(folder, 'broken.tar.gz');
      const refused = async (words: RegExp): Promise<void> => {
        const { code, said } = await run('restore', { words: [broken], where: target, env: {} });
        expect({ code, said }).toMatchObject({ code: 1, said: expect.stringMatching(words) });
      };
      writeFileSync(broken, whole);
      truncateSync(broken, whole.length - 100);
      await refused(/damaged or not whole/);
      writeFileSync(broken, 'no archive');
      await refused(/damaged or not whole/);
      writeFileSync(broken, execFileSync('gzip', ['-c'], { input: changed(whole) }));
      await refused(/is damaged: tables\/.* is not what was written/);
      expect(readdirSync(target.dataDir)).toEqual([]);
    },
    MS,
  );

  it(
    'tell how they are called, and where there is nothing to back up',
    async () => {
      expect(await run('backup', { words: [], where: source, env: {} })).toMatchObject({
        code: 1,
        said: expect.stringContaining('usage:'),
      });
      const nothing = await empty('embedded');
      expect(await run('backup', { words: [archive], where: nothing, env: {} })).toMatchObject({ code: 1, said: expect.stringContaining('there is no database in') }); // prettier-ignore
    },
    MS,
  );
});

/** The archive with one letter of a stored text changed. */
function changed(archive: Buffer): Buffer {
  const plain = execFileSync('gunzip', ['-c'], { input: archive, maxBuffer: 2 ** 30 });
  plain[plain.indexOf('text of only')] = 'T'.charCodeAt(0);
  return plain;
}

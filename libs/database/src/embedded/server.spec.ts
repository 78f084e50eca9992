import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import pg from 'pg';
import { DatabaseUnavailable } from '../errors.js';
import { poolOptions, run, withClient } from '../pool.js';
import { seededDataDir } from '../testing/embedded-suite.js';
import { removeFolder } from '../testing/temporary.js';
import { EmbeddedServer } from './server.js';
import { BACKGROUND_MS } from './syncing.js';

describe('the thread of the embedded database', () => {
  const said: string[] = [];
  let dataDir: string;
  let server: EmbeddedServer;
  let pool: pg.Pool;

  const query = (text: string, silenceMs = 30_000): Promise<unknown[]> =>
    withClient(pool, async (client) => (await run(client, text, { silenceMs })).rows);
  const stored = (): Promise<unknown> => query('select n from kept order by n');

  beforeAll(async () => {
    dataDir = await seededDataDir();
    server = new EmbeddedServer(join(dataDir, 'postgres'), (message) => said.push(message));
    await server.start();
    const place = { user: 'postgres', database: 'postgres', max: 1, idleTimeoutMillis: 0 };
    pool = new pg.Pool({ ...poolOptions(20_000), ...place, stream: () => server.stream() });
    pool.on('error', () => {});
    await query('create table kept (n int)');
  });

  afterAll(async () => {
    await pool.end();
    await server.stop();
    await removeFolder(dataDir);
  });

  it('puts every commit on the disk before it answers', async () => {
    await query('select 1');
    for (let n = 0; n < 3; n++) {
      const before = server.syncs;
      await query('create table if not exists synced (n int); insert into synced values (1)');
      expect(server.syncs).toBeGreaterThan(before);
    }
    const before = server.syncs;
    await query('select count(*) from synced');
    expect(server.syncs).toBe(before);
  });

  it('gives a new connection nothing of the one before it', async () => {
    await withClient(pool, async (client) => {
      await client.query({ name: 'mine', text: 'select 1' });
      await client.query(`create temporary table mine (n int); set application_name = 'mine'; begin`);
      throw new DatabaseUnavailable('to have the connection thrown away');
    }).catch(() => undefined);
    const state = `select to_regclass('mine') as mine, current_setting('application_name') as name`;
    expect(await query(state)).toEqual([{ mine: null, name: '' }]);
    expect(
      await withClient(pool, async (client) => (await client.query({ name: 'mine', text: 'select 2 as n' })).rows),
    ).toEqual([{ n: 2 }]);
    expect(await query(`select now() = statement_timestamp() as outside`)).toEqual([{ outside: true }]);
  });

  it('breaks connections when it dies, and is started again with everything that was committed', async () => {
    await query('insert into kept values (1)');
    const running = query('select pg_sleep(20)');
    await Promise.all([expect(running).rejects.toBeInstanceOf(DatabaseUnavailable), server.kill()]);
    expect(await stored()).toEqual([{ n: 1 }]);
  });

  it('is started again when a statement is given up', async () => {
    await query('insert into kept values (2)');
    await expect(query('select pg_sleep(20)', 200)).rejects.toBeInstanceOf(DatabaseUnavailable);
    expect(await stored()).toEqual([{ n: 1 }, { n: 2 }]);
    expect(said.some((message) => message.includes('given up'))).toBe(true);
  });

  it('is started again when Postgres ends its session', async () => {
    await expect(query('copy kept from stdin')).rejects.toBeInstanceOf(DatabaseUnavailable);
    expect(await stored()).toEqual([{ n: 1 }, { n: 2 }]);
    expect(said.at(-1)).toContain('protocol synchronization was lost');
  });
});

describe('the thread of the embedded database that syncs in the background', () => {
  it('answers commits before they are on the disk, puts them there soon, and at the latest with what depends on them', async () => {
    const dataDir = await seededDataDir();
    const server = new EmbeddedServer(join(dataDir, 'postgres'), () => undefined, 'background');
    await server.start();
    const place = { user: 'postgres', database: 'postgres', max: 1, idleTimeoutMillis: 0 };
    const pool = new pg.Pool({ ...poolOptions(20_000), ...place, stream: () => server.stream() });
    try {
      await pool.query('create table late (n int); insert into late values (0); checkpoint');
      await delay(2 * BACKGROUND_MS);
      await pool.query('insert into late values (1)');
      await delay(2 * BACKGROUND_MS);
      await pool.query('select 1');
      const before = server.syncs;
      for (let n = 0; n < 5; n++) await pool.query('insert into late values (1)');
      expect(server.syncs).toBe(before);
      await delay(2 * BACKGROUND_MS);
      await pool.query('select 1');
      expect(server.syncs).toBe(before + 1);
      await pool.query('insert into late values (2)');
      await pool.query('checkpoint');
      expect(server.syncs).toBeGreaterThan(before + 2);
    } finally {
      await pool.end();
      await server.stop();
      await removeFolder(dataDir);
    }
  });
});

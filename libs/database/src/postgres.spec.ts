import { describe, expect, it } from '@jest/globals';
import { createServer, type Server } from 'node:net';
import { type MigrationInterface, type QueryRunner } from 'typeorm';
import { DatabaseUnavailable, isTransient } from './errors.js';
import { openDatabase } from './open.js';
import { startTypeScript } from './testing/child.js';
import { describeOnPostgres } from './testing/index.js';

class Slow1700000000002 implements MigrationInterface {
  name = 'Slow1700000000002';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query('create table once (n int); insert into once values (1); select pg_sleep(0.3)');
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('drop table once');
  }
}

const options = { entities: [], migrations: [Slow1700000000002] };

describeOnPostgres('several processes on one server', (open) => {
  it('start together, and each migration runs once', async () => {
    const databases = await Promise.all([1, 2, 3, 4].map(() => open(options)));
    expect(await databases[0]!.query('select n from once')).toEqual([{ n: 1 }]);
    expect(await databases[3]!.query('select count(*) as n from migration')).toEqual([{ n: 1 }]);
    const locks = `select count(*) as n from pg_locks where locktype = 'advisory'`;
    expect(await databases[0]!.query(locks)).toEqual([{ n: 0 }]);
  });

  it('hear the hints of each other, folded where they repeat, and each its own once', async () => {
    const [one, other] = [await open(options), await open(options)];
    const heard = { one: [] as string[], other: [] as string[] };
    one.onHint('news', (payload) => heard.one.push(payload));
    const last = new Promise<void>((resolve) =>
      other.onHint('news', (payload) => {
        heard.other.push(payload);
        if (payload === 'last') resolve();
      }),
    );
    for (let n = 0; n < 50; n++) one.hint('news', 'same');
    one.hint('news', `long ${'x'.repeat(9_000)}`);
    one.hint('news', 'last');
    await last;
    expect(heard.other.filter((payload) => payload === 'same')).toHaveLength(1);
    expect(heard.other).toContain('');
    expect(heard.one.filter((payload) => payload === 'last')).toEqual(['last']);
  });

  it('hear each other again after the server ended every connection', async () => {
    const [one, other] = [await open(options), await open(options)];
    let heard = 0;
    other.onHint('again', () => heard++);
    await one.query(
      'select pg_terminate_backend(pid) from pg_stat_activity where pid <> pg_backend_pid() and datname = current_database()',
    );
    for (let n = 0; heard === 0; n++) {
      one.hint('again', String(n));
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    expect(heard).toBeGreaterThan(0);
  });

  it('waiting for each other give up after the lock timeout, which passes', async () => {
    const database = await open(options);
    const blocked = database.transaction(async (sql) => {
      await sql.query('lock table once');
      return database.query('insert into once values (2)').catch((error: unknown) => error);
    });
    const failure = await blocked;
    expect(failure).toMatchObject({ code: '55P03' });
    expect(isTransient(failure)).toBe(true);
  });
});

describeOnPostgres('connections that are all taken', (_open, place) => {
  it('are waited for so long and no longer, by however many', async () => {
    const { url = '' } = await place();
    const database = await openDatabase({ ...options, url, poolSize: 2, connectTimeoutMs: 100 });
    let release: () => void = () => undefined;
    const held = new Promise<void>((resolve) => (release = resolve));
    const holders = [1, 2].map(() => database.transaction(() => held));
    const waiting = Array.from({ length: 500 }, () =>
      database.query('select 1').catch((error: unknown) => error instanceof DatabaseUnavailable),
    );
    const failed = await Promise.all(waiting);
    release();
    expect(failed).toEqual(Array(500).fill(true));
    await Promise.all(holders);
    expect(await database.query('select 1 as n')).toEqual([{ n: 1 }]);
    await database.close();
  });
});

describeOnPostgres('a server that ends its connections again and again', (_open, place) => {
  it('makes callers see DatabaseUnavailable, then work again; the process lives', async () => {
    const { url = '' } = await place();
    const child = startTypeScript(new URL('./testing/outage.child.ts', import.meta.url), url);
    expect(await child.ended()).toEqual({ code: 0, complaint: '' });
    const told = JSON.parse(child.lines.at(-1) ?? '{}') as unknown;
    expect(told).toEqual({ unavailable: 30, other: [], recovered: 5, hints: 1 });
  });
});

describe('a server that cannot be had', () => {
  it('is unavailable when it refuses', async () => {
    const opening = openDatabase({ ...options, url: 'postgres://nobody@127.0.0.1:1/none' });
    await expect(opening).rejects.toBeInstanceOf(DatabaseUnavailable);
  });

  it('is unavailable when it never answers', async () => {
    const silent = await listen();
    const address = silent.address() as { port: number };
    const opening = openDatabase({ ...options, url: `postgres://nobody@127.0.0.1:${address.port}/none` });
    await expect(opening).rejects.toBeInstanceOf(DatabaseUnavailable);
    silent.close();
  });

  function listen(): Promise<Server> {
    return new Promise((resolve) => {
      const server = createServer((socket) => socket.on('error', () => {}));
      server.listen(0, '127.0.0.1', () => resolve(server));
    });
  }
});

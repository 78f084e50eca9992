import { expect, it } from '@jest/globals';
import { type MigrationInterface, type QueryRunner } from 'typeorm';
import { describeOnPostgres } from './testing/index.js';
import { openDatabase } from './open.js';
import { openSnapshot, type DatabasePlace } from './transfer/index.js';

class Read1700000000001 implements MigrationInterface {
  name = 'Read1700000000001';
  async up(runner: QueryRunner): Promise<void> {
    await runner.query('create table served (n int); insert into served values (1)');
  }
  async down(): Promise<void> {}
}

class Widened1700000000002 implements MigrationInterface {
  name = 'Widened1700000000002';
  async up(runner: QueryRunner): Promise<void> {
    await runner.query('alter table served add column more text');
  }
  async down(): Promise<void> {}
}

describeOnPostgres('a migration of a table that a backup is reading', (open, place) => {
  it('waits in pieces, between which others are served, says for whom, and is made in the end', async () => {
    const old = await open({ entities: [], migrations: [Read1700000000001] });
    const snapshot = await openSnapshot((await place()) as DatabasePlace, '');
    const said: string[] = [];
    const migrations = [Read1700000000001, Widened1700000000002];
    const newer = openDatabase({ ...(await place()), entities: [], migrations, log: (line) => said.push(line) });
    const waiting = `select count(*) as n from pg_locks where not granted and mode = 'AccessExclusiveLock'`;
    while (!(await old.query<{ n: number }>(waiting))[0]!.n) await new Promise((done) => setTimeout(done, 10));
    for (let n = 0; n < 20; n += 1) expect(await old.query('select n from served')).toEqual([{ n: 1 }]);
    while (said.length === 0) await new Promise((done) => setTimeout(done, 10));
    expect(said[0]).toMatch(/a migration waits for another transaction to end; the oldest one: tributary-transfer/);
    await snapshot.close();
    const database = await newer;
    expect(await database.query('select n, more from served')).toEqual([{ n: 1, more: null }]);
    expect(await database.query('show lock_timeout')).toEqual([{ lock_timeout: '2s' }]);
    await database.close();
  });
});

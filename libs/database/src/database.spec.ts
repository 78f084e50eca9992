import { beforeAll, describe, expect, it } from '@jest/globals';
import { Column, Entity, PrimaryColumn, type MigrationInterface, type QueryRunner } from 'typeorm';
import { type Database } from './database.js';
import { DatabaseUnavailable, isTransient } from './errors.js';
import { describeOnEveryDatabase } from './testing/index.js';

class Notes1700000000001 implements MigrationInterface {
  name = 'Notes1700000000001';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query('create table note (id text primary key, body jsonb not null); create table counted (n bigint)');
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('drop table note; drop table counted');
  }
}

@Entity('note')
class Note {
  @PrimaryColumn('text') id!: string;
  @Column('jsonb') body!: unknown;
}

const ADD = { name: 'note-add', text: 'insert into note (id, body) values ($1, $2) returning id' };
const options = { entities: [Note], migrations: [Notes1700000000001] };

describeOnEveryDatabase('a database', (open) => {
  let database: Database;

  beforeAll(async () => {
    database = await open(options);
  });

  const ids = async (like: string): Promise<string[]> =>
    (await database.query<{ id: string }>('select id from note where id like $1 order by id', [`${like}%`])).map(
      ({ id }) => id,
    );

  describe('statements', () => {
    it('run, and read back each type as promised', async () => {
      const [row] = await database.query(
        `select 7::int8 as small, 9007199254740993::int8 as large, array[1, null, 2]::int8[] as list, count(*) as count,
          timestamptz '2026-11-21T09:30:00+02' as time, '{"a": [1]}'::jsonb as json, $1::text as text from generate_series(1, 3)`,
        ['报表导不出来 🙂'],
      );
      expect(row).toEqual({
        ...{ small: 7, large: '9007199254740993', list: [1, null, 2], count: 3 },
        ...{ time: new Date('2026-11-21T07:30:00Z'), json: { a: [1] }, text: '报表导不出来 🙂' },
      });
    });

    it('with a name are prepared once and used again, also after another one failed', async () => {
      expect(await database.query(ADD, ['named-1', '{}'])).toEqual([{ id: 'named-1' }]);
      await expect(database.query(ADD, ['named-1', '{}'])).rejects.toMatchObject({ code: '23505' });
      expect(await database.query(ADD, ['named-2', '{}'])).toEqual([{ id: 'named-2' }]);
      expect(await database.query('select name from pg_prepared_statements where name = $1', [ADD.name])).toHaveLength(
        1,
      );
    });

    it('that were prepared before their table changed fail once, which passes', async () => {
      const read = { name: 'counted', text: 'select * from counted' };
      const failures: unknown[] = [];
      await database.query(read);
      await database.query('alter table counted add column more text');
      for (let tries = 0; tries < 20; tries++)
        await database.query(read).catch((error: unknown) => failures.push(error));
      expect(failures.length).toBeGreaterThan(0);
      expect(failures.length).toBeLessThan(20);
      expect(failures.every(isTransient)).toBe(true);
    });

    it('keep their own errors, which trying again does not mend', async () => {
      const failure = await database.query('select * from nowhere').catch((error: unknown) => error);
      expect(failure).toMatchObject({ code: '42P01' });
      expect(failure).not.toBeInstanceOf(DatabaseUnavailable);
      expect(isTransient(failure)).toBe(false);
    });

    it('take a parameter of a megabyte', async () => {
      const body = { text: '字'.repeat(400_000), list: Array.from({ length: 10_000 }, (_, index) => index) };
      await database.query(ADD, ['large', JSON.stringify(body)]);
      expect(await database.query('select body from note where id = $1', ['large'])).toEqual([{ body }]);
    });

    it('run two hundred at once', async () => {
      const rows = await Promise.all(
        Array.from({ length: 200 }, (_, n) =>
          database.query<{ n: number }>({ name: 'echo', text: 'select $1::int as n' }, [n]),
        ),
      );
      expect(rows.map(([row]) => row?.n)).toEqual(Array.from({ length: 200 }, (_, n) => n));
    });

    it('run under the settings of the house', async () => {
      const setting = `current_setting('lock_timeout') as lock, current_setting('statement_timeout') as statement`;
      expect(await database.query(`select ${setting}, current_setting('timezone') as zone`)).toEqual([
        { lock: '2s', statement: '30s', zone: 'UTC' },
      ]);
    });
  });

  describe('transactions', () => {
    it('side by side do not touch each other: the rollback of one leaves what the other committed', async () => {
      const inside = async (id: string, end: () => void): Promise<void> =>
        database.transaction(async (sql) => {
          await sql.query(ADD, [id, '{}']);
          for (let turn = 0; turn < 20; turn++) await sql.query('select 1');
          end();
        });
      const failing = inside('side-a', () => {
        throw new Error('changed my mind');
      });
      const [failed, kept] = await Promise.allSettled([failing, inside('side-b', () => undefined)]);
      expect(failed).toMatchObject({ status: 'rejected', reason: { message: 'changed my mind' } });
      expect(kept.status).toBe('fulfilled');
      expect(await ids('side')).toEqual(['side-b']);
    });

    it('return what the work returns and are seen once they are over', async () => {
      expect(await database.transaction((sql) => sql.query(ADD, ['tx', '{}']))).toEqual([{ id: 'tx' }]);
      expect(await ids('tx')).toEqual(['tx']);
    });

    it('throw when a failed statement was swallowed, since nothing was kept', async () => {
      const work = database.transaction(async (sql) => {
        await sql.query(ADD, ['swallowed', '{}']);
        await sql.query('select 1 / 0').catch(() => undefined);
      });
      await expect(work).rejects.toThrow('rolled back');
      expect(await ids('swallowed')).toEqual([]);
    });

    it('cannot be used once they are over', async () => {
      const escaped = await database.transaction(async (sql) => ({ sql }));
      await expect(escaped.sql.query('select 1')).rejects.toThrow('over');
    });

    it('of TypeORM run on the same connections', async () => {
      const saved = database.dataSource.transaction(async (manager) => {
        await manager.save(Note, { id: 'orm-1', body: { a: 1 } });
        throw new Error('no');
      });
      await expect(saved).rejects.toThrow('no');
      await database.dataSource.getRepository(Note).save({ id: 'orm-2', body: [1] });
      expect(await database.dataSource.getRepository(Note).findOneByOrFail({ id: 'orm-2' })).toEqual({
        id: 'orm-2',
        body: [1],
      });
      expect(await ids('orm')).toEqual(['orm-2']);
    });
  });

  describe('hints', () => {
    it('reach every listener of their channel until it stops, whatever another listener does', async () => {
      const heard: string[] = [];
      const stops = [
        database.onHint('news', () => {
          throw new Error('a broken listener');
        }),
        database.onHint('news', (payload) => heard.push(payload)),
        database.onHint('other', (payload) => heard.push(`other ${payload}`)),
      ];
      database.hint('news', '7');
      database.hint('news');
      await new Promise((resolve) => setImmediate(resolve));
      expect(heard).toEqual(['7', '']);
      stops.forEach((stop) => stop());
      database.hint('news', 'unheard');
      await new Promise((resolve) => setImmediate(resolve));
      expect(heard).toEqual(['7', '']);
    });
  });

  it('can be maintained while it is used', async () => {
    const writes = Promise.all(
      Array.from({ length: 20 }, (_, n) => database.query('insert into counted values ($1)', [n])),
    );
    await Promise.all([database.maintain(), database.maintain(), writes]);
    expect(await database.query('select count(*) as n from counted')).toEqual([{ n: 20 }]);
  });

  it('keeps everything over a close, runs no migration twice, and is unavailable in between', async () => {
    const before = await ids('');
    expect(before).not.toHaveLength(0);
    await database.close();
    await database.close();
    await expect(database.query('select 1')).rejects.toBeInstanceOf(DatabaseUnavailable);
    await expect(database.transaction(async () => 1)).rejects.toBeInstanceOf(DatabaseUnavailable);
    database.hint('news');
    database = await open(options);
    expect(await ids('')).toEqual(before);
    expect(await database.query('select name from migration')).toEqual([{ name: 'Notes1700000000001' }]);
  });
});

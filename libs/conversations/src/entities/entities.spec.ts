import { afterAll, beforeAll, expect, it } from '@jest/globals';
import type { Database } from '#database';
import { describeOnEveryDatabase } from '#database/testing';
import { addAccount, STORE } from '../testing/store.js';
import { Account } from './settings.js';

interface Described {
  table: string;
  name: string;
  type: string;
  nullable: boolean;
  primary: boolean;
}

const NAMES: Record<string, string> = { int4: 'int', int8: 'bigint', int2: 'smallint', bool: 'boolean' };

describeOnEveryDatabase('entities', (open) => {
  let database: Database;
  beforeAll(async () => {
    database = await open(STORE);
  });
  afterAll(() => database.close());

  it('describe the tables as the migrations make them', async () => {
    const described = database.dataSource.entityMetadatas.flatMap(({ tableName, columns }) =>
      columns.map((column): Described => ({
        table: tableName,
        name: column.databaseName,
        type: `${String(column.type)}${column.isArray ? '[]' : ''}`,
        nullable: column.isNullable,
        primary: column.isPrimary,
      })),
    );
    const tables = database.dataSource.entityMetadatas.map(({ tableName }) => tableName);
    const made = await database.query<{
      table: string;
      name: string;
      udt: string;
      nullable: boolean;
      primary: boolean;
    }>(
      `select c.relname as "table", a.attname as name, t.typname as udt, not a.attnotnull as nullable,
        coalesce(a.attnum = any (i.indkey), false) as "primary"
       from pg_class c join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped join pg_type t on t.oid = a.atttypid
       left join pg_index i on i.indrelid = c.oid and i.indisprimary
       where c.relnamespace = 'public'::regnamespace and c.relkind = 'r' and c.relname = any ($1)`,
      [tables],
    );
    const expected = made.map(({ udt, ...column }): Described => {
      const element = udt.replace(/^_/, '');
      return { ...column, type: `${NAMES[element] ?? element}${udt.startsWith('_') ? '[]' : ''}` };
    });
    const sorted = (columns: Described[]) =>
      columns.map((column) => JSON.stringify(column, ['table', 'name', 'type', 'nullable', 'primary'])).sort();
    expect(tables.length).toBeGreaterThan(15);
    expect(sorted(described)).toEqual(sorted(expected));
  });

  it('serve repositories', async () => {
    await addAccount(database, { id: 'one' });
    const found = await database.dataSource.getRepository(Account).findOneBy({ id: 'one' });
    expect(found).toMatchObject({ id: 'one', type: 'http', managed_by: 'api', config: {} });
  });
});

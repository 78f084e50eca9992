import pg from 'pg';
import { type Database } from '../database.js';
import { asDatabaseError } from '../errors.js';
import { poolOf } from '../pool.js';
import { UNLIMITED } from './alone.js';
import { copyIn } from './copy.js';
import { migrationsOf, sequencesOf, tablesOf, type SequenceValue, type TableShape } from './shape.js';

/** The database to be filled holds something already. */
export class NotEmpty extends Error {
  override readonly name = 'NotEmpty';
}

/** A database with the tables of its migrations and nothing in them. */
export interface EmptyDatabase {
  readonly migrations: readonly string[];
  readonly tables: readonly TableShape[];
  /** Stores whole rows in the text form of COPY; returns how many. */
  load(table: TableShape, rows: Buffer): Promise<number>;
  setSequence(value: SequenceValue): Promise<void>;
}

/**
 * Fills an empty database in one transaction: when `work` throws or the process dies, it is as empty as before. Nobody else can write meanwhile.
 * @throws NotEmpty where a table has a row; DatabaseUnavailable
 */
export async function fill<T>(database: Database, work: (empty: EmptyDatabase) => Promise<T>): Promise<T> {
  const client = await poolOf(database.dataSource).connect();
  try {
    await client.query(UNLIMITED);
    await client.query('begin');
    const tables = await tablesOf(client);
    await claim(client, tables);
    const sequences = new Set((await sequencesOf(client)).map(({ name }) => name));
    const result = await work({
      ...{ tables, migrations: await migrationsOf(client) },
      load: (table, rows) => load(client, table, rows),
      async setSequence({ name, value, called }) {
        if (!sequences.has(name)) throw new Error(`there is no sequence ${name}`);
        await client.query('select setval($1::regclass, $2::bigint, $3)', [pg.escapeIdentifier(name), value, called]);
      },
    });
    await client.query('commit');
    await client.query(`analyze ${tables.map(({ name }) => pg.escapeIdentifier(name)).join(', ')}`);
    return result;
  } catch (error) {
    throw asDatabaseError(error);
  } finally {
    client.release(true); // and with it what is not committed
  }
}

/** Keeps writers out, then looks into every table. */
async function claim(client: pg.ClientBase, tables: readonly TableShape[]): Promise<void> {
  const names = tables.map(({ name }) => pg.escapeIdentifier(name));
  if (names.length === 0) throw new Error('the tables are missing');
  await client.query(`lock table ${names.join(', ')} in exclusive mode`);
  await refuseRows(client, tables);
}

/** @throws NotEmpty where a table has a row */
export async function refuseRows(client: pg.ClientBase, tables: readonly TableShape[]): Promise<void> {
  for (const name of tables.map((table) => pg.escapeIdentifier(table.name))) {
    const { rows } = await client.query<{ found: boolean }>(`select exists (select from ${name}) as found`);
    if (rows[0]?.found) throw new NotEmpty(`the table ${name} has rows already: only an empty database can be filled`);
  }
}

function load(client: pg.ClientBase, { name, columns }: TableShape, rows: Buffer): Promise<number> {
  const list = columns.map((column) => pg.escapeIdentifier(column)).join(', ');
  return copyIn(client, `copy ${pg.escapeIdentifier(name)} (${list}) from stdin`, rows);
}

import { randomUUID } from 'node:crypto';
import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import pg from 'pg';
import { type Sql } from '../database.js';
import { copyRunningFolder } from '../embedded/copy-running.js';
import { run } from '../pool.js';
import { connectAlone, type DatabasePlace, type LoneConnection } from './alone.js';
import { copyOut, countRows } from './copy.js';
import { migrationsOf, sequencesOf, tablesOf, type SequenceValue, type TableShape } from './shape.js';

/** Rows are read in pieces of about this size, by ranges of the table's blocks. */
const PIECE_BYTES = 2 * 1024 * 1024;
const FIRST_BLOCKS = 32;
const MOST_BLOCKS = 128;
const PATIENCE_MS = 24 * 3_600_000;

/** Whole rows of one table, in the text form of COPY. */
export interface Piece {
  readonly bytes: Buffer;
  readonly rows: number;
}

/** A database as it was at one moment, whatever is written meanwhile. */
export interface Snapshot {
  readonly kind: 'embedded' | 'postgres';
  readonly migrations: readonly string[];
  /** Each behind those that it refers to. */
  readonly tables: readonly TableShape[];
  /** Never behind the rows of `tables`. */
  readonly sequences: readonly SequenceValue[];
  readonly sql: Sql;
  rows(table: TableShape): AsyncGenerator<Piece>;
  close(): Promise<void>;
}

/**
 * Everything that was committed before the call, and no half transaction; those who use the database do not wait for it. On a server this is one
 * transaction. The embedded database, which may be running in another process, is copied into `scratch` first: that takes its size there until `close`.
 * @throws DatabaseUnavailable
 */
export async function openSnapshot(place: DatabasePlace, scratch: string): Promise<Snapshot> {
  if ('url' in place) return snapshotOf(await connectAlone(place), 'postgres');
  const copy = join(scratch, `database-${randomUUID()}`);
  const remove = (): Promise<void> => rm(copy, { recursive: true, force: true });
  try {
    await mkdir(copy, { mode: 0o700 });
    await copyRunningFolder(place.dataDir, copy);
    const { client, close } = await connectAlone({ dataDir: copy });
    return await snapshotOf({ client, close: () => close().finally(remove) }, 'embedded');
  } catch (error) {
    await remove();
    throw error;
  }
}

async function snapshotOf({ client, close }: LoneConnection, kind: Snapshot['kind']): Promise<Snapshot> {
  try {
    await client.query('begin isolation level repeatable read read only');
    const tables = await tablesOf(client);
    const names = tables.map(({ name }) => pg.escapeIdentifier(name));
    if (names.length > 0) await client.query(`lock table ${names.join(', ')} in access share mode`);
    return {
      ...{ kind, tables, migrations: await migrationsOf(client), sequences: await sequencesOf(client), close },
      sql: {
        query: async <R>(statement: Parameters<Sql['query']>[0], values?: readonly unknown[]) =>
          (await run<R>(client, statement, { values, silenceMs: PATIENCE_MS })).rows,
      },
      rows: (table) => rowsOf(client, table),
    };
  } catch (error) {
    await close();
    throw error;
  }
}

async function* rowsOf(client: pg.ClientBase, { name, columns }: TableShape): AsyncGenerator<Piece> {
  const table = pg.escapeIdentifier(name);
  const size = `select pg_relation_size('${table}') / current_setting('block_size')::int as blocks`;
  const total = Number((await client.query<{ blocks: string }>(size)).rows[0]!.blocks);
  const list = columns.map((column) => pg.escapeIdentifier(column)).join(', ');
  for (let from = 0, step = FIRST_BLOCKS; from < total;) {
    const range = `ctid >= '(${from},0)' and ctid < '(${from + step},0)'`;
    const bytes = await copyOut(client, `copy (select ${list} from only ${table} where ${range}) to stdout`);
    if (bytes.length > 0) yield { bytes, rows: countRows(bytes) };
    from += step;
    const fitting = Math.round((step * PIECE_BYTES) / Math.max(bytes.length, 1));
    step = Math.min(Math.max(fitting, 1), step * 4, MOST_BLOCKS);
  }
}

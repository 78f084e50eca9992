import { setTimeout as delay } from 'node:timers/promises';
import { DatabaseUnavailable, isTransient, type Database, type Sql } from '#database';
import { newId } from '#normalizer';
import type { ImportKind } from './columns.js';
import type { ReadyRow, RowFault } from './row.js';

/** An import, as the API shows it. */
export interface ImportRecord {
  readonly id: string;
  readonly kind: ImportKind;
  readonly state: 'running' | 'done' | 'failed';
  /** Why it failed; null otherwise. */
  readonly failure: string | null;
  readonly total: number;
  readonly processed: number;
  readonly created: number;
  readonly updated: number;
  readonly unchanged: number;
  readonly rejected: number;
  /** The first rejected rows. */
  readonly errors: ImportFault[];
  readonly createdAt: string;
  readonly finishedAt: string | null;
}

export interface ImportFault {
  /** As the file or list counts it. */
  readonly row: number;
  readonly errors: RowFault[];
}

const FIRST_ERRORS = 20;
const BATCH_ROWS = 500;
const BATCH_CHARACTERS = 1_000_000;
const PUT_ATTEMPTS = 5;
const PUT_PAUSE_MS = 1_000;

const VIEW = `jsonb_build_object('id', i.id, 'kind', i.kind, 'state', i.state, 'failure', i.failure, 'total', i.total, 'processed', i.processed, 'created', i.created,
  'updated', i.updated, 'unchanged', i.unchanged, 'rejected', i.rejected,
  'errors', (select coalesce(jsonb_agg(jsonb_build_object('row', e.row, 'errors', e.errors) order by e.row), '[]') from (
    select r.row, r.errors from import_row r where r.import_id = i.id and r.row <= i.position and r.errors is not null order by r.row limit ${FIRST_ERRORS}) e),
  'createdAt', iso(i.created_at), 'finishedAt', iso(i.finished_at)) as view`;

const PUT = `insert into import_row (import_id, row, data, errors)
  select $1, r.row, r.data, r.errors from jsonb_to_recordset($2::jsonb) as r("row" int, data jsonb, errors jsonb)
  on conflict (import_id, row) do nothing`;

/**
 * Takes in the rows of an import, some hundred at a time, so that it is all in the database before anything is done. Returns its id; `startImport` sets it going.
 * Where the rows end in an error nothing of them stays.
 */
export async function receiveImport(
  database: Database,
  rows: AsyncIterable<ReadyRow> | Iterable<ReadyRow>,
  { kind, by }: { kind: ImportKind; by: string },
): Promise<string> {
  const id = newId('imp');
  await database.query('insert into import (id, kind, by) values ($1, $2, $3)', [id, kind, by]);
  try {
    let held: string[] = [];
    let size = 0;
    const flush = async () => {
      if (held.length > 0) await put(database, id, `[${held.join(',')}]`);
      [held, size] = [[], 0];
    };
    for await (const row of rows) {
      const json = JSON.stringify(row);
      size += json.length;
      if (held.push(json) >= BATCH_ROWS || size >= BATCH_CHARACTERS) await flush();
    }
    await flush();
    return id;
  } catch (error) {
    await discardImport(database, id).catch(() => undefined);
    throw error;
  }
}

/** A database that is away for a moment must not cost a file that took minutes to send. */
async function put(database: Database, id: string, rows: string): Promise<void> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return void (await database.query(PUT, [id, rows]));
    } catch (error) {
      const passes = error instanceof DatabaseUnavailable || isTransient(error);
      if (!passes || attempt >= PUT_ATTEMPTS) throw error;
      await delay(PUT_PAUSE_MS);
    }
  }
}

/** Forgets an import that was not started. */
export async function discardImport(database: Database, id: string): Promise<void> {
  await database.transaction(async (sql) => {
    const rows = await sql.query(`delete from import where id = $1 and state = 'receiving' returning 1`, [id]);
    if (rows.length > 0) await sql.query('delete from import_row where import_id = $1', [id]);
  });
}

/** Sets an import going that was received, inside the caller's transaction; give the hint `imports` once that is committed. */
export async function startImport(sql: Sql, id: string): Promise<ImportRecord> {
  await sql.query(
    `update import set state = 'running', total = (select count(*) from import_row where import_id = $1) where id = $1 and state = 'receiving'`,
    [id],
  );
  const found = await findImport(sql, id);
  if (!found) throw new Error('the import is gone');
  return found;
}

export async function findImport(sql: Sql, id: string): Promise<ImportRecord | null> {
  const [row] = await sql.query<{ view: ImportRecord }>(
    `select ${VIEW} from import i where i.id = $1 and i.state <> 'receiving'`,
    [id],
  );
  return row?.view ?? null;
}

/** Imports, the newest first. */
export async function listImports(sql: Sql, page: { before: string | null; limit: number }): Promise<ImportRecord[]> {
  const rows = await sql.query<{ view: ImportRecord }>(
    `select ${VIEW} from import i where i.state <> 'receiving' and ($1::text is null or i.id < $1) order by i.id desc limit $2`,
    [page.before, page.limit],
  );
  return rows.map(({ view }) => view);
}

/** Rejected rows in their order. */
export async function listImportErrors(
  sql: Sql,
  page: { id: string; after: number; limit: number },
): Promise<ImportFault[]> {
  return sql.query<ImportFault & Record<string, unknown>>(
    `select r.row, r.errors from import_row r join import i on i.id = r.import_id
     where r.import_id = $1 and r.row > $2 and r.row <= i.position and r.errors is not null order by r.row limit $3`,
    [page.id, page.after, page.limit],
  );
}

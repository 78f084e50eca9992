import type { Database } from '#database';

/** Rows of one transaction. */
const MOST_ROWS = 500;
const FEWEST_ROWS = 10;
/** So long a transaction is meant to take at most, ms: others wait for the rows that it locks, and all of them where there is one connection. */
const TURN_MS = 250;
const CLEAN_ROWS = 2_000;
const RECEIVE_HOURS = 24;
const KEPT_DAYS = 90;

export interface RunOptions {
  /** Asked before every transaction: false leaves the rest to another time, or to another process. */
  readonly goesOn: () => boolean;
  /** Called after every transaction. */
  readonly onTurn?: () => void;
}

/** Ids of imports that are not finished, the oldest first. */
export async function unfinishedImports(database: Database): Promise<string[]> {
  const rows = await database.query<{ id: string }>(`select id from import where state = 'running' order by id`);
  return rows.map(({ id }) => id);
}

/**
 * Does what is left of an import, transaction by transaction: wherever it is broken off, the next call goes on behind the last row that was committed. Two that run at
 * once do no row twice. Returns whether it is finished. Throws what the database throws; nothing is lost by that.
 */
export async function runImport(database: Database, id: string, { goesOn, onTurn }: RunOptions): Promise<boolean> {
  for (let rows = 100; goesOn();) {
    const began = performance.now();
    const done = await database.transaction(async (sql) => {
      const [batch] = await sql.query<{ done: number }>('select import_batch($1, $2) as done', [id, rows]);
      return batch?.done ?? 0;
    });
    onTurn?.();
    if (done === 0) return finish(database, id, goesOn);
    const fitting = Math.floor((done * TURN_MS) / Math.max(1, performance.now() - began));
    rows = Math.min(MOST_ROWS, Math.max(FEWEST_ROWS, fitting, Math.floor(rows / 2)));
  }
  return false;
}

/** Only what was rejected is kept: who was in the file is nobody's business any more. */
async function finish(database: Database, id: string, goesOn: () => boolean): Promise<boolean> {
  const left = `select row from import_row where import_id = $1 and errors is null order by row limit ${CLEAN_ROWS}`;
  for (let more = true; more;) {
    if (!goesOn()) return false;
    const gone = await database.query(`delete from import_row where import_id = $1 and row in (${left}) returning 1`, [
      id,
    ]);
    more = gone.length > 0;
  }
  await database.query(
    `update import set state = 'done', finished_at = clock_timestamp() where id = $1 and state = 'running'`,
    [id],
  );
  return true;
}

/** Gives up an import that the database refuses again and again; what was done stays done, and the same file may be imported again. */
export async function failImport(database: Database, id: string, failure: string): Promise<void> {
  await database.transaction(async (sql) => {
    await sql.query(
      `update import set state = 'failed', failure = $2, finished_at = clock_timestamp() where id = $1 and state = 'running'`,
      [id, failure],
    );
    await sql.query('delete from import_row where import_id = $1 and errors is null', [id]);
  });
}

/** Removes what was never received to its end, and reports that nobody reads any more. */
export async function sweepImports(database: Database): Promise<void> {
  await database.query(`with gone as (
      delete from import where state = 'receiving' and created_at < now() - interval '${RECEIVE_HOURS} hours'
        or state <> 'receiving' and finished_at < now() - interval '${KEPT_DAYS} days' returning id)
    delete from import_row using gone where import_id = gone.id`);
}

import pg from 'pg';
import { type Database } from '../database.js';
import { DatabaseUnavailable } from '../errors.js';
import { openDatabase } from '../open.js';

/** Works on a server whose connections are all ended again and again; says in the end what its callers saw. */
const url = process.argv[2]!;
const database = await openDatabase({ url, entities: [], migrations: [], connectTimeoutMs: 5_000 });
const told = { unavailable: 0, other: [] as string[], recovered: 0, hints: 0 };
database.onHint('news', () => told.hints++);

for (let round = 0; round < 5; round++) {
  const busy = Array.from({ length: 5 }, () => attempt(() => database.query('select pg_sleep(5)')));
  const open = attempt(() => database.transaction((sql) => sql.query('select pg_sleep(5)')));
  await terminateAll(busy.length + 1);
  await Promise.all([...busy, open]);
  await recovery(database);
}
database.hint('news');
await pause();
await database.close();
console.log(JSON.stringify(told));

async function attempt(work: () => Promise<unknown>): Promise<void> {
  try {
    await work();
  } catch (error) {
    if (error instanceof DatabaseUnavailable) told.unavailable++;
    else told.other.push(String(error));
  }
}

/** Ends every connection once so many are at work. */
async function terminateAll(atWork: number): Promise<void> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  const sleeping = `select count(*)::int as n from pg_stat_activity where state = 'active' and query = 'select pg_sleep(5)'`;
  while ((await client.query<{ n: number }>(sleeping)).rows[0]?.n !== atWork) await pause();
  await client.query(
    'select pg_terminate_backend(pid) from pg_stat_activity where pid <> pg_backend_pid() and datname = current_database()',
  );
  await client.end();
}

async function recovery(database: Database): Promise<void> {
  for (let tries = 0; tries < 50; tries++) {
    try {
      await database.query('select 1');
      told.recovered++;
      return;
    } catch (error) {
      if (!(error instanceof DatabaseUnavailable)) throw error;
      await pause();
    }
  }
}

function pause(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 20));
}

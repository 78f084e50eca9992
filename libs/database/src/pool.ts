import pg from 'pg';
import { type DataSource } from 'typeorm';
import { asDatabaseError, isBroken } from './errors.js';
import { type Statement } from './database.js';
import { type Call, type Pulse } from './pulse.js';

/** Longer than the server's own statement_timeout: the client gives a connection up only when the server is silent. */
const SILENCE_MS = 35_000;

/** After so long without traffic the system itself asks whether the other end is there. */
const KEEP_ALIVE_MS = 10_000;

/** Without `jit`: the planner takes what calls functions for expensive, and compiling a statement takes hundreds of times longer than running it. */
const SESSION = `set lock_timeout = '2s'; set statement_timeout = '30s';
  set idle_in_transaction_session_timeout = '10s'; set timezone = 'UTC'; set jit = off`;

/** Session settings while migrations run: they may take long and wait for each other. */
export const UNHURRIED = 'set lock_timeout = 0; set statement_timeout = 0';
export const HURRIED = SESSION;

const INT8 = 20;
const INT8_ARRAY = 1016;

function exactNumber(text: string): number | string {
  const value = Number(text);
  return Number.isSafeInteger(value) ? value : text;
}

/** The driver's own parsers, except that int8 is a number where that is exact. */
export const types: pg.CustomTypesConfig = {
  getTypeParser(oid: number, format?: 'text' | 'binary') {
    const parse = pg.types.getTypeParser(oid, format) as (text: string) => unknown;
    if (format === 'binary') return parse;
    if (oid === INT8) return exactNumber;
    if (oid === INT8_ARRAY)
      return (text: string) =>
        (parse(text) as (string | null)[]).map((item) => (item === null ? null : exactNumber(item)));
    return parse;
  },
};

/** TypeORM keeps its pool of `pg` connections here. */
export function poolOf(dataSource: DataSource): pg.Pool {
  return (dataSource.driver as unknown as { readonly master: pg.Pool }).master;
}

/** What every pool is made with, whichever database it leads to. */
export function poolOptions(connectTimeoutMs: number): pg.PoolConfig {
  return {
    application_name: 'tributary',
    connectionTimeoutMillis: connectTimeoutMs,
    keepAlive: true,
    keepAliveInitialDelayMillis: KEEP_ALIVE_MS,
    types,
    async onConnect(client) {
      // The error of a lost connection reaches the query that runs on it; as an event without a listener it would end the process.
      client.on('error', () => {});
      await client.query(patient({ text: SESSION }, connectTimeoutMs));
    },
  };
}

/**
 * Takes a connection for the time of `work`; throws it away where `work` shows that it is broken. Waits for a free one no longer than the pool's
 * `connectionTimeoutMillis`. Throws `DatabaseUnavailable` where there is none, or where `pulse` finds the server silent.
 */
export async function withClient<T>(
  pool: pg.Pool,
  work: (client: pg.PoolClient) => Promise<T>,
  pulse?: Pulse,
): Promise<T> {
  const call = pulse?.begin();
  const working = onClient(pool, work, { pulse, call });
  if (!call) return working;
  working.catch(() => undefined);
  return Promise.race([working, call.cut]);
}

async function onClient<T>(
  pool: pg.Pool,
  work: (client: pg.PoolClient) => Promise<T>,
  { pulse, call }: { readonly pulse: Pulse | undefined; readonly call: Call | undefined },
): Promise<T> {
  let client: pg.PoolClient | undefined;
  let heard = false;
  try {
    client = await trusted(pool, pulse);
    if (call) call.client = client;
    const result = await work(client);
    heard = true;
    client.release();
    return result;
  } catch (error) {
    const broken = isBroken(error);
    heard = !broken;
    client?.release(broken);
    throw asDatabaseError(error);
  } finally {
    if (call) pulse?.end(call, heard);
  }
}

async function trusted(pool: pg.Pool, pulse: Pulse | undefined): Promise<pg.PoolClient> {
  for (;;) {
    const client = await pool.connect();
    if (!pulse || pulse.trusts(client)) return client;
    client.release(true);
  }
}

/** Runs one statement on a connection; gives up after `silenceMs` without an answer. */
export async function run<R>(
  client: pg.ClientBase,
  statement: Statement | string,
  options: RunOptions = {},
): Promise<{ readonly rows: R[]; readonly command: string }> {
  const { values, silenceMs = SILENCE_MS } = options;
  const named = typeof statement === 'string' ? { text: statement } : { name: statement.name, text: statement.text };
  return client.query<R & pg.QueryResultRow>(patient({ ...named, values: values as unknown[] | undefined }, silenceMs));
}

interface RunOptions {
  readonly values?: readonly unknown[] | undefined;
  readonly silenceMs?: number;
}

/** The driver's types lack `query_timeout`. https://node-postgres.com/apis/client#clientquery */
function patient(query: pg.QueryConfig, silenceMs: number): pg.QueryConfig {
  return Object.assign(query, { query_timeout: silenceMs });
}

import { randomBytes } from 'node:crypto';
import pg from 'pg';
import { postgresMissing, startPostgres } from '../../../libs/database/src/testing/postgres-suite.js';
import { onStop } from './cleanup.js';
import { parentOf } from './cpu.js';

export interface Postgres {
  readonly url: string;
  /** Of the postmaster, whose children do the work. */
  readonly pid: number;
  /** One statement on a connection of its own. */
  query<R extends pg.QueryResultRow>(text: string, values?: unknown[]): Promise<R[]>;
  stop(): Promise<void>;
}

export { postgresMissing };

let shared: Promise<Postgres> | undefined;

/** From now on who asks for no settings gets a database on one server that all share: for sizes that measure nothing. */
export function shareOneServer(): void {
  shared = startOne({ max_connections: '300' });
}

/** A server of its own, as it comes from Debian: fsync and synchronous commit are on unless `settings` say otherwise. */
export async function openPostgres(settings: Record<string, string> = {}): Promise<Postgres> {
  if (!shared || Object.keys(settings).length > 0) return startOne(settings);
  const { url, pid, query } = await shared;
  const database = new URL(url);
  database.pathname = `/bench_${randomBytes(6).toString('hex')}`;
  await query(`create database ${database.pathname.slice(1)}`);
  return { url: database.href, pid, query: querying(database.href), stop: async () => undefined };
}

async function startOne(settings: Record<string, string>): Promise<Postgres> {
  const server = await startPostgres({ durable: true, settings });
  const stop = onStop(() => server.stop());
  const pid = await withClient(server.url, async (client) => {
    const { rows } = await client.query<{ pid: number }>('select pg_backend_pid() as pid');
    return parentOf(rows[0]!.pid);
  });
  return { url: server.url, pid, query: querying(server.url), stop };
}

const querying =
  (url: string): Postgres['query'] =>
  (text, values) =>
    withClient(url, async (client) => (await client.query(text, values)).rows);

export async function withClient<T>(url: string, work: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  return work(client).finally(() => client.end());
}

/** What of the server's settings decides how durable and how fast it is. */
export async function postgresSettings({ query }: Postgres): Promise<Record<string, string>> {
  const names = [
    'server_version',
    'fsync',
    'synchronous_commit',
    'full_page_writes',
    'shared_buffers',
    'max_connections',
  ];
  const rows = await query<{ name: string; setting: string }>(
    `select name, current_setting(name) as setting from pg_settings where name = any($1)`,
    [names],
  );
  return Object.fromEntries(rows.map(({ name, setting }) => [name, setting]));
}

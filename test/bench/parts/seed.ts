import type pg from 'pg';
import { withClient } from './postgres.js';

/** What customers leave nothing in, or what is not theirs. */
const NOT_CLONED = [
  'account',
  'destination',
  'lease',
  'cursor',
  'shared_value',
  'api_key',
  'idempotency',
  'trace',
  'outbox',
  'migration',
  'migrations',
];
/** Customers made by one statement. */
const STEP = 2_000;

export interface Prototype {
  /** The run in the ids of its messages; it is sender 0 of it. */
  readonly run: string;
  readonly phone: string;
}

/**
 * Copies the only customer of a database until there are so many: every row of theirs with other ids, another phone number and other ids of messages, straight
 * into the tables, whatever their columns are. Customer n has the phone number of the prototype with n as its last eight digits. Ends with VACUUM ANALYZE, as
 * autovacuum would. Runs as a superuser, because no trigger is to fire.
 */
export async function cloneCustomers(url: string, { run, phone }: Prototype, customers: number): Promise<void> {
  await withClient(url, async (client) => {
    await client.query(`set session_replication_role = replica; set synchronous_commit = off; set jit = off`);
    for (const table of await tablesOf(client)) {
      const columns = await columnsOf(client, table);
      const { rows } = await client.query<{ row: string }>(`select to_jsonb(t)::text as row from ${table} t`);
      const templates = rows.map(({ row }) => row).filter((row) => ID.test(row));
      if (templates.length === 0) continue;
      for (let from = 1; from < customers; from += STEP) {
        const to = Math.min(from + STEP, customers) - 1;
        await client.query(cloning(table, columns), [from, to, templates, phone, `${run}-0-`, run]);
      }
    }
    await client.query('vacuum analyze');
    await client.query('checkpoint');
  });
}

/** An id of ours: a prefix and 32 hexadecimal digits, of which the last ten become the customer's number. */
const ID = /[a-z]{2,4}_[0-9a-f]{32}/;

const cloning = (table: string, columns: readonly string[]): string => `
insert into ${table} (${columns.join(', ')})
select ${columns.map((column) => `r.${column}`).join(', ')}
from generate_series($1::int, $2::int) n cross join unnest($3::text[]) x
cross join lateral jsonb_populate_record(null::${table}, replace(replace(regexp_replace(
  regexp_replace(x, '([a-z]{2,4}_[0-9a-f]{22})[0-9a-f]{10}', '\\1' || lpad(to_hex(n), 10, '0'), 'g'),
  '("dedupe_key": "[^"]{14})[^"]{8}', '\\1' || lpad(to_hex(n), 8, '0')),
  $4, left($4, -8) || lpad(n::text, 8, '0')), $5, $6 || '-' || n || '-')::jsonb) r`;

async function tablesOf(client: pg.Client): Promise<string[]> {
  const { rows } = await client.query<{ name: string }>(
    `select quote_ident(relname) as name from pg_class where relkind in ('r', 'p') and not relispartition and relnamespace = 'public'::regnamespace
     and relname <> all($1) order by 1`,
    [NOT_CLONED],
  );
  return rows.map(({ name }) => name);
}

/** Without those that number themselves. */
async function columnsOf(client: pg.Client, table: string): Promise<string[]> {
  const { rows } = await client.query<{ name: string }>(
    `select quote_ident(attname) as name from pg_attribute
     where attrelid = $1::regclass and attnum > 0 and not attisdropped and attidentity = '' and attgenerated = '' order by attnum`,
    [table],
  );
  return rows.map(({ name }) => name);
}

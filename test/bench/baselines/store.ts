import { randomUUID } from 'node:crypto';
import pg from 'pg';
import { openDatabase } from '#database';

interface Statement {
  readonly name: string;
  readonly text: string;
}

export interface BaselineStore {
  insert(id: string, body: string): Promise<unknown>;
  thread(message: { readonly id: string; readonly thread: string }, body: string): Promise<unknown>;
  close(): Promise<void>;
}

const TABLES = `
create table if not exists bench_message (id text primary key, body jsonb not null);
create table if not exists contact (id uuid primary key, name text);
create table if not exists identity (id bigint generated always as identity primary key, channel_id int not null, ext_id text not null,
  contact_id uuid not null, unique (channel_id, ext_id));
create table if not exists conversation (id bigint generated always as identity primary key, identity_id bigint not null, contact_id uuid not null,
  status int not null default 0, last_seq int not null, last_at timestamptz not null default now());
create unique index if not exists conversation_open on conversation (identity_id) where status = 0;
create table if not exists message (id uuid primary key, conversation_id bigint not null, seq int not null, channel_id int not null,
  provider_id text not null, body jsonb not null, at timestamptz not null default now(), unique (channel_id, provider_id), unique (conversation_id, seq));
create table if not exists outbox (id bigint generated always as identity primary key, conversation_id bigint not null, seq int not null,
  message_id uuid not null, part smallint not null);`;

const INSERT = {
  name: 'bench_insert',
  text: 'insert into bench_message (id, body) values ($1, $2) on conflict do nothing',
};

/** One statement for everything; $1 channel, $2 the provider's id, $3 sender, $4 body, $5 message id, $6 id of a new contact. */
const THREAD = {
  name: 'bench_thread',
  text: `
with dup as (select 1 from message where channel_id = $1 and provider_id = $2),
 exi as (select id, contact_id from identity where channel_id = $1 and ext_id = $3),
 newi as (insert into identity (channel_id, ext_id, contact_id) select $1, $3, $6 where not exists (select 1 from exi) and not exists (select 1 from dup)
   on conflict (channel_id, ext_id) do update set ext_id = excluded.ext_id returning id, contact_id),
 newc as (insert into contact (id, name) select contact_id, $3 from newi where contact_id = $6),
 idn as (select id, contact_id from exi where not exists (select 1 from dup) union all select id, contact_id from newi),
 conv as (insert into conversation (identity_id, contact_id, last_seq) select id, contact_id, 1 from idn
   on conflict (identity_id) where status = 0 do update set last_seq = conversation.last_seq + 1, last_at = now() returning id, last_seq),
 msg as (insert into message (id, conversation_id, seq, channel_id, provider_id, body) select $5, id, last_seq, $1, $2, $4 from conv
   on conflict (channel_id, provider_id) do nothing returning id, conversation_id, seq)
insert into outbox (conversation_id, seq, message_id, part)
select conversation_id, seq, id, (conversation_id % 64)::smallint from msg returning id, message_id, conversation_id, seq`,
};

type Query = (statement: Statement, values: unknown[]) => Promise<unknown>;

/** On Postgres by the driver alone, with ten connections; on the embedded database by the connection that the product uses. */
export async function openBaselineStore(env: NodeJS.ProcessEnv): Promise<BaselineStore> {
  const { query, close } = env['BENCH_URL'] ? await onPostgres(env['BENCH_URL']) : await onEmbedded(env['BENCH_DATA']!);
  return {
    insert: (id, body) => query(INSERT, [id, body]),
    thread: ({ id, thread }, body) => query(THREAD, [1, id, thread, body, randomUUID(), randomUUID()]),
    close,
  };
}

async function onPostgres(url: string): Promise<{ query: Query; close(): Promise<void> }> {
  const pool = new pg.Pool({ connectionString: url, max: 10 });
  await pool.query(TABLES);
  return { query: (statement, values) => pool.query({ ...statement, values }), close: () => pool.end() };
}

async function onEmbedded(dataDir: string): Promise<{ query: Query; close(): Promise<void> }> {
  const database = await openDatabase({ dataDir, entities: [], migrations: [] });
  for (const table of TABLES.split(';').filter((text) => text.trim())) await database.query(table);
  return { query: (statement, values) => database.query(statement, values), close: () => database.close() };
}

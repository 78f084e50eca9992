/**
 * The tables of the store. What every message updates keeps room on its pages and is in no index by a column that changes, so that an update stays on its page
 * and touches no index; what is only written and pruned is vacuumed in small steps. `position` columns are the order of insertion, which within a conversation or lane is the order of commit.
 */
export const TABLES = `
create table account (
  id text primary key,
  type text not null,
  name text,
  config jsonb not null,
  continuity text not null check (continuity in ('contact', 'thread')),
  reopen_within_s int not null default 259200,
  hosted boolean not null default false,
  enabled boolean not null default true,
  managed_by text not null default 'api' check (managed_by in ('file', 'api')),
  state text not null default 'connecting',
  state_detail text,
  state_link text,
  removed_at timestamptz,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now()
);

create table destination (
  id text primary key,
  type text not null,
  name text,
  config jsonb not null,
  secrets jsonb not null default '[]',
  filter_events text[],
  filter_accounts text[],
  filter_channels text[],
  state text not null default 'active' check (state in ('active', 'paused')),
  paused_reason text,
  probe_at timestamptz,
  probes int not null default 0,
  managed_by text not null default 'api' check (managed_by in ('file', 'api')),
  removed_at timestamptz,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now()
);

create table thread (
  id text primary key,
  account_id text not null,
  external_id text not null,
  contact_id text not null,
  home text,
  conversation_id text,
  handles jsonb not null default '[]',
  sequence int not null default 0,
  delivered_to int not null default 0,
  read_to int not null default 0,
  open_choices jsonb,
  last_inbound_at timestamptz,
  sent_since_inbound int not null default 0,
  unsent int not null default 0,
  granted_until timestamptz,
  granted_left int not null default 0,
  opted_out_at timestamptz,
  refused_at timestamptz,
  refused_for text,
  created_at timestamptz not null default now(),
  unique (account_id, external_id)
) with (fillfactor = 80, autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 1000);
create index thread_contact on thread (contact_id);

create table conversation (
  id text primary key,
  contact_id text not null,
  home text,
  status text not null default 'open' check (status in ('open', 'pending', 'closed')),
  subject text,
  priority text not null default 'normal',
  tags text[] not null default '{}',
  metadata jsonb not null default '{}',
  queue text,
  routing jsonb,
  set_by_hand text[] not null default '{}',
  continuity text not null,
  event_sequence int not null default 0,
  message_sequence int not null default 0,
  last_thread_id text,
  view jsonb,
  closed_at timestamptz,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now()
) with (fillfactor = 80, autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 1000);
create index conversation_contact on conversation (contact_id);

create table conversation_thread (
  conversation_id text not null,
  thread_id text not null,
  added_at timestamptz not null default now(),
  primary key (conversation_id, thread_id)
);
create index conversation_thread_thread on conversation_thread (thread_id);

create table reference (
  conversation_id text not null,
  destination_id text not null,
  ticket_id text not null,
  url text,
  updated_at timestamptz not null default now(),
  primary key (conversation_id, destination_id)
);
create index reference_ticket on reference (destination_id, ticket_id);

create table message (
  id text primary key,
  conversation_id text not null,
  thread_id text not null,
  account_id text not null,
  sequence int not null,
  thread_sequence int not null,
  direction text not null,
  author jsonb not null,
  parts jsonb not null,
  text text not null,
  subject text,
  reply_to text,
  status text not null,
  failure jsonb,
  automated boolean not null default false,
  external_ids text[] not null default '{}',
  client_key text,
  fallback jsonb,
  occurred_at timestamptz not null,
  received_at timestamptz not null,
  send_at timestamptz,
  fallback_at timestamptz,
  deleted_at timestamptz,
  quoted text,
  unique (conversation_id, sequence)
) with (fillfactor = 90, autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_insert_scale_factor = 0.05);
create index message_thread on message (thread_id, thread_sequence);
create index message_send_at on message (send_at) where send_at is not null and thread_sequence = 0;
create index message_fallback_at on message (fallback_at) where fallback_at is not null;

create table unit (
  id text primary key,
  message_id text not null,
  account_id text not null,
  thread_id text not null,
  index int not null,
  count int not null,
  content jsonb not null,
  status text not null default 'queued' check (status in ('queued', 'started', 'sent', 'delivered', 'read', 'failed')),
  failure jsonb,
  external_ids text[] not null default '{}',
  superseded boolean not null default false,
  started_token bigint,
  counted text check (counted in ('window', 'grant')),
  expires_at timestamptz,
  updated_at timestamptz not null default now()
) with (fillfactor = 80, autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 1000);
create index unit_message on unit (message_id, index);

create table inbox (
  account_id text not null,
  dedupe_key text not null,
  item_id text,
  received_at timestamptz not null,
  primary key (account_id, dedupe_key)
) with (autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_insert_scale_factor = 0.05);
create index inbox_received on inbox (received_at);

create table external_ref (
  account_id text not null,
  external_id text not null,
  message_id text not null,
  unit_id text,
  created_at timestamptz not null default now(),
  primary key (account_id, external_id)
) with (autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_insert_scale_factor = 0.05);

create table early_receipt (
  account_id text not null,
  external_id text not null,
  receipt jsonb not null,
  received_at timestamptz not null default now()
);
create index early_receipt_ref on early_receipt (account_id, external_id);

create table poison (
  id text primary key,
  account_id text not null,
  dedupe_key text not null,
  stage text not null default 'store' check (stage in ('parse', 'store', 'action')),
  input jsonb not null,
  error text not null,
  created_at timestamptz not null default now(),
  resolved_at timestamptz
);
create unique index poison_open on poison (account_id, dedupe_key) where resolved_at is null;

create table event (
  position bigint generated always as identity primary key,
  id text not null unique,
  type text not null,
  conversation_id text,
  contact_id text,
  account_id text,
  sequence int,
  data jsonb,
  created_at timestamptz not null
) with (autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_insert_scale_factor = 0.05);
create index event_conversation on event (conversation_id, sequence) where conversation_id is not null;
create index event_created on event (created_at);

create table outbox (
  position bigint generated always as identity primary key,
  partition smallint not null,
  lane text not null,
  kind text not null,
  target_id text not null,
  item_id text not null,
  replay boolean not null default false,
  attempts int not null default 0,
  first_attempt_at timestamptz,
  due_at timestamptz,
  failure jsonb,
  created_at timestamptz not null default now()
) with (fillfactor = 85, autovacuum_vacuum_scale_factor = 0.01, autovacuum_vacuum_threshold = 1000, autovacuum_vacuum_cost_delay = 0);
create index outbox_target on outbox (kind, target_id, position);
create index outbox_lane on outbox (lane, position);
create index outbox_tried on outbox (kind, target_id) where attempts > 0;

create table delivery (
  destination_id text not null,
  event_id text not null,
  state text not null check (state in ('delivered', 'dead')),
  attempts int not null,
  failure jsonb,
  settled_at timestamptz not null default now(),
  primary key (destination_id, event_id)
) with (autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_insert_scale_factor = 0.05);
create index delivery_settled on delivery (destination_id, state, settled_at);
create index delivery_age on delivery (state, settled_at);

create table lease (
  name text primary key,
  holder text not null,
  token bigint not null default 1,
  expires_at timestamptz not null
) with (fillfactor = 50, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 200);

create table file (
  id text primary key,
  storage_key text,
  mime_type text not null,
  bytes bigint,
  name text,
  width int,
  height int,
  duration_ms int,
  sha256 text,
  state text not null default 'ready' check (state in ('pending', 'ready', 'unavailable')),
  account_id text,
  message_id text,
  ref text,
  attempts int not null default 0,
  due_at timestamptz,
  reason text,
  owner text,
  created_at timestamptz not null default now()
);
create index file_pending on file (due_at) where state = 'pending';
create index file_message on file (message_id) where message_id is not null;

create table idempotency (
  scope text not null,
  key text not null,
  fingerprint text not null,
  claim text,
  status int,
  body jsonb,
  created_at timestamptz not null default now(),
  primary key (scope, key)
) with (fillfactor = 70);
create index idempotency_created on idempotency (created_at);

create table api_key (
  id text primary key,
  name text not null,
  hash text not null unique,
  scopes text[] not null,
  accounts text[],
  expires_at timestamptz,
  created_at timestamptz not null default now(),
  last_used_at timestamptz
);

create table trace (
  position bigint generated always as identity primary key,
  account_id text,
  destination_id text,
  message_id text,
  event_id text,
  direction text not null,
  exchange jsonb not null,
  created_at timestamptz not null default now()
) with (autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_insert_scale_factor = 0.05);
create index trace_message on trace (message_id) where message_id is not null;
create index trace_account on trace (account_id, position) where account_id is not null;
create index trace_event on trace (event_id) where event_id is not null;
create index trace_created on trace (created_at);

create table setting (
  name text primary key,
  value jsonb not null,
  updated_at timestamptz not null default now()
);

create table cursor (
  name text primary key,
  value text not null,
  updated_at timestamptz not null default now()
) with (fillfactor = 50);

create table shared_value (
  name text primary key,
  value text not null,
  expires_at timestamptz not null
) with (fillfactor = 50);
`;

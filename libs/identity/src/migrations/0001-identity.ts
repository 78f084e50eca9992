import type { MigrationInterface, QueryRunner } from 'typeorm';
import { CODE } from '../sql/code.sql.js';
import { COMPANY_CHANGE } from '../sql/company-change.sql.js';
import { HANDLE_CHANGE } from '../sql/handle-change.sql.js';
import { CRM } from '../sql/crm.sql.js';
import { MERGE } from '../sql/merge.sql.js';
import { RESOLVE_CONTACT } from '../sql/resolve-contact.sql.js';
import { CONTACT_VIEW } from '../sql/contact-view.sql.js';
import { IMPORT } from '../sql/import.sql.js';
import { SEARCH } from '../sql/search.sql.js';

/** Contacts, their handles and companies. Hot tables carry no foreign keys (they cost a third of the server's time per message). */
export class Identity1700000000001 implements MigrationInterface {
  name = 'Identity1700000000001';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(TABLES);
    await runner.query(NEW_ID);
    await runner.query(SEARCH);
    await runner.query(CONTACT_VIEW);
    await runner.query(COMPANY_CHANGE);
    await runner.query(HANDLE_CHANGE);
    await runner.query(IMPORT);
    await runner.query(MERGE);
    await runner.query(RESOLVE_CONTACT);
    await runner.query(CODE);
    await runner.query(CRM);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`
      drop function apply_crm, link_crm, crm_company; drop function ask_code; drop table code, introduction;
      drop function resolve_contact, is_another, prove_handle, survivor_of, may_join, are_kept_apart, are_two, empty_out, part_conversations, undo_merge, merge_contacts, handles_of, lock_people, root_contact; drop function import_batch, import_contact, import_owner, import_company_of, import_company, merge_metadata, import_fault; drop table import_row, import;
      drop function follow_company, delete_company, tell_company, tell_of_company, put_off; drop table company_change; drop function note_handle, handle_since; drop table handle_change; drop function contact_view, draw_contact; drop function new_id;
      drop table contact_conflict, merge, handle, contact, company; drop function contact_changed, handle_changed, handle_raised, company_changed, grams;`);
  }
}

/** The same form as `newId()` of the normalizer: prefix, 48-bit milliseconds, random digits. */
const NEW_ID = `
create function new_id(prefix text) returns text language sql volatile as $$
  select prefix || '_' || lpad(to_hex((extract(epoch from clock_timestamp()) * 1000)::bigint), 12, '0')
    || substr(replace(gen_random_uuid()::text, '-', ''), 13)
$$;`;

const TABLES = `
create table company (
  id text primary key,
  external_id text unique,
  name text not null,
  level text,
  products text[] not null default '{}',
  contracts jsonb not null default '[]',
  metadata jsonb not null default '{}',
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now()
);
create table contact (
  id text primary key,
  name text,
  company_id text references company (id) on delete set null,
  crm jsonb,
  metadata jsonb not null default '{}',
  blocked boolean not null default false,
  merged_into text,
  view jsonb,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now()
);
create index contact_merged on contact (merged_into) where merged_into is not null;
create index contact_company on contact (company_id) where company_id is not null;

create table handle (
  id text primary key,
  contact_id text not null,
  home text,
  scheme text not null,
  scope text not null default '',
  value text not null,
  proof text not null check (proof in ('claimed', 'channel', 'verified')),
  claimed_on text,
  source text,
  created_at timestamptz not null default now(),
  proven_at timestamptz
);
create unique index handle_proven on handle (scheme, scope, value) where proof <> 'claimed';
create unique index handle_claimed on handle (scheme, scope, value, claimed_on) where proof = 'claimed' and claimed_on is not null;
create index handle_contact on handle (contact_id);
create index handle_value on handle (value);

create table merge (
  id text primary key,
  survivor_id text not null,
  merged_id text not null,
  reason text not null,
  by text,
  moved jsonb not null,
  created_at timestamptz not null default now(),
  undone_at timestamptz,
  undone_by text
);
create index merge_survivor on merge (survivor_id);
create unique index merge_standing on merge (merged_id) where undone_at is null;
create index merge_merged on merge (merged_id);

create table contact_conflict (
  id text primary key,
  handle jsonb not null,
  contact_ids text[] not null,
  created_at timestamptz not null default now(),
  resolution text check (resolution in ('merged', 'kept', 'moved')),
  resolved_by text,
  resolved_at timestamptz
);
create unique index contact_conflict_open on contact_conflict (contact_ids, handle) where resolved_at is null;
`;

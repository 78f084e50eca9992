import type { Sql } from '#database';
import { e164, newId, type Contact } from '#normalizer';

/** A contact with what only the API shows. */
export interface ContactRecord extends Contact {
  readonly metadata: Record<string, unknown>;
  readonly blocked: boolean;
  readonly createdAt: string;
  readonly updatedAt: string;
}

export interface ContactFilter {
  readonly handle?: { scheme: string; scope: string; value: string } | undefined;
  readonly search?: ContactSearch | undefined;
  readonly companyId?: string | undefined;
  /** Service level of the company. */
  readonly level?: string | undefined;
  readonly blocked?: boolean | undefined;
}

/** What a person typed to find somebody, and the phone numbers (or parts of one, digits alone) that it may mean. */
export interface ContactSearch {
  readonly text: string;
  readonly numbers: readonly string[];
}

export interface ContactPage {
  readonly filter: ContactFilter;
  readonly after: string | null;
  readonly limit: number;
  /** SQL that yields the ids which may be seen; its parameter is written `$`. */
  readonly within: { text: string; value: readonly string[] } | null;
}

const VIEW = `contact_view(c.id) || jsonb_build_object('metadata', c.metadata, 'blocked', c.blocked, 'createdAt', iso(c.created_at),
  'updatedAt', iso(c.updated_at)) as view`;

/** What a person types, as it is looked for: a phone number in any spelling also by its digits. `country` is that of numbers without country code. */
export function contactSearch(text: string, country?: string): ContactSearch {
  const bare = text
    .normalize('NFKC')
    .replace(/\p{Cf}/gu, '')
    .replace(/^tel:/i, '')
    .trim();
  if (!/^\+?[\d\s().\-/]{3,}$/.test(bare)) return { text, numbers: [] };
  const digits = bare.replace(/\D/g, '').replace(/^0+/, '');
  const whole = e164(bare, country);
  return { text, numbers: [...(whole ? [whole] : []), ...(digits.length >= 3 ? [digits] : [])] };
}

/**
 * Contacts in order of their making. A handle finds all who have it, the one who proved it first of all; a search all whose name, company or handle
 * holds the text. Each of the three is looked for by itself, no further than the page reaches.
 */
export async function listContacts(sql: Sql, page: ContactPage): Promise<ContactRecord[]> {
  const { filter: f, within } = page;
  const values: unknown[] = [page.after ?? '', page.limit];
  const use = (value: unknown): string => `$${values.push(value)}`;
  const admitted = [
    'c.merged_into is null and c.id > $1',
    ...(f.companyId === undefined ? [] : [`c.company_id = ${use(f.companyId)}`]),
    ...(f.level === undefined ? [] : [`c.company_id in (select k.id from company k where k.level = ${use(f.level)})`]),
    ...(f.blocked === undefined ? [] : [f.blocked ? 'c.blocked' : 'not c.blocked']),
    ...(f.handle ? [`c.id in (${owners(f.handle, use)})`] : []),
    ...(within ? [`c.id in (${within.text.replace('$', use(within.value))})`] : []),
  ].join(' and ');
  const found = f.search ? `c.id in (${branches(f.search, admitted, use)})` : admitted;
  const rows = await sql.query<{ view: ContactRecord }>(
    `select ${VIEW} from contact c where ${found} order by c.id limit $2`,
    values,
  );
  return rows.map((row) => row.view);
}

type Use = (value: unknown) => string;

function owners({ scheme, scope, value }: NonNullable<ContactFilter['handle']>, use: Use): string {
  return `select h.contact_id from handle h where h.scheme = ${use(scheme)} and h.scope = ${use(scope)} and h.value = ${use(value)}`;
}

function branches({ text, numbers }: ContactSearch, admitted: string, use: Use): string {
  const typed = use(text);
  const holds = (column: string, part: string) =>
    `(grams(${column}) @> grams(${part}::text) and position(lower(${part}) in lower(${column})) > 0)`;
  const handles = [
    holds('h.value', typed),
    ...numbers.map((n) => `(h.scheme = 'phone' and ${holds('h.value', use(n))})`),
  ];
  return [
    `(select c.id from contact c where ${admitted} and ${holds('c.name', typed)} order by c.id limit $2)`,
    `(select distinct c.id from handle h join contact c on c.id = h.contact_id where ${admitted} and (${handles.join(' or ')}) order by c.id limit $2)`,
    `(select c.id from company k join contact c on c.company_id = k.id where ${admitted} and ${holds('k.name', typed)} order by c.id limit $2)`,
  ].join(' union ');
}

/** One contact, or null; one that was merged away is gone. */
export async function findContact(sql: Sql, id: string): Promise<ContactRecord | null> {
  const [row] = await sql.query<{ view: ContactRecord }>(
    `select ${VIEW} from contact c where c.id = $1 and c.merged_into is null`,
    [id],
  );
  return row?.view ?? null;
}

/** Who took the place of a contact that was merged away, or null. */
export async function findSurvivor(sql: Sql, id: string): Promise<string | null> {
  const [row] = await sql.query<{ id: string }>(
    'select root_contact(id) as id from contact where id = $1 and merged_into is not null',
    [id],
  );
  return row?.id ?? null;
}

export interface ContactChange {
  readonly name?: string | null | undefined;
  readonly companyId?: string | null | undefined;
  readonly crm?: Contact['crm'] | undefined;
  readonly blocked?: boolean | undefined;
  /** Merged key by key; null removes a key. */
  readonly metadata?: Readonly<Record<string, unknown>> | undefined;
}

/** Makes a contact without handles; returns its id. */
export async function insertContact(sql: Sql, input: ContactChange): Promise<string> {
  const id = newId('con');
  await sql.query(
    `insert into contact (id, name, company_id, crm, blocked, metadata) values ($1, $2, $3, $4::jsonb, $5, merge_metadata('{}', $6::jsonb))`,
    [
      id,
      input.name ?? null,
      input.companyId ?? null,
      input.crm ? JSON.stringify(input.crm) : null,
      input.blocked ?? false,
      JSON.stringify(input.metadata ?? {}),
    ],
  );
  return id;
}

const CHANGE = `with old as (select * from contact where id = $1 and merged_into is null for update),
  next as (select id, case when $2 then $3 else name end as name, case when $4 then $5 else company_id end as company_id,
    case when $6 then $7::jsonb else crm end as crm, coalesce($8::boolean, blocked) as blocked, merge_metadata(metadata, $9::jsonb) as metadata from old),
  seen as (select array_remove(array[case when n.name is distinct from o.name then 'name' end, case when n.company_id is distinct from o.company_id then 'company' end,
    case when n.crm is distinct from o.crm then 'crm' end, case when n.blocked <> o.blocked then 'blocked' end,
    case when n.metadata <> o.metadata then 'metadata' end], null) as changes from old o, next n),
  done as (update contact c set name = n.name, company_id = n.company_id, crm = n.crm, blocked = n.blocked, metadata = n.metadata, updated_at = clock_timestamp()
    from next n, seen s where c.id = n.id and s.changes <> '{}')
  select changes from seen`;

/** Changes what is given; returns the names of what is different now, or null where there is no such contact. */
export async function updateContact(sql: Sql, id: string, change: ContactChange): Promise<string[] | null> {
  const { name, companyId, crm, blocked, metadata } = change;
  const [row] = await sql.query<{ changes: string[] }>(CHANGE, [
    id,
    ...[name !== undefined, name ?? null, companyId !== undefined, companyId ?? null],
    ...[crm !== undefined, crm ? JSON.stringify(crm) : null, blocked ?? null, JSON.stringify(metadata ?? {})],
  ]);
  if (row?.changes.includes('blocked')) await sql.query(DECIDED, [id]);
  return row?.changes ?? null;
}

/** What a person decides of being blocked is no longer what a merge filled in: undoing it leaves it alone. */
const DECIDED = `update merge set moved = moved #- '{filled,blocked}' where survivor_id = $1 and undone_at is null and moved->'filled' ? 'blocked'`;

/** Gives a contact that has none the name by which a channel knows them, and tells the stream. A name that somebody gave stays. */
export async function nameContact(
  sql: Sql,
  id: string,
  { name, accountId }: { readonly name: string; readonly accountId: string },
): Promise<boolean> {
  const [named] = await sql.query<{ id: string; blocked: boolean }>(
    `update contact set name = $2, updated_at = clock_timestamp() where id = root_contact($1) and name is null returning id, blocked`,
    [id, name],
  );
  if (named && !named.blocked)
    await sql.query(`select emit('contact.updated', null, $1, $2, '{"changes": ["name"]}', clock_timestamp())`, [
      named.id,
      accountId,
    ]);
  return named !== undefined;
}

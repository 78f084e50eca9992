import type { Sql } from '#database';
import { newId, type Contact } from '#normalizer';

/** A contact with what only the API shows. */
export interface ContactRecord extends Contact {
  readonly blocked: boolean;
  readonly createdAt: string;
  readonly updatedAt: string;
}

export interface ContactFilter {
  readonly handle?: { scheme: string; scope: string; value: string } | undefined;
  /** Part of the name, any case. */
  readonly name?: string | undefined;
  readonly companyId?: string | undefined;
}

export interface ContactPage {
  readonly filter: ContactFilter;
  readonly after: string | null;
  readonly limit: number;
  /** SQL that yields the ids which may be seen; its parameter is written `$`. */
  readonly within: { text: string; value: readonly string[] } | null;
}

const VIEW = `contact_view(c.id) || jsonb_build_object('blocked', c.blocked, 'createdAt', iso(c.created_at), 'updatedAt', iso(c.updated_at)) as view`;

/** Contacts in order of their making. A handle finds all who have it, the one who proved it first of all. */
export async function listContacts(sql: Sql, page: ContactPage): Promise<ContactRecord[]> {
  const { filter: f, within } = page;
  const rows = await sql.query<{ view: ContactRecord }>(
    `select ${VIEW} from contact c
    where c.merged_into is null and c.id > $1
      and ($2::text is null or c.id in (select h.contact_id from handle h where h.scheme = $2 and h.scope = $3 and h.value = $4))
      and ($5::text is null or position(lower($5) in lower(c.name)) > 0)
      and ($6::text is null or c.company_id = $6)
      ${within ? `and c.id in (${within.text.replace('$', '$8')})` : ''}
    order by c.id limit $7`,
    [
      page.after ?? '',
      f.handle?.scheme ?? null,
      f.handle?.scope ?? null,
      f.handle?.value ?? null,
      f.name ?? null,
      f.companyId ?? null,
      page.limit,
      ...(within ? [within.value] : []),
    ],
  );
  return rows.map((row) => row.view);
}

/** One contact, or null; one that was merged away is gone. */
export async function findContact(sql: Sql, id: string): Promise<ContactRecord | null> {
  const [row] = await sql.query<{ view: ContactRecord }>(
    `select ${VIEW} from contact c where c.id = $1 and c.merged_into is null`,
    [id],
  );
  return row?.view ?? null;
}

export interface ContactChange {
  readonly name?: string | null | undefined;
  readonly companyId?: string | null | undefined;
  readonly crm?: Contact['crm'] | undefined;
  readonly blocked?: boolean | undefined;
}

/** Makes a contact without handles; returns its id. */
export async function insertContact(sql: Sql, input: ContactChange): Promise<string> {
  const id = newId('con');
  await sql.query('insert into contact (id, name, company_id, crm, blocked) values ($1, $2, $3, $4::jsonb, $5)', [
    id,
    input.name ?? null,
    input.companyId ?? null,
    input.crm ? JSON.stringify(input.crm) : null,
    input.blocked ?? false,
  ]);
  return id;
}

/** Changes what is given; returns the names of what is different now, or null where there is no such contact. */
export async function updateContact(sql: Sql, id: string, change: ContactChange): Promise<string[] | null> {
  const [old] = await sql.query<{ name: string | null; company_id: string | null; crm: unknown; blocked: boolean }>(
    'select name, company_id, crm, blocked from contact where id = $1 and merged_into is null for update',
    [id],
  );
  if (!old) return null;
  const next = {
    name: change.name === undefined ? old.name : change.name,
    company: change.companyId === undefined ? old.company_id : change.companyId,
    crm: change.crm === undefined ? old.crm : change.crm,
    blocked: change.blocked ?? old.blocked,
  };
  const before: typeof next = { name: old.name, company: old.company_id, crm: old.crm, blocked: old.blocked };
  const changed = (Object.keys(next) as (keyof typeof next)[]).filter(
    (key) => JSON.stringify(next[key]) !== JSON.stringify(before[key]),
  );
  if (changed.length > 0) {
    await sql.query(
      'update contact set name = $2, company_id = $3, crm = $4::jsonb, blocked = $5, updated_at = clock_timestamp() where id = $1',
      [id, next.name, next.company, next.crm === null ? null : JSON.stringify(next.crm), next.blocked],
    );
  }
  return changed;
}

import type { Sql } from '#database';
import type { Contact, Handle } from '#normalizer';

/** A handle that is proven to be one contact's, and was brought by another. */
export interface ConflictRecord {
  readonly id: string;
  readonly handle: Handle;
  readonly contactIds: string[];
  /** Both sides as they are now; whoever was merged away is shown as who took its place. */
  readonly contacts: Contact[];
  readonly resolution: 'merged' | 'kept' | 'moved' | null;
  readonly resolvedBy: string | null;
  readonly createdAt: string;
  readonly resolvedAt: string | null;
}

const VIEW = `f.id, f.handle, f.contact_ids as "contactIds", f.resolution, f.resolved_by as "resolvedBy", iso(f.created_at) as "createdAt",
  iso(f.resolved_at) as "resolvedAt",
  (select coalesce(jsonb_agg(contact_view(r.id) order by r.id), '[]') from (select distinct root_contact(x) as id from unnest(f.contact_ids) x) r
    where exists (select 1 from contact c where c.id = r.id)) as contacts`;

/** In order of their making: those that wait for a person, or those that are decided. */
export function listConflicts(
  sql: Sql,
  page: { state: 'open' | 'resolved'; after: string | null; limit: number },
): Promise<ConflictRecord[]> {
  return sql.query<ConflictRecord & Record<string, unknown>>(
    `select ${VIEW} from contact_conflict f where (f.resolved_at is null) = ($1 = 'open') and f.id > $2 order by f.id limit $3`,
    [page.state, page.after ?? '', page.limit],
  );
}

export async function findConflict(sql: Sql, id: string): Promise<ConflictRecord | null> {
  const [row] = await sql.query<ConflictRecord & Record<string, unknown>>(
    `select ${VIEW} from contact_conflict f where f.id = $1`,
    [id],
  );
  return row ?? null;
}

/** Takes a conflict that waits, for the caller's transaction alone; null where it is decided, or being decided at this moment by somebody else who wins. */
export async function takeConflict(sql: Sql, id: string): Promise<ConflictRecord | null> {
  const rows = await sql.query(`select 1 from contact_conflict where id = $1 and resolved_at is null for update`, [id]);
  return rows.length > 0 ? findConflict(sql, id) : null;
}

export async function settleConflict(
  sql: Sql,
  id: string,
  { resolution, by }: { resolution: 'merged' | 'kept' | 'moved'; by: string },
): Promise<void> {
  await sql.query(
    `update contact_conflict set resolved_at = clock_timestamp(), resolution = $2, resolved_by = $3 where id = $1`,
    [id, resolution, by],
  );
}

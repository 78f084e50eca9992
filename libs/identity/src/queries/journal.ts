import type { Sql } from '#database';
import type { Handle } from '#normalizer';

/** A merge, standing or undone. */
export interface MergeRecord {
  readonly id: string;
  readonly survivorId: string;
  readonly mergedId: string;
  readonly reason: string;
  /** Who joined them: `key:ID`, or what the proof came by. */
  readonly by: string | null;
  /** What moved, as it is now. */
  readonly handles: Handle[];
  readonly threadIds: string[];
  readonly conversationIds: string[];
  readonly createdAt: string;
  readonly undoneAt: string | null;
  readonly undoneBy: string | null;
}

/** Something that happened to who a contact is. */
export interface JournalEntry {
  readonly id: string;
  readonly at: string;
  readonly type: 'handle' | 'raised' | 'removed' | 'moved' | 'merged' | 'unmerged' | 'conflict' | 'resolved';
  readonly by: string | null;
  readonly handle?: Handle;
  readonly merge?: MergeRecord;
  readonly conflict?: { id: string; contactIds: string[]; resolution: string | null };
}

const VIEW = `jsonb_build_object('id', m.id, 'survivorId', m.survivor_id, 'mergedId', m.merged_id, 'reason', m.reason, 'by', m.by,
  'handles', handles_of(m.moved->'handles'), 'threadIds', m.moved->'threads', 'conversationIds', m.moved->'conversations',
  'createdAt', iso(m.created_at), 'undoneAt', iso(m.undone_at), 'undoneBy', m.undone_by)`;
const HANDLE = `jsonb_build_object('scheme', h.scheme, 'scope', h.scope, 'value', h.value, 'proof', h.proof)`;
const CONFLICT = `jsonb_build_object('id', f.id, 'contactIds', f.contact_ids, 'resolution', f.resolution)`;

export async function findMerge(sql: Sql, id: string): Promise<MergeRecord | null> {
  const [row] = await sql.query<{ view: MergeRecord }>(`select ${VIEW} as view from merge m where m.id = $1`, [id]);
  return row?.view ?? null;
}

const ENTRIES = `
  with past as (
    select c.* from handle_change c where c.contact_id = $1
      or c.what = 'raised' and exists (select 1 from handle h where h.id = c.handle_id and h.contact_id = $1 and c.at > handle_since(h)))
  select e.id, iso(e.at) as at, e.type, e.by, e.detail from (
    select x.* from (
      select distinct on (x.id) x.id, x.at, 'handle' as type, x.by, jsonb_build_object('handle', x.handle) as detail from ( -- as it was at first
        select p.handle_id as id, p.since as at, p.source as by, p.handle, p.id as change from past p
        union all
        select h.id, handle_since(h), h.source, ${HANDLE}, null from handle h where h.contact_id = $1) x
      order by x.id, x.change nulls last) x
    union all
    select p.id, p.at, p.what, p.by, jsonb_build_object('handle', p.handle || jsonb_build_object('proof', coalesce(p.proof, p.handle->>'proof'))) from past p
    union all
    select m.id, m.created_at, 'merged', m.by, jsonb_build_object('merge', ${VIEW}) from merge m where $1 in (m.survivor_id, m.merged_id)
    union all
    select m.id || ':undone', m.undone_at, 'unmerged', m.undone_by, jsonb_build_object('merge', ${VIEW})
    from merge m where $1 in (m.survivor_id, m.merged_id) and m.undone_at is not null
    union all
    select f.id, f.created_at, 'conflict', null, jsonb_build_object('handle', f.handle, 'conflict', ${CONFLICT}) from contact_conflict f where $1 = any (f.contact_ids)
    union all
    select f.id || ':resolved', f.resolved_at, 'resolved', f.resolved_by, jsonb_build_object('handle', f.handle, 'conflict', ${CONFLICT})
    from contact_conflict f where $1 = any (f.contact_ids) and f.resolved_at is not null) e
  where $2::timestamptz is null or (date_trunc('milliseconds', e.at), e.id) > ($2, $3) order by date_trunc('milliseconds', e.at), e.id limit $4`;

/** What happened to who this contact is, oldest first: handles with who vouches for them, what became of them, merges, conflicts. */
export async function readJournal(
  sql: Sql,
  contactId: string,
  page: { after: readonly [at: string, id: string] | null; limit: number },
): Promise<JournalEntry[]> {
  const [at, id] = page.after ?? [null, null];
  const rows = await sql.query<JournalEntry & { detail: object }>(ENTRIES, [contactId, at, id, page.limit]);
  return rows.map(({ detail, ...entry }) => ({ ...entry, ...detail }));
}

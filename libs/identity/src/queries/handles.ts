import type { Sql } from '#database';
import { newId, type Handle } from '#normalizer';

/** The handle is proven to be another contact's. */
export class HandleTaken extends Error {
  override readonly name = 'HandleTaken';

  constructor(readonly contactId: string) {
    super('the handle belongs to another contact');
  }
}

/**
 * Gives a contact a handle, which must be normalized; a handle that it has is raised to the better proof. `source` says who vouches for it. Returns whether
 * anything changed.
 * Throws `HandleTaken` for a proven handle of another contact: only a merge joins people.
 */
export async function addHandle(
  sql: Sql,
  contactId: string,
  { source = null, ...handle }: Handle & { source?: string | null },
): Promise<boolean> {
  const { scheme, scope, value, proof } = handle;
  const [own] = await sql.query<{ id: string; proof: Handle['proof'] }>(OWN, [contactId, scheme, scope, value]);
  if (own && RANK[own.proof] >= RANK[proof]) return false;
  if (proof !== 'claimed') await demandFree(sql, contactId, handle);
  if (own) {
    await sql.query(RAISE, [own.id, proof, source]);
    return true;
  }
  const rows = await sql.query(INSERT, [newId('hdl'), contactId, scheme, scope, value, proof, source]);
  if (rows.length === 0) await demandFree(sql, contactId, handle);
  return rows.length > 0;
}

const RANK = { claimed: 0, channel: 1, verified: 2 } as const;
const OWN = `select id, proof from handle where contact_id = $1 and scheme = $2 and scope = $3 and value = $4
  order by proof = 'claimed' limit 1 for update`;
const RAISE = `update handle set proof = $2, source = $3, proven_at = clock_timestamp(), claimed_on = null where id = $1`;
const INSERT = `insert into handle (id, contact_id, scheme, scope, value, proof, source, proven_at)
  values ($1, $2, $3, $4, $5, $6, $7, case when $6 <> 'claimed' then clock_timestamp() end)
  on conflict (scheme, scope, value) where proof <> 'claimed' do nothing returning 1`;

async function demandFree(sql: Sql, contactId: string, { scheme, scope, value }: Handle): Promise<void> {
  const [owner] = await sql.query<{ contact_id: string }>(
    `select contact_id from handle where scheme = $1 and scope = $2 and value = $3 and proof <> 'claimed' and contact_id <> $4`,
    [scheme, scope, value, contactId],
  );
  if (owner) throw new HandleTaken(owner.contact_id);
}

/** A handle with what is known of its proof. */
export interface HandleRecord extends Handle {
  readonly source: string | null;
  readonly createdAt: string;
  readonly provenAt: string | null;
}

/** All handles of a contact, oldest first. One may stand there twice after a merge: claimed by one side, proven by the other. */
export function listHandles(sql: Sql, contactId: string): Promise<HandleRecord[]> {
  return sql.query<HandleRecord & Record<string, unknown>>(
    `select scheme, scope, value, proof, source, iso(created_at) as "createdAt", iso(proven_at) as "provenAt" from handle
     where contact_id = $1 order by created_at, id`,
    [contactId],
  );
}

/** Gives a proven handle from one contact to another: the number has a new owner. Returns whether `from` had it. */
export async function moveHandle(
  sql: Sql,
  { scheme, scope, value }: Handle,
  { from, to, source }: { from: string; to: string; source: string },
): Promise<boolean> {
  await removeHandle(sql, to, { scheme, scope, value, by: source });
  await sql.query(MOVED, [from, scheme, scope, value, source]);
  const rows = await sql.query(
    `update handle set contact_id = $2, home = null, source = $6, proven_at = clock_timestamp()
     where contact_id = $1 and scheme = $3 and scope = $4 and value = $5 and proof <> 'claimed' returning 1`,
    [from, to, scheme, scope, value, source],
  );
  return rows.length > 0;
}

const MOVED = `select note_handle(x.h, 'moved', $5) from (
  select k as h from handle k where contact_id = $1 and scheme = $2 and scope = $3 and value = $4 and proof <> 'claimed' for update) x`;

/** Takes a handle away, which the journal keeps with who did it; returns whether the contact had it. */
export async function removeHandle(
  sql: Sql,
  contactId: string,
  handle: Pick<Handle, 'scheme' | 'scope' | 'value'> & { readonly by: string },
): Promise<boolean> {
  const { scheme, scope, value, by } = handle;
  return (await sql.query(REMOVE, [contactId, scheme, scope, value, by])).length > 0;
}

const REMOVE = `with gone as (
    delete from handle k where contact_id = $1 and scheme = $2 and scope = $3 and value = $4 returning k as h)
  select note_handle(gone.h, 'removed', $5) from gone`;

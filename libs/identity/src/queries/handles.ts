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
 * Gives a contact a handle, which must be normalized; a handle that it has is raised to the better proof. Returns whether anything changed.
 * Throws `HandleTaken` for a proven handle of another contact: only a merge joins people.
 */
export async function addHandle(sql: Sql, contactId: string, handle: Handle): Promise<boolean> {
  const { scheme, scope, value, proof } = handle;
  const [own] = await sql.query<{ id: string; proof: Handle['proof'] }>(OWN, [contactId, scheme, scope, value]);
  if (own && RANK[own.proof] >= RANK[proof]) return false;
  if (proof !== 'claimed') await demandFree(sql, contactId, handle);
  if (own) {
    await sql.query('update handle set proof = $2, proven_at = clock_timestamp(), claimed_on = null where id = $1', [
      own.id,
      proof,
    ]);
    return true;
  }
  const rows = await sql.query(INSERT, [newId('hdl'), contactId, scheme, scope, value, proof]);
  if (rows.length === 0) await demandFree(sql, contactId, handle);
  return rows.length > 0;
}

const RANK = { claimed: 0, channel: 1, verified: 2 } as const;
const OWN = `select id, proof from handle where contact_id = $1 and scheme = $2 and scope = $3 and value = $4 for update`;
const INSERT = `insert into handle (id, contact_id, scheme, scope, value, proof, proven_at)
  values ($1, $2, $3, $4, $5, $6, case when $6 <> 'claimed' then clock_timestamp() end)
  on conflict (scheme, scope, value) where proof <> 'claimed' do nothing returning 1`;

async function demandFree(sql: Sql, contactId: string, { scheme, scope, value }: Handle): Promise<void> {
  const [owner] = await sql.query<{ contact_id: string }>(
    `select contact_id from handle where scheme = $1 and scope = $2 and value = $3 and proof <> 'claimed' and contact_id <> $4`,
    [scheme, scope, value, contactId],
  );
  if (owner) throw new HandleTaken(owner.contact_id);
}

/** Takes a handle away; returns whether the contact had it. */
export async function removeHandle(
  sql: Sql,
  contactId: string,
  handle: Pick<Handle, 'scheme' | 'scope' | 'value'>,
): Promise<boolean> {
  const rows = await sql.query(
    'delete from handle where contact_id = $1 and scheme = $2 and scope = $3 and value = $4 returning 1',
    [contactId, handle.scheme, handle.scope, handle.value],
  );
  return rows.length > 0;
}

import type { Sql } from '#database';
import type { Handle } from '#normalizer';

export interface Proven {
  /**
   * `attached`: the contact has the handle now. `raised`: it had it with a lesser proof. `known`: nothing is new. `merged`: the handle was another contact's, and
   * both are one now. `conflict`: it was another contact's and stays there; a person decides.
   */
  readonly outcome: 'attached' | 'raised' | 'known' | 'merged' | 'conflict';
  /** Who the contact is afterwards: the survivor, where both were joined. */
  readonly contactId: string;
}

export interface ProofOf {
  readonly handle: Handle;
  /** Who vouches for it, as the column `handle.source` says. */
  readonly source: string;
  /** Account on which it was proven, for the events. */
  readonly accountId?: string;
}

const PROVE = {
  name: 'prove_handle',
  text: `select outcome, contact_id as "contactId" from prove_handle($1, $2::jsonb, $3, $4, clock_timestamp())`,
};

/**
 * Gives a contact a handle that is proven to be this person's, inside the caller's transaction, and tells the stream what came of it. The policy
 * `identity.merge` decides whether the proof joins two contacts.
 */
export async function prove(sql: Sql, contactId: string, { handle, source, accountId }: ProofOf): Promise<Proven> {
  const [row] = await sql.query<Proven & Record<string, unknown>>(PROVE, [
    contactId,
    JSON.stringify(handle),
    source,
    accountId ?? null,
  ]);
  return row!;
}

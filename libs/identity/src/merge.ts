import type { Sql } from '#database';

/** There is nothing to do: `not-found` names no contact or merge, `undone` was taken back before. */
export class MergeRefused extends Error {
  override readonly name = 'MergeRefused';

  constructor(
    readonly code: 'not-found' | 'undone',
    message: string,
  ) {
    super(message);
  }
}

export interface MergeRequest {
  /** The survivor. */
  readonly into: string;
  readonly from: string;
  /** Why, in words; it stands in the journal and in `contact.merged`. */
  readonly reason: string;
  /** Who decided: `key:ID`, or what the proof came by. */
  readonly by: string;
}

const MERGE = {
  name: 'merge_contacts',
  text: 'select merge_contacts($1, $2, $3, $4, null, clock_timestamp()) as id',
};
const UNDO = { name: 'undo_merge', text: 'select undo_merge($1, $2, clock_timestamp()) as id' };
const REFUSALS: Readonly<Record<string, MergeRefused['code']>> = { P0002: 'not-found', '55000': 'undone' };

/**
 * Joins two contacts inside the caller's transaction, whatever policy says: somebody decided. Returns the id of the merge, by which it is undone; null where they
 * are one already. Throws `MergeRefused`.
 */
export function mergeContacts(sql: Sql, { into, from, reason, by }: MergeRequest): Promise<string | null> {
  return refusing(async () => {
    const [row] = await sql.query<{ id: string | null }>(MERGE, [into, from, reason, by]);
    return row!.id;
  });
}

/** Restores both sides of a merge. Returns the id of the contact that is back. Throws `MergeRefused`. */
export function undoMerge(sql: Sql, mergeId: string, by: string): Promise<string> {
  return refusing(async () => {
    const [row] = await sql.query<{ id: string }>(UNDO, [mergeId, by]);
    return row!.id;
  });
}

async function refusing<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    const code = REFUSALS[(error as { code?: string }).code ?? ''];
    throw code ? new MergeRefused(code, (error as Error).message) : error;
  }
}

import type { Sql } from '#database';

/** Why somebody is erased: they asked for it, what is kept has an end, the law demands it, or something else. */
export const ERASURE_REASONS = ['request', 'retention', 'legal', 'other'] as const;
export type ErasureReason = (typeof ERASURE_REASONS)[number];

/** The proof that somebody was erased. It names nobody: ids that lead nowhere any more, and counts. */
export interface ErasureRecord {
  readonly id: string;
  readonly at: string;
  /** The key that asked for it. */
  readonly by: string;
  readonly reason: ErasureReason | null;
  /** Of a case that is kept elsewhere. No free text: nothing of the person is to stay. */
  readonly reference: string | null;
  /** The contact, and those that had been merged into it. */
  readonly contactIds: readonly string[];
  readonly conversationIds: readonly string[];
  /** Rows that went, by what they were. */
  readonly counts: Readonly<Record<string, number>>;
  /** Hash of the record before this one, empty for the first. */
  readonly previous: string;
  /** SHA-256 over the record, `previous` included. */
  readonly hash: string;
}

/** An erasure that is not committed yet. */
export interface Erased {
  readonly record: ErasureRecord;
  /** Its place among all erasures, for `heeded`. */
  readonly position: number;
  /** Threads that are no more: browsers may be looking at them. */
  readonly threadIds: readonly string[];
}

const RECORD = `e.id, iso(e.at) as at, e.asked_by as "by", e.reason, e.reference, e.contact_ids as "contactIds", e.conversation_ids as "conversationIds", e.counts, e.previous, e.hash`;

/**
 * Erases a person, in the caller's transaction, which may take its time from then on; null where there is no such contact. `reference`: letters, digits, `.`, `_` and `-`,
 * at most 64. After the commit: the hints `outbox` and `thread`, `heeded`, and
 * `Files.removeErased` for the bytes of the files.
 */
export async function eraseContact(
  sql: Sql,
  contactId: string,
  asked: { by: string; reason?: ErasureReason | undefined; reference?: string | undefined },
): Promise<Erased | null> {
  await sql.query('set local statement_timeout = 0');
  const threads = await sql.query<{ id: string }>('select id from thread where contact_id = any (people_of($1))', [
    contactId,
  ]);
  const [row] = await sql.query<ErasureRecord & { position: number } & Record<string, unknown>>(
    `select e.position, ${RECORD} from erase_contact($1, $2, $3, $4) e where e.id is not null`,
    [contactId, asked.by, asked.reason ?? null, asked.reference ?? null],
  );
  if (!row) return null;
  const { position, ...record } = row;
  return { record, position, threadIds: threads.map(({ id }) => id) };
}

/** Proofs, the newest first; `before` is the id of the last one seen. */
export async function listErasures(sql: Sql, page: { before: string | null; limit: number }): Promise<ErasureRecord[]> {
  return sql.query<ErasureRecord & Record<string, unknown>>(
    `select ${RECORD} from erasure e
     where e.position < coalesce((select x.position from erasure x where x.id = $1), 9223372036854775807) order by e.position desc limit $2`,
    [page.before, page.limit],
  );
}

import { createHash } from 'node:crypto';
import type { Sql } from '#database';
import { Conflict } from './ports.js';

/** One request that may be repeated: `scope` is who asks for what (key, method and path), `fingerprint` the whole of what is asked. */
export interface IdempotentRequest {
  readonly scope: string;
  readonly key: string;
  readonly fingerprint: string;
  /** Tells one that claims the key from another, for work that fits into no transaction. */
  readonly claim?: string;
}

export interface RecordedAnswer {
  readonly status: number;
  readonly body: unknown;
}

/**
 * How long an answer is kept, and how long a repetition waits for the first request. A claim that was not renewed for `claimLostS` is that of a process that died:
 * sooner than a repetition gives up waiting, so that it does the work itself. It must have looked on for `watchS`, lest a claim be taken that only the
 * database's absence kept from being renewed.
 */
export const IDEMPOTENCY = { keptDays: 7, waitS: 10, claimLostS: 8, watchS: 5, renewS: 2 } as const;

/** What every connection of libs/database has. */
const USUAL_LOCK_TIMEOUT = '2s';
const LOOK_MS = 100;
const NEVER_S = IDEMPOTENCY.keptDays * 86_400;

/** The same `Idempotency-Key` came with another request. */
export class IdempotencyMismatch extends Error {
  override readonly name = 'IdempotencyMismatch';
}

/** What the request had made was erased, and its answer with it. */
export class AnswerErased extends Error {
  override readonly name = 'AnswerErased';
}

/**
 * Takes the key for this transaction, or gives the answer that was recorded with it. A request that is still running holds the row: this one
 * waits for its commit, at most `waitS`. To be called first in the transaction, so that the record commits with the effect or not at all.
 * Throws `IdempotencyMismatch`, or `Conflict` (`in-flight`); the transaction is lost then.
 */
export async function beginIdempotent(sql: Sql, request: IdempotentRequest): Promise<RecordedAnswer | null> {
  await sql.query(`set local lock_timeout = ${IDEMPOTENCY.waitS * 1_000}`);
  const taken = await take(sql, request);
  await sql.query(`set local lock_timeout = '${USUAL_LOCK_TIMEOUT}'`);
  if (taken) return null;
  const answer = await findAnswer(sql, request);
  if (!answer) throw inFlight();
  return answer;
}

/**
 * Takes the key for work that fits into no transaction, or gives the answer that was recorded with it: the claim is committed at once, so that the work
 * is done by one request alone. While another has it, this one looks again, for at most `waitS`; one whose process died passes to it meanwhile. Whoever got
 * the claim (null) renews it (`renewClaim`) while it works, and ends it by `recordAnswer` or `releaseClaim`. Throws `IdempotencyMismatch`, or `Conflict` (`in-flight`).
 */
export async function claimIdempotent(sql: Sql, request: IdempotentRequest): Promise<RecordedAnswer | null> {
  const began = performance.now();
  for (;;) {
    const watchedS = (performance.now() - began) / 1_000;
    const lostS = watchedS >= IDEMPOTENCY.watchS ? IDEMPOTENCY.claimLostS : NEVER_S;
    if (await take(sql, request, lostS)) return null;
    const answer = await findAnswer(sql, request);
    if (answer) return answer;
    if (watchedS > IDEMPOTENCY.waitS) throw inFlight();
    await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
  }
}

/** The work goes on: to be called every `renewS`. */
export async function renewClaim(sql: Sql, { scope, key, claim }: IdempotentRequest): Promise<void> {
  await sql.query(`update idempotency set created_at = now() where ${CLAIMED} and status is null`, [scope, key, claim]);
}

/** The work failed: the request may be repeated. */
export async function releaseClaim(sql: Sql, { scope, key, claim }: IdempotentRequest): Promise<void> {
  await sql.query(`delete from idempotency where ${CLAIMED} and status is null`, [scope, key, claim]);
}

/** A claim that passed to another request is no longer this one's to touch. */
const CLAIMED = 'scope = $1 and key = $2 and claim is not distinct from $3::text';

/** The answer recorded with this key, if it is there by now. Throws `IdempotencyMismatch`, `AnswerErased`. */
async function findAnswer(sql: Sql, request: IdempotentRequest): Promise<RecordedAnswer | null> {
  const [row] = await sql.query<{ fingerprint: string; status: number | null; body: unknown }>(FIND, [
    request.scope,
    request.key,
    IDEMPOTENCY.keptDays,
  ]);
  if (!row) return null;
  if (row.status === ERASED) throw new AnswerErased('what this request made was erased');
  if (row.fingerprint !== request.fingerprint)
    throw new IdempotencyMismatch('this Idempotency-Key was used with another request');
  return row.status === null ? null : { status: row.status, body: row.body };
}

/** The status that SQL `erase_answers` puts in the place of an answer. */
const ERASED = 410;

const FIND = {
  name: 'idempotency_find',
  text: `select fingerprint, status, body from idempotency
    where scope = $1 and key = $2 and created_at >= now() - make_interval(days => $3)`,
};

async function take(sql: Sql, request: IdempotentRequest, lostS: number = IDEMPOTENCY.claimLostS): Promise<boolean> {
  const { scope, key, fingerprint, claim } = request;
  try {
    const rows = await sql.query({ name: 'idempotency_take', text: TAKE }, [
      scope,
      key,
      fingerprint,
      IDEMPOTENCY.keptDays,
      lostS,
      claim,
    ]);
    return rows.length > 0;
  } catch (error) {
    if ((error as { code?: unknown }).code !== LOCK_NOT_AVAILABLE) throw error;
    throw inFlight();
  }
}

function inFlight(): Conflict {
  return new Conflict('in-flight', 'the first request with this Idempotency-Key is still running');
}

const LOCK_NOT_AVAILABLE = '55P03';

/** What is older than it is kept counts as absent, and so does a claim that was left behind. */
const TAKE = `
insert into idempotency (scope, key, fingerprint, claim) values ($1, $2, $3, $6)
on conflict (scope, key) do update set fingerprint = excluded.fingerprint, claim = excluded.claim, status = null, body = null, created_at = now()
where idempotency.created_at < now() - make_interval(days => $4)
  or (idempotency.status is null and idempotency.created_at < now() - make_interval(secs => $5))
returning 1`;

/** Records the answer of the request that `beginIdempotent` let through, in the same transaction, or that has the claim. */
export async function recordAnswer(sql: Sql, request: IdempotentRequest, answer: RecordedAnswer): Promise<void> {
  await sql.query(
    { name: 'idempotency_record', text: `update idempotency set status = $4, body = $5 where ${CLAIMED}` },
    [request.scope, request.key, request.claim, answer.status, JSON.stringify(answer.body ?? null)],
  );
}

/** SHA-256 of a JSON value in one spelling: the order of keys and white space make no difference. */
export function fingerprint(value: unknown): string {
  return createHash('sha256').update(canonical(value)).digest('hex');
}

function canonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join(',')}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value) ?? 'null';
  const entries = Object.entries(value).filter(([, item]) => item !== undefined);
  entries.sort(([a], [b]) => (a < b ? -1 : 1));
  return `{${entries.map(([key, item]) => `${JSON.stringify(key)}:${canonical(item)}`).join(',')}}`;
}

import type { Database, Sql, Statement } from '#database';

/** One call of the API, as it is written down. */
export interface AuditEntry {
  /** Milliseconds since the epoch. */
  readonly at: number;
  readonly keyId: string;
  /** Method and path with its parameters in braces: `GET /v1/contacts/{id}`. */
  readonly action: string;
  /** Ids of ours that the call named or answered with. */
  readonly targets: readonly string[];
  /** Names of query parameters: their values may name people. */
  readonly parameters: readonly string[];
  /** The HTTP status. */
  readonly status: number;
  readonly requestId: string | null;
}

/** An entry that is in the chain. */
export interface SealedEntry extends Omit<AuditEntry, 'at'> {
  readonly at: string;
  /** Its place in the chain, without gaps. */
  readonly link: number;
  readonly hash: string;
}

/** What is wrong with the chain: the first entry that does not match. */
export interface AuditFault {
  readonly link: number;
  readonly reason: 'missing' | 'changed';
}

export interface AuditVerdict {
  readonly entries: number;
  /** The last link, which the next ones are chained to. */
  readonly head: { readonly link: number; readonly hash: string };
  readonly fault: AuditFault | null;
}

const WRITE: Statement = {
  name: 'audit_write',
  text: `insert into audit (at, key_id, action, targets, parameters, status, request_id)
    select to_timestamp(at / 1000), "keyId", action, coalesce(targets, '{}'), coalesce(parameters, '{}'), status, "requestId" from jsonb_to_recordset($1::jsonb)
      as t(at float8, "keyId" text, action text, targets text[], parameters text[], status int, "requestId" text)`,
};
const SEAL: Statement = { name: 'audit_seal', text: 'select seal_audit($1) as sealed' };

const SEAL_AT_ONCE = 2_000;
const VERIFY_AT_ONCE = 5_000;

/** Writes entries down; those of a change in its transaction. */
export async function writeAudit(sql: Sql, entries: readonly AuditEntry[]): Promise<void> {
  await sql.query(WRITE, [JSON.stringify(entries)]);
}

/** Takes everything that was written into the chain, unless another process is at it. */
export async function sealAudit(sql: Sql): Promise<void> {
  for (let sealed = SEAL_AT_ONCE; sealed === SEAL_AT_ONCE;)
    sealed = (await sql.query<{ sealed: number }>(SEAL, [SEAL_AT_ONCE]))[0]!.sealed;
}

export interface AuditPage {
  readonly contactId?: string | undefined;
  readonly keyId?: string | undefined;
  /** Exclusive link. */
  readonly after: number;
  readonly limit: number;
}

/** Entries in the order of the chain. Those of a contact are about the contact, whoever was merged into it, or a conversation of theirs; also when they were erased since. */
export async function listAudit(sql: Sql, { contactId, keyId, after, limit }: AuditPage): Promise<SealedEntry[]> {
  const rows = await sql.query<SealedEntry & Record<string, unknown>>(LIST, [
    contactId ?? null,
    keyId ?? null,
    after,
    limit,
  ]);
  return rows.map((row) => ({ ...row, link: Number(row.link) }));
}

const LIST = `
with about as materialized (
  select array(
    select unnest(people_of($1))
    union select c.id from conversation c where c.contact_id = any (people_of($1))
    union select unnest(e.contact_ids || e.conversation_ids) from erasure e where e.contact_ids @> array[$1::text]) as ids)
select a.link, iso(a.at) as at, a.key_id as "keyId", a.action, a.targets, a.parameters, a.status, a.request_id as "requestId", a.hash
from audit a
where a.link > $3 and ($1::text is null or a.targets && (select ids from about)) and ($2::text is null or a.key_id = $2)
order by a.link limit $4`;

/**
 * Goes along the whole chain that is kept. With `known`, a head that was noted before, it also says whether that stands in the chain as it was: who holds it
 * outside sees that the end was cut off, or all of it made anew.
 */
export async function verifyAudit(database: Database, known?: { link: number; hash: string }): Promise<AuditVerdict> {
  const [chain] = await database.query<Chain>('select first_link, first_hash, last_link, last_hash from audit_chain');
  const { first_link, first_hash, last_link, last_hash } = chain ?? NO_CHAIN;
  let [link, hash, entries] = [Number(first_link), first_hash, 0];
  const head = { link: Number(last_link), hash: last_hash };
  const verdict = (fault: AuditFault | null): AuditVerdict => ({ entries, head, fault });
  while (link < head.link) {
    const [row] = await database.query<Step>('select * from verify_audit($1, $2, $3)', [
      link,
      hash,
      Math.min(VERIFY_AT_ONCE, head.link - link),
    ]);
    const { p_link, p_hash, checked, bad, fault } = row!;
    entries += checked;
    if (bad !== null) return verdict({ link: Number(bad), reason: fault! });
    if (checked === 0) return verdict({ link: link + 1, reason: 'missing' });
    [link, hash] = [Number(p_link), p_hash];
  }
  if (hash !== head.hash) return verdict({ link: head.link, reason: 'changed' });
  return verdict(known ? await compare(database, known) : null);
}

async function compare(database: Database, { link, hash }: { link: number; hash: string }): Promise<AuditFault | null> {
  const [row] = await database.query<{ hash: string | null; kept: boolean }>(
    'select (select a.hash from audit a where a.link = $1) as hash, first_link < $1 as kept from audit_chain',
    [link],
  );
  if (row && (!row.kept || row.hash === hash)) return null;
  return { link, reason: row?.hash ? 'changed' : 'missing' };
}

/** Before the first entry. */
const NO_CHAIN: Chain = { first_link: 0, first_hash: '', last_link: 0, last_hash: '' };

interface Chain extends Record<string, unknown> {
  first_link: number;
  first_hash: string;
  last_link: number;
  last_hash: string;
}

interface Step extends Record<string, unknown> {
  p_link: number;
  p_hash: string;
  checked: number;
  bad: number | null;
  fault: AuditFault['reason'] | null;
}

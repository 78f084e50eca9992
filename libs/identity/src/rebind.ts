import type { Sql } from '#database';
import { handleKey, type Handle } from '#normalizer';
import type { Proven } from './prove.js';
import * as sql from './rebind.sql.js';

/** An anonymous visitor of a chat account says who they are, with proof. */
export interface Identification {
  readonly accountId: string;
  readonly visitorId: string;
  /** All `verified`; the first one is the `client` handle that names the person to this account. */
  readonly handles: readonly Handle[];
  readonly name?: string | undefined;
  /** External id of the person's own thread on the account. */
  readonly thread: string;
}

/**
 * `nobody`: the visitor never wrote, nothing moved. `attached`: the visitor's contact is this person from now on. `merged`: the visitor's
 * contact became part of the person's. `known`: they were one already. `another`: the visitor's contact is another identified person;
 * nothing moved, and the caller must begin a new visitor.
 */
export interface Rebound {
  readonly outcome: 'nobody' | 'attached' | 'merged' | 'known' | 'another';
  /** Threads whose messages changed place. */
  readonly threadIds: readonly string[];
}

/**
 * Binds an anonymous visitor to a proven person, inside the caller's transaction; run it again from the start on a serialization error. The
 * visitor's own thread becomes the person's thread of the account, its messages behind those that are there already. Two people who are
 * both known are never joined. Locks: conversations, handles, contacts, threads.
 */
export async function rebindVisitor(db: Sql, who: Identification): Promise<Rebound> {
  const [client] = who.handles;
  if (client?.scheme !== 'client') throw new RangeError('the first handle is the client handle');
  const handles = JSON.stringify(who.handles);
  await db.query(sql.LOCK, [`visitor/${who.accountId}:${who.visitorId}`, handleKey(client)]);
  const [visitor] = await db.query<{ contactId: string }>(sql.VISITOR, [who.accountId, who.visitorId]);
  if (!visitor) return { outcome: 'nobody', threadIds: [] };
  const [owner] = await db.query<{ contactId: string }>(sql.OWNERS, [handles, visitor.contactId]);
  const target = owner?.contactId ?? visitor.contactId;
  const proven = await db.query<{ scheme: string; scope: string; value: string }>(sql.PROVEN, [visitor.contactId]);
  const isAnother = proven.some(
    (h) => h.scheme === 'client' && handleKey(h) !== handleKey(client) && h.scope === client.scope,
  );
  const isSomebody = proven.some((h) => h.scheme !== 'visitor');
  if (isAnother || (target !== visitor.contactId && isSomebody)) return { outcome: 'another', threadIds: [] };

  const people = [visitor.contactId, target];
  const source = `token:${who.accountId}`;
  const isMerged = target !== visitor.contactId;
  if (isMerged) await db.query(sql.LOCK_PEOPLE, [people]);
  await db.query(sql.LOCK_CONVERSATIONS, [people, who.accountId, who.visitorId]);
  if (isMerged) await db.query(sql.MERGE, [target, visitor.contactId, source, who.accountId]);
  const { person, isNew } = await proveAll(db, who, { person: target, source });
  if (who.name) await db.query(sql.NAME, [person, who.name]);
  const threadIds = await takeOverThread(db, who);
  if (isNew) await db.query(sql.TELL, [person, who.accountId]);
  return { outcome: isMerged ? 'merged' : isNew ? 'attached' : 'known', threadIds };
}

/** The person has what the token proves, by the policy of any proof; who they are may change by it. */
async function proveAll(db: Sql, who: Identification, { person, source }: { person: string; source: string }) {
  let isNew = false;
  for (const handle of who.handles) {
    const [row] = await db.query<Proven & Record<string, unknown>>(sql.PROVE, [
      person,
      JSON.stringify(handle),
      source,
      who.accountId,
    ]);
    person = row!.contactId;
    isNew ||= row!.outcome === 'attached' || row!.outcome === 'raised';
  }
  return { person, isNew };
}

/** The visitor's thread becomes the person's: by name where the person has none here, else message by message. */
async function takeOverThread(db: Sql, who: Identification): Promise<string[]> {
  const rows = await db.query<{ id: string; externalId: string }>(sql.THREADS, [
    who.accountId,
    [who.visitorId, who.thread],
  ]);
  const from = rows.find((row) => row.externalId === who.visitorId);
  const to = rows.find((row) => row.externalId === who.thread);
  const handles = JSON.stringify(who.handles);
  if (!from) return [];
  if (!to) {
    await db.query(sql.RENAME, [from.id, who.thread, handles]);
    return [from.id];
  }
  await db.query(sql.FOLD, [from.id, to.id, handles]);
  await db.query(sql.EMPTY_THREAD, [from.id]);
  return [from.id, to.id];
}

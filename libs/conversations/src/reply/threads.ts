import type { Sql } from '#database';
import { ProviderFailure, type Handle } from '#normalizer';
import type { ChannelDirectory } from '../ports.js';
import type { ConversationRow, ThreadRow } from './context.js';

/**
 * The thread over which a contact can be written to on an account: the one they have there, else a new one to a proven handle that the channel can
 * begin with. It is added to the conversation. Throws `ProviderFailure` (`recipient-gone`) where there is no way.
 */
export async function threadOn(
  sql: Sql,
  channels: ChannelDirectory,
  to: { conversation: ConversationRow; accountId: string },
): Promise<ThreadRow> {
  const { conversation, accountId } = to;
  const thread = (await existing(sql, conversation.contact_id, accountId)) ?? (await begin(sql, channels, to));
  await sql.query(ADD_THREAD, [conversation.id, thread.id]);
  return thread;
}

/** A thread to a handle of the contact, made if there is none yet. */
export async function threadTo(
  sql: Sql,
  accountId: string,
  to: { contactId: string; handle: Handle },
): Promise<ThreadRow> {
  const [row] = await sql.query<ThreadRow>(
    'select * from join_thread($1, $2, $3, $4::jsonb, clock_timestamp(), false)',
    [accountId, to.handle.value, to.contactId, JSON.stringify([to.handle])],
  );
  return row!;
}

/** Can a conversation begin with this handle? `initiate` names schemes, or one issuer of a scheme as `scheme/scope`. */
export function canBegin(initiate: readonly string[], { scheme, scope }: Pick<Handle, 'scheme' | 'scope'>): boolean {
  return initiate.includes(scheme) || initiate.includes(`${scheme}/${scope}`);
}

/** The contact's handles that a channel can begin a conversation with (`canBegin`), the best proven first. */
export async function reachableHandles(sql: Sql, contactId: string, schemes: readonly string[]): Promise<Handle[]> {
  return sql.query<Handle>(
    `select scheme, scope, value, proof from handle where contact_id = $1 and (scheme = any ($2) or scheme || '/' || scope = any ($2)) and proof <> 'claimed'
     order by proof = 'verified' desc, created_at`,
    [contactId, schemes],
  );
}

async function existing(sql: Sql, contactId: string, accountId: string): Promise<ThreadRow | undefined> {
  const [row] = await sql.query<ThreadRow>(
    'select * from thread where contact_id = $1 and account_id = $2 order by last_inbound_at desc nulls last limit 1',
    [contactId, accountId],
  );
  return row;
}

async function begin(
  sql: Sql,
  channels: ChannelDirectory,
  { conversation, accountId }: { conversation: ConversationRow; accountId: string },
): Promise<ThreadRow> {
  const schemes = channels.rules(accountId)?.initiate ?? [];
  const [handle] = await reachableHandles(sql, conversation.contact_id, schemes);
  if (!handle) {
    const need =
      schemes.length > 0 ? `no proven ${schemes.join(' or ')}` : 'no thread there, and the channel cannot begin one';
    throw new ProviderFailure('recipient-gone', `the contact cannot be reached on ${accountId}: ${need}`);
  }
  return threadTo(sql, accountId, { contactId: conversation.contact_id, handle });
}

/** An answer that comes over it joins this conversation, unless the thread has an open one of its own. */
const ADD_THREAD = `with joined as (
    insert into conversation_thread (conversation_id, thread_id) values ($1, $2) on conflict do nothing)
  update thread t set conversation_id = $1 where t.id = $2
    and not exists (select 1 from conversation c where c.id = t.conversation_id and c.status <> 'closed' and c.contact_id = t.contact_id)`;

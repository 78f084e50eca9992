import type { Sql } from '#database';
import type { Handle } from '#normalizer';
import { Conflict, NotFound } from '../ports.js';

/** A thread with what decides whether and how it can be written to. */
export interface ThreadRow {
  readonly id: string;
  readonly account_id: string;
  readonly external_id: string;
  readonly contact_id: string;
  readonly conversation_id: string | null;
  readonly handles: Handle[];
  readonly last_inbound_at: Date | null;
  readonly sent_since_inbound: number;
  readonly opted_out_at: Date | null;
}

export interface ConversationRow {
  readonly id: string;
  readonly contact_id: string;
  readonly status: string;
  readonly subject: string | null;
  readonly last_thread_id: string | null;
}

/** Locks the conversation, so that numbers are given and events told in one order. Throws `NotFound`. */
export async function lockConversation(sql: Sql, id: string): Promise<ConversationRow> {
  const [row] = await sql.query<ConversationRow>(
    {
      name: 'lock_conversation',
      text: 'select id, contact_id, status, subject, last_thread_id from conversation where id = $1 for update',
    },
    [id],
  );
  if (!row) throw new NotFound(`there is no conversation ${id}`);
  return row;
}

/** The conversation's threads, the one last used by the customer first. */
export function threadsOf(sql: Sql, conversation: ConversationRow): Promise<ThreadRow[]> {
  return sql.query<ThreadRow>(
    {
      name: 'threads_of',
      text: `select t.* from conversation_thread j join thread t on t.id = j.thread_id where j.conversation_id = $1
        order by t.id = $2 desc nulls last, t.last_inbound_at desc nulls last, t.id`,
    },
    [conversation.id, conversation.last_thread_id],
  );
}

/** The thread that an answer goes to: the one named, else the one last used. Throws `Conflict` (`no-thread`). */
export function chooseThread(
  threads: readonly ThreadRow[],
  via?: { threadId: string } | { accountId: string },
): ThreadRow {
  const found =
    via === undefined
      ? threads[0]
      : threads.find((t) => ('threadId' in via ? t.id === via.threadId : t.account_id === via.accountId));
  if (!found)
    throw new Conflict(
      'no-thread',
      via ? `the conversation has no such thread: ${JSON.stringify(via)}` : 'the conversation has no thread',
    );
  return found;
}

import type { Sql } from '#database';
import type { Conversation, Thread } from '../entities/conversation.js';
import { Conflict, NotFound } from '../ports.js';

export type ThreadRow = Thread;
export type ConversationRow = Pick<Conversation, 'id' | 'contact_id' | 'status' | 'subject' | 'last_thread_id'>;

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

/** The conversation's threads that are its contact's, the one last used by the customer first. */
export function threadsOf(sql: Sql, conversation: ConversationRow): Promise<ThreadRow[]> {
  return sql.query<ThreadRow>(
    {
      name: 'threads_of',
      text: `select t.* from conversation_thread j join thread t on t.id = j.thread_id where j.conversation_id = $1 and t.contact_id = $3
        order by t.id = $2 desc nulls last, t.last_inbound_at desc nulls last, t.id`,
    },
    [conversation.id, conversation.last_thread_id, conversation.contact_id],
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

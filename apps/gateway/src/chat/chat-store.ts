import type { ChatMessage } from '#channels';
import { presentParts } from '#conversations';
import type { Database, Statement } from '#database';
import { type Author, type Part, withoutMarkdown } from '#normalizer';

/** How a visitor's thread stands. */
export interface ThreadState {
  readonly id: string;
  /** Highest place given. */
  readonly sequence: number;
  /** Everything of the helpdesk up to this place has been read. */
  readonly readTo: number;
  /** Place of the helpdesk's latest message: what the visitor wrote before it counts as read. */
  readonly answered: number;
  readonly unread: number;
}

/** A thread as a feed last saw it; without an id where it did not exist yet. */
export interface SeenThread {
  readonly accountId: string;
  readonly externalId: string;
  readonly threadId: string | null;
  readonly sequence: number;
  readonly readTo: number;
}

interface MessageRow {
  readonly id: string;
  readonly seq: number;
  readonly direction: 'inbound' | 'outbound';
  readonly author: Author;
  readonly parts: Part[];
  readonly text: string;
  readonly at: Date;
  readonly status: string;
  readonly reply_to: string | null;
  readonly external_ids: string[];
}

const STATE = `select t.id, t.sequence, t.read_to as "readTo",
    coalesce((select m.thread_sequence from message m where m.thread_id = t.id and m.direction = 'outbound' order by m.thread_sequence desc limit 1), 0) as answered,
    (select count(*)::int from message m where m.thread_id = t.id and m.thread_sequence > t.read_to and m.direction = 'outbound' and m.status in ('sent', 'delivered')) as unread
  from thread t`;
const BY_NAME: Statement = { name: 'chat_thread', text: `${STATE} where t.account_id = $1 and t.external_id = $2` };
const BY_ID: Statement = { name: 'chat_thread_by_id', text: `${STATE} where t.id = $1` };
const MESSAGES: Statement = {
  name: 'chat_messages',
  text: `select id, thread_sequence as seq, direction, author, parts, text, received_at as at, status, reply_to, external_ids
    from message where thread_id = $1 and thread_sequence > $2 order by thread_sequence limit $3`,
};
const PLACES: Statement = {
  name: 'chat_places',
  text: `select id, thread_sequence as seq from message where thread_id = $1 and direction = $2 and thread_sequence > $3 and thread_sequence <= $4
    order by thread_sequence desc limit $5`,
};
const CHANGED: Statement = {
  name: 'chat_changed',
  text: `select x.a as "accountId", x.e as "externalId", t.id is null as moved
    from jsonb_to_recordset($1::jsonb) x (a text, e text, i text, s int, r int)
    left join thread t on t.account_id = x.a and t.external_id = x.e
    where t.sequence <> x.s or t.read_to <> x.r or (t.id is null and x.i is not null)`,
};
const CHOICES: Statement = {
  name: 'chat_choices',
  text: `select parts from message where id = $1 and thread_id = (select id from thread where account_id = $2 and external_id = $3)`,
};

/** What web chat reads of the store: a visitor's own thread, and nothing else. */
export class ChatStore {
  constructor(
    private readonly database: Database,
    private readonly signUrl: (fileId: string) => string,
  ) {}

  async thread(accountId: string, externalId: string): Promise<ThreadState | undefined> {
    return (await this.database.query<ThreadState & Record<string, unknown>>(BY_NAME, [accountId, externalId]))[0];
  }

  async state(threadId: string): Promise<ThreadState | undefined> {
    return (await this.database.query<ThreadState & Record<string, unknown>>(BY_ID, [threadId]))[0];
  }

  /** Messages after a place, in order, at most `limit`. */
  async messages(thread: ThreadState, after: number, limit: number): Promise<ChatMessage[]> {
    const rows = await this.database.query<MessageRow & Record<string, unknown>>(MESSAGES, [thread.id, after, limit]);
    return rows.map((row) => this.present(row, thread.answered));
  }

  /** Ids and places of one side's messages in `(after, upTo]`, the latest first. */
  places(threadId: string, of: 'me' | 'them', { after, upTo, limit }: { after: number; upTo: number; limit: number }) {
    const direction = of === 'me' ? 'inbound' : 'outbound';
    return this.database.query<{ id: string; seq: number }>(PLACES, [threadId, direction, after, upTo, limit]);
  }

  /** Which of these threads stand otherwise than was seen, or are no longer found under their name (`moved`). One query for all. */
  changed(seen: readonly SeenThread[]) {
    const asked = seen.map(({ accountId: a, externalId: e, threadId: i, sequence: s, readTo: r }) => ({
      a,
      e,
      i,
      s,
      r,
    }));
    return this.database.query<{ accountId: string; externalId: string; moved: boolean }>(CHANGED, [
      JSON.stringify(asked),
    ]);
  }

  /** The label of an option that a message of this very thread offered; undefined where it did not. */
  async optionLabel(
    thread: { accountId: string; externalId: string },
    { messageId, optionId }: { messageId: string; optionId: string },
  ): Promise<string | undefined> {
    const [row] = await this.database.query<{ parts: Part[] }>(CHOICES, [
      messageId,
      thread.accountId,
      thread.externalId,
    ]);
    const options = row?.parts.flatMap((part) => (part.type === 'choices' ? part.options : [])) ?? [];
    const actions = row?.parts.flatMap((part) => (part.type === 'card' ? part.actions : [])) ?? [];
    return [...options, ...actions].find(({ id }) => id === optionId)?.label;
  }

  private present(row: MessageRow, answered: number): ChatMessage {
    const mine = row.direction === 'inbound';
    const { author, status } = row;
    const clientId = mine ? /^vis_[0-9a-f]{32}:([\w-]{8,64})$/.exec(row.external_ids[0] ?? '')?.[1] : undefined;
    return {
      type: 'message',
      seq: row.seq,
      id: row.id,
      ...(clientId && { clientId }),
      from: mine ? 'me' : author.kind === 'contact' ? 'agent' : author.kind,
      name: mine ? null : author.name,
      parts: presentParts(row.parts.map(withoutMarkdown), { signUrl: this.signUrl }),
      text: row.text,
      at: row.at.toISOString(),
      status: mine
        ? row.seq < answered
          ? 'read'
          : 'sent'
        : status === 'queued' || status === 'received'
          ? 'sent'
          : (status as ChatMessage['status']),
      ...(row.reply_to && { replyTo: row.reply_to }),
    };
  }
}

import type { Database, Sql } from '#database';
import {
  checkSize,
  cleanDeep,
  type Failure,
  type FirstMessageInput,
  InvalidInput,
  type Message,
  newId,
  normalizeHandle,
  type Part,
  ProviderFailure,
  renderText,
} from '#normalizer';
import { resolveFiles, tieFiles } from '../media/message-files.js';
import { type ChannelDirectory, Conflict, NotFound, type RepliesPort, type Reply, type Sendability } from '../ports.js';
import { chooseThread, type ConversationRow, lockConversation, type ThreadRow, threadsOf } from './context.js';
import { enqueue, segmentsOf, type Sendable } from './enqueue.js';
import { toSendability } from './rules.js';
import { canBegin, reachableHandles, threadOn, threadTo } from './threads.js';

type Draft = Pick<Reply, 'text' | 'parts' | 'author' | 'replyTo' | 'fallback' | 'sendAt'> & {
  readonly subject?: string | undefined;
};

interface Place {
  readonly conversation: ConversationRow;
  readonly thread: ThreadRow;
}

/** The way out of the store: answers and first messages become units in the outbox, in the caller's transaction. */
export class Replies implements RepliesPort {
  constructor(
    private readonly database: Database,
    private readonly channels: ChannelDirectory,
  ) {}

  async reply(sql: Sql, conversationId: string, input: Reply): Promise<Message> {
    const conversation = await lockConversation(sql, conversationId);
    const threads = await threadsOf(sql, conversation);
    const { via } = input;
    const elsewhere = via && 'accountId' in via && !threads.some((thread) => thread.account_id === via.accountId);
    const thread = elsewhere
      ? await threadOn(sql, this.channels, { conversation, accountId: via.accountId })
      : chooseThread(threads, via);
    return this.queue(sql, input, { conversation, thread });
  }

  async refuse(
    sql: Sql,
    conversationId: string,
    { input, failure }: { input: Reply; failure: Failure },
  ): Promise<Message> {
    const conversation = await lockConversation(sql, conversationId);
    const thread = chooseThread(await threadsOf(sql, conversation));
    const { id } = await this.store(sql, { ...input, sendAt: undefined }, { conversation, thread });
    await sql.query(`select fail_message($1, $2::jsonb, clock_timestamp())`, [id, JSON.stringify(failure)]);
    return this.view(sql, id);
  }

  async writeFirst(sql: Sql, input: FirstMessageInput): Promise<Message> {
    const rules = this.channels.rules(input.accountId);
    if (!rules) throw new NotFound(`there is no account ${input.accountId}`);
    if (input.subject !== undefined && !rules.subject)
      throw new ProviderFailure('content-refused', `messages of ${input.accountId} have no subject`);
    const thread = await this.firstThread(sql, input, rules.initiate);
    const subject = input.subject === undefined ? null : cleanDeep(input.subject);
    const [place] = await sql.query<{ conversation_id: string; opened: string | null }>(OPEN, [thread.id, subject]);
    const conversation = await lockConversation(sql, place!.conversation_id);
    await sql.query(JOIN, [conversation.id, thread.id]);
    if (place!.opened) {
      await sql.query(ROUTE, [conversation.id, thread.account_id]);
      await sql.query('select emit($1, $2, $3, $4, null, clock_timestamp())', [
        place!.opened,
        conversation.id,
        thread.contact_id,
        thread.account_id,
      ]);
    }
    const parts = input.template ? [{ type: 'template' as const, ...input.template }] : input.parts;
    return this.queue(sql, { ...input, ...(parts && { parts }) }, { conversation, thread });
  }

  async cancel(sql: Sql, messageId: string): Promise<Message> {
    const [found] = await sql.query<{ conversation_id: string; direction: string }>(
      'select conversation_id, direction from message where id = $1',
      [messageId],
    );
    if (found?.direction !== 'outbound') throw new NotFound(`there is no outbound message ${messageId}`);
    await lockConversation(sql, found.conversation_id);
    const units = await sql.query<{ status: string }>(UNITS, [messageId]);
    const [message] = await sql.query<{ status: string }>('select status from message where id = $1', [messageId]);
    const busy = units.some(({ status }) => status !== 'queued');
    if (message?.status !== 'queued' || busy)
      throw new Conflict('already-sent', `the message is ${busy ? 'being sent' : message?.status} already`);
    await sql.query(WITHDRAW, [messageId]);
    const failure = new ProviderFailure('cancelled', 'cancelled before it was sent').toFailure();
    await sql.query(`select advance($1, 'failed', $2::jsonb, clock_timestamp())`, [messageId, JSON.stringify(failure)]);
    return this.view(sql, messageId);
  }

  async sendability(sql: Sql, conversationId: string, text?: string): Promise<Sendability[]> {
    const [conversation] = await sql.query<ConversationRow>('select * from conversation where id = $1', [
      conversationId,
    ]);
    if (!conversation) throw new NotFound(`there is no conversation ${conversationId}`);
    const threads = await threadsOf(sql, conversation);
    return threads.map((thread) => {
      const plain = toSendability(thread, this.channels.rules(thread.account_id, thread.external_id));
      return plain.canSend && text !== undefined ? { ...plain, ...needed(this.channels, thread, text) } : plain;
    });
  }

  async acknowledge(threadId: string, upTo: { delivered?: number; read?: number }): Promise<void> {
    await this.database.query(ACKNOWLEDGE, [threadId, upTo.delivered ?? 0, upTo.read ?? 0]);
    this.database.hint('outbox');
    this.database.hint('events');
  }

  private async firstThread(
    sql: Sql,
    { to, accountId }: FirstMessageInput,
    initiate: readonly string[],
  ): Promise<ThreadRow> {
    if ('contactId' in to) {
      const [contact] = await sql.query<{ id: string }>('select id from contact where id = $1', [to.contactId]);
      if (!contact) throw new NotFound(`there is no contact ${to.contactId}`);
      const conversation = { contact_id: contact.id } as ConversationRow;
      const [known] = await sql.query<ThreadRow>(
        'select * from thread where contact_id = $1 and account_id = $2 order by last_inbound_at desc nulls last limit 1',
        [contact.id, accountId],
      );
      if (known) return known;
      const [handle] = await reachableHandles(sql, conversation.contact_id, initiate);
      if (!handle)
        throw new ProviderFailure(
          'recipient-gone',
          `the contact has no proven handle (${initiate.join(', ') || 'none can be used'}) for ${accountId}`,
        );
      return threadTo(sql, accountId, { contactId: contact.id, handle });
    }
    const handle = normalizeHandle({ scope: '', ...to.handle, proof: 'channel' });
    if (!canBegin(initiate, handle)) {
      throw new ProviderFailure(
        'content-refused',
        `${accountId} cannot write first to a ${handle.scheme}; it can to: ${initiate.join(', ') || 'nobody'}`,
      );
    }
    const [who] = await sql.query<{ contact_id: string; created: boolean }>(
      'select * from resolve_contact($1::jsonb, null, $2, clock_timestamp())',
      [JSON.stringify([handle]), accountId],
    );
    await sql.query(LOCK_CONVERSATION_OF, [accountId, handle.value]);
    const thread = await threadTo(sql, accountId, { contactId: who!.contact_id, handle });
    if (who!.created)
      await sql.query(`select emit('contact.created', null, $1, null, null, clock_timestamp())`, [who!.contact_id]);
    return thread;
  }

  /** Stores the message, tells the stream, and puts it on its way, now or at `sendAt`. */
  private async queue(sql: Sql, draft: Draft, to: Place): Promise<Message> {
    const { until, ...message } = await this.store(sql, draft, to);
    if (!until) return enqueue(sql, this.channels, { message, thread: to.thread });
    // What cannot be sent at all is refused now, not when its time has come.
    const { parts } = message;
    const segments = segmentsOf(this.channels.fit(to.thread.account_id, { parts }, to.thread.external_id));
    return { ...(await this.view(sql, message.id)), ...(segments && { segments }) };
  }

  /** Stores the message and tells the stream. `until`: when it goes, where that is later. */
  private async store(sql: Sql, draft: Draft, to: Place): Promise<Sendable & { until: Date | null }> {
    const { conversation, thread } = to;
    const given = cleanDeep(draft.parts ?? [{ type: 'text', text: draft.text ?? '' }]) as Part[];
    checkSize(given);
    const parts = [...(await resolveFiles(sql, given))];
    demandMedia(parts);
    const id = newId('msg');
    const subject = draft.subject === undefined ? null : cleanDeep(draft.subject);
    const author = {
      kind: draft.author?.kind ?? 'agent',
      id: draft.author?.id ?? null,
      name: draft.author?.name ?? null,
      ...(draft.author?.via && { via: draft.author.via }),
    };
    const stored = {
      id,
      conversationId: conversation.id,
      threadId: thread.id,
      accountId: thread.account_id,
      author,
      parts,
      text: renderText(parts),
      subject,
      replyTo: draft.replyTo,
      ...(draft.fallback?.length && { fallback: draft.fallback, fallbackAfterS: draft.fallback[0]!.after }),
      sendAt: draft.sendAt,
    };
    const [waits] = await sql.query<{ until: Date | null }>(STORE_OUTBOUND, [JSON.stringify(stored)]);
    await tieFiles(sql, id, parts);
    const until = waits?.until ?? null;
    return { id, parts, reply_to: draft.replyTo ?? null, subject, topic: conversation.subject, author, until };
  }

  private async view(sql: Sql, messageId: string): Promise<Message> {
    const [row] = await sql.query<{ message: Message }>(
      'select message_view(m) as message from message m where id = $1',
      [messageId],
    );
    if (!row) throw new NotFound(`there is no message ${messageId}`);
    return row.message;
  }
}

/** What a text would take on the thread's channel, or that it takes no such text. */
function needed(
  channels: ChannelDirectory,
  thread: ThreadRow,
  text: string,
): Pick<Sendability, 'needs'> | { canSend: false; code: string } {
  try {
    const units = channels.fit(thread.account_id, { parts: [{ type: 'text', text }] }, thread.external_id);
    return { needs: { messages: units.length, segments: segmentsOf(units) ?? null } };
  } catch (error) {
    if (!(error instanceof ProviderFailure)) throw error;
    return { canSend: false, code: error.code };
  }
}

/** Outgoing media is a stored file or a web address. Throws `InvalidInput`. */
function demandMedia(parts: readonly Part[]): void {
  const faults = parts.flatMap((part, i) => {
    const media = part.type === 'media' ? part : part.type === 'card' ? part.media : undefined;
    if (!media || media.fileId || /^https?:\/\//i.test(media.url ?? '')) return [];
    return [{ path: `parts.${i}`, message: 'media takes a `fileId`, or a `url` that begins with http:// or https://' }];
  });
  if (faults.length > 0) throw new InvalidInput(faults);
}

const OPEN = `select p.* from thread t join account a on a.id = t.account_id
  cross join lateral open_conversation(t, a.continuity, a.reopen_within_s, $2, clock_timestamp()) p where t.id = $1`;

/** What the company begins is of no language: its own words say nothing of the customer's. */
const ROUTE = `select route_conversation($1, jsonb_build_object('account', $2::text, 'at', clock_timestamp()))`;

const JOIN = `with j as (insert into conversation_thread (conversation_id, thread_id) values ($1, $2) on conflict do nothing)
  update thread set conversation_id = $1 where id = $2`;

const STORE_OUTBOUND = { name: 'store_outbound', text: 'select store_outbound($1::jsonb) as until' };

/** Sending begins when a unit is marked `started`, which waits for this lock: from then on it is too late. */
const UNITS = 'select status from unit where message_id = $1 and not superseded order by index for update';

const WITHDRAW = `with u as (
    update unit set status = 'failed', failure = '{"code":"cancelled"}' where message_id = $1 and status = 'queued' returning id),
  m as (update message set fallback = null, fallback_at = null where id = $1)
  delete from outbox o using u where o.item_id = u.id and o.kind = 'unit'`;

/** Conversations come before threads in the order of locks. */
const LOCK_CONVERSATION_OF = `select c.id from thread t join conversation c on c.id = t.conversation_id
  where t.account_id = $1 and t.external_id = $2 for update of c`;

const ACKNOWLEDGE = { name: 'acknowledge', text: 'select acknowledge($1, $2, $3)' };

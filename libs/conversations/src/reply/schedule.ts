import { type Database, isTransient, type Sql } from '#database';
import { ProviderFailure } from '#normalizer';
import type { ChannelDirectory } from '../ports.js';
import { lockConversation, type ThreadRow } from './context.js';
import { enqueue, type Sendable } from './enqueue.js';
import { threadOn } from './threads.js';

interface DueMessage extends Sendable {
  readonly conversation_id: string;
  readonly thread_id: string;
  readonly status: string;
  readonly thread_sequence: number;
  readonly fallback: Fallback[] | null;
  readonly failure: unknown;
}

type Fallback = { after?: number } & ({ accountId: string } | { channel: string });

/** What is due by the clock: messages with `sendAt`, and `fallback` ways of messages that failed or were not delivered in time. */
export class Schedule {
  constructor(
    private readonly database: Database,
    private readonly channels: ChannelDirectory,
  ) {}

  /** Puts every message whose `sendAt` has come on its way. Returns how many. Safe in several processes at once. */
  enqueueDue(): Promise<number> {
    return this.each(DUE, (sql, message) => this.send(sql, message));
  }

  /** Takes the next way for every message whose fallback is due. Returns how many. Safe in several processes at once. */
  fallbackDue(): Promise<number> {
    return this.each(FALLBACK_DUE, (sql, message) => this.fallBack(sql, message));
  }

  private async each(due: string, act: (sql: Sql, message: DueMessage) => Promise<void>): Promise<number> {
    const found = await this.database.query<{ id: string; conversation_id: string }>(due);
    let done = 0;
    for (const message of found) {
      try {
        const thread = await this.database.transaction((sql) => this.one(sql, due, { ...message, act }));
        if (thread) this.database.hint('thread', thread);
        done += 1;
      } catch (error) {
        if (isTransient(error)) continue;
        await this.database.transaction((sql) => this.fail(sql, message, refused(error)));
      }
    }
    if (found.length > 0) this.database.hint('outbox');
    return done;
  }

  private async one(
    sql: Sql,
    due: string,
    found: { id: string; conversation_id: string; act: (sql: Sql, message: DueMessage) => Promise<void> },
  ): Promise<string | undefined> {
    await lockConversation(sql, found.conversation_id);
    const [message] = await sql.query<DueMessage>(
      `select m.*, (select c.subject from conversation c where c.id = m.conversation_id) as topic
         from (${due}) d join message m on m.id = d.id where m.id = $1 for update of m`,
      [found.id],
    );
    if (message) await found.act(sql, message);
    return message?.thread_id;
  }

  private async send(sql: Sql, message: DueMessage): Promise<void> {
    const [thread] = await sql.query<ThreadRow & { is_theirs: boolean }>(THREAD, [
      message.thread_id,
      message.conversation_id,
    ]);
    try {
      if (!thread?.is_theirs)
        throw new ProviderFailure('recipient-gone', 'the thread belongs to another contact by now');
      await enqueue(sql, this.channels, { message, thread });
    } catch (error) {
      await this.fail(sql, message, error);
    }
  }

  private async fallBack(sql: Sql, message: DueMessage): Promise<void> {
    const [way, ...rest] = message.fallback ?? [];
    if (!way || message.status === 'delivered' || message.status === 'read') {
      await sql.query('update message set fallback = null, fallback_at = null where id = $1', [message.id]);
      return;
    }
    const next = rest[0]?.after;
    await sql.query('select 1 from unit where message_id = $1 order by index for update', [message.id]);
    await sql.query(NEXT_WAY, [message.id, rest.length > 0 ? JSON.stringify(rest) : null, next ?? null]);
    const conversation = await lockConversation(sql, message.conversation_id);
    const accountId = 'accountId' in way ? way.accountId : this.channels.accountsOf(way.channel)[0];
    try {
      if (!accountId)
        throw new ProviderFailure('config-invalid', `no account of channel ${(way as { channel: string }).channel}`);
      const thread = await threadOn(sql, this.channels, { conversation, accountId });
      await enqueue(sql, this.channels, { message, thread });
    } catch (error) {
      await this.fail(sql, message, error);
    }
  }

  /** It cannot be sent this way: the next fallback is due at once, or it has failed. Errors of ours go up. */
  private async fail(sql: Sql, message: { id: string }, error: unknown): Promise<void> {
    if (!(error instanceof ProviderFailure)) throw error;
    await sql.query(`select fail_message($1, $2::jsonb, clock_timestamp())`, [
      message.id,
      JSON.stringify(error.toFailure()),
    ]);
  }
}

/** A fault that will not pass by itself: the message has failed rather than be tried every second. */
function refused(error: unknown): ProviderFailure {
  return new ProviderFailure('content-refused', `it cannot be sent: ${error instanceof Error ? error.name : 'error'}`);
}

const DUE = `select id, conversation_id from message
  where send_at <= statement_timestamp() and status = 'queued' and thread_sequence = 0 order by send_at limit 100`;

const FALLBACK_DUE = `select id, conversation_id from message
  where fallback_at <= statement_timestamp() and status in ('queued', 'sent', 'delivered', 'read') order by fallback_at limit 100`;

const THREAD = `select t.*, t.contact_id = c.contact_id as is_theirs from thread t, conversation c where t.id = $1 and c.id = $2`;

/** The units of the way left behind no longer decide the message's status. */
const NEXT_WAY = `with left_behind as (
    update unit set superseded = true where message_id = $1 returning id),
  dropped as (delete from outbox o using left_behind l join unit u on u.id = l.id where o.item_id = l.id and o.kind = 'unit' and u.status = 'queued')
  update message set fallback = $2::jsonb, fallback_at = clock_timestamp() + make_interval(secs => $3::float8) where id = $1`;

import type { Sql } from '#database';
import type { Message } from '#normalizer';
import { NotFound } from '../ports.js';
import { visible, type VisibleAccounts } from './scope.js';

/** Exclusive sequence numbers; with `before` the latest messages before it, still ascending. */
export interface HistoryPage {
  readonly after?: number | undefined;
  readonly before?: number | undefined;
  readonly limit: number;
  readonly accounts: VisibleAccounts;
}

/** Messages of a conversation, ascending. One more than fits is read, so that the caller knows whether there are more. */
export async function listMessages(sql: Sql, conversationId: string, page: HistoryPage): Promise<Message[]> {
  const backwards = page.before !== undefined && page.after === undefined;
  const rows = await sql.query<{ view: Message }>(
    `select message_view(m) as view from message m
    where m.conversation_id = $1 and ($2::int is null or m.sequence > $2) and ($3::int is null or m.sequence < $3) and ${visible.account('m.account_id', 4)}
    order by m.sequence ${backwards ? 'desc' : 'asc'} limit $5`,
    [conversationId, page.after ?? null, page.before ?? null, page.accounts, page.limit + 1],
  );
  return rows.map((row) => row.view);
}

/** One message. Throws `NotFound`, also for what the reader may not see. */
export async function getMessage(
  sql: Sql,
  id: string,
  accounts: VisibleAccounts,
): Promise<Message & { accountId: string }> {
  const [row] = await sql.query<{ view: Message; account_id: string }>(
    `select message_view(m) as view, m.account_id from message m where m.id = $1 and ${visible.account('m.account_id', 2)}`,
    [id, accounts],
  );
  if (!row) throw new NotFound(`there is no message ${id}`);
  return { ...row.view, accountId: row.account_id };
}

/** One exchange with a provider, redacted when it was written. */
export interface Exchange {
  readonly position: number;
  readonly direction: string;
  readonly exchange: Record<string, unknown>;
  readonly at: string;
}

/** What was said to and by the provider for a message, and (`deliveries`) to destinations for the events that tell of it; oldest first. */
export async function listTrace(
  sql: Sql,
  messageId: string,
  page: { after: number; limit: number; deliveries: boolean },
): Promise<Exchange[]> {
  return sql.query<Exchange & Record<string, unknown>>(
    `select position, direction, exchange, iso(created_at) as at from (
      select * from trace t where t.message_id = $1
      union all
      select t.* from message m join event e on e.conversation_id = m.conversation_id join trace t on t.event_id = e.id
      where $4 and m.id = $1 and e.data->'message'->>'id' = $1) x
    where position > $2 order by position limit $3`,
    [messageId, page.after, page.limit, page.deliveries],
  );
}

/** One exchange of an account; `messageId` is the message that it brought, or carried. */
export interface AccountExchange extends Exchange {
  readonly messageId: string | null;
}

/** What was said to and by the provider of an account, newest first; `failed`: only what went wrong. */
export async function listTraffic(
  sql: Sql,
  accountId: string,
  page: { before: number | null; limit: number; direction: 'in' | 'out' | null; failed: boolean },
): Promise<AccountExchange[]> {
  return sql.query<AccountExchange & Record<string, unknown>>(
    `select position, direction, message_id as "messageId", exchange, iso(created_at) as at from trace
    where account_id = $1 and position < coalesce($2, 9223372036854775807) and direction = coalesce($3, direction)
      and (not $4 or exchange->>'failure' is not null or (exchange->'response'->>'status')::int not between 200 and 299)
    order by position desc limit $5`,
    [accountId, page.before, page.direction, page.failed, page.limit],
  );
}

/** One exchange of an account. Throws `NotFound`. */
export async function getTraffic(sql: Sql, accountId: string, position: number): Promise<AccountExchange> {
  const [row] = await sql.query<AccountExchange & Record<string, unknown>>(
    `select position, direction, message_id as "messageId", exchange, iso(created_at) as at from trace
    where account_id = $1 and position = $2`,
    [accountId, position],
  );
  if (!row) throw new NotFound(`there is no such exchange of the account ${accountId}`);
  return row;
}

/** A thread as adapters address it: to show typing there. */
export interface ThreadAddress {
  readonly id: string;
  readonly accountId: string;
  readonly externalId: string;
  readonly handles: unknown;
}

/** The thread of a conversation that the customer used last among those the reader may see, or the one named. Throws `NotFound`. */
export async function findThread(
  sql: Sql,
  conversationId: string,
  which: { threadId?: string | undefined; accountId?: string | undefined; accounts: VisibleAccounts },
): Promise<ThreadAddress> {
  const [row] = await sql.query<ThreadAddress & Record<string, unknown>>(
    `select t.id, t.account_id as "accountId", t.external_id as "externalId", t.handles
    from conversation c join conversation_thread j on j.conversation_id = c.id join thread t on t.id = j.thread_id
    where c.id = $1 and ($2::text is null or t.id = $2) and ($3::text is null or t.account_id = $3) and ${visible.account('t.account_id', 4)}
    order by t.id = c.last_thread_id desc nulls last, t.last_inbound_at desc nulls last, t.id limit 1`,
    [conversationId, which.threadId ?? null, which.accountId ?? null, which.accounts],
  );
  if (!row) throw new NotFound(`there is no such thread in a conversation ${conversationId}`);
  return row;
}

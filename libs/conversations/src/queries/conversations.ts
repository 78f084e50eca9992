import type { Sql } from '#database';
import type { Conversation } from '#normalizer';
import { NotFound } from '../ports.js';
import { visible, type VisibleAccounts } from './scope.js';

export interface ConversationFilter {
  readonly status?: readonly string[] | undefined;
  readonly contactId?: string | undefined;
  readonly accountId?: string | undefined;
  readonly channel?: string | undefined;
  readonly priority?: readonly string[] | undefined;
  readonly queue?: readonly string[] | undefined;
  readonly tag?: string | undefined;
  readonly destinationId?: string | undefined;
  readonly ticketId?: string | undefined;
  readonly updatedSince?: string | undefined;
}

/** A place in the list. */
export type ConversationPlace = readonly [id: string];

export interface ConversationPage {
  readonly filter: ConversationFilter;
  readonly after: ConversationPlace | null;
  readonly limit: number;
  readonly accounts: VisibleAccounts;
}

export interface PlacedConversation {
  readonly view: Conversation;
  readonly place: ConversationPlace;
}

/** Conversations, the newest first, which is the order of their ids: no change moves one, so that paging misses none. */
export async function listConversations(sql: Sql, page: ConversationPage): Promise<PlacedConversation[]> {
  const { filter: f, after, limit, accounts } = page;
  const rows = await sql.query<{ view: Conversation; id: string }>(LIST, [
    f.status ?? null,
    f.contactId ?? null,
    f.accountId ?? null,
    f.channel ?? null,
    f.priority ?? null,
    f.tag ?? null,
    f.destinationId ?? null,
    f.ticketId ?? null,
    f.updatedSince ?? null,
    after?.[0] ?? null,
    accounts,
    limit,
    f.queue ?? null,
  ]);
  return rows.map(({ view, id }) => ({ view: onlyVisible(view, accounts), place: [id] }));
}

const LIST = `
select conversation_view(c) as view, c.id
from conversation c
where ($1::text[] is null or c.status = any ($1::text[]))
  and ($2::text is null or c.contact_id = $2)
  and ($3::text is null and $4::text is null or exists (
    select 1 from conversation_thread j join thread t on t.id = j.thread_id join account a on a.id = t.account_id
    where j.conversation_id = c.id and ($3::text is null or a.id = $3) and ($4::text is null or a.type = $4)))
  and ($5::text[] is null or c.priority = any ($5::text[]))
  and ($13::text[] is null or c.queue = any ($13::text[]))
  and ($6::text is null or c.tags @> array[$6::text])
  and ($7::text is null and $8::text is null or exists (
    select 1 from reference r where r.conversation_id = c.id and ($7::text is null or r.destination_id = $7) and ($8::text is null or r.ticket_id = $8)))
  and ($9::timestamptz is null or c.updated_at >= $9)
  and ($10::text is null or c.id < $10)
  and ${visible.conversation('c.id', 11)}
order by c.id desc limit $12`;

/** One conversation. Throws `NotFound`, also for what the reader may not see. */
export async function getConversation(sql: Sql, id: string, accounts: VisibleAccounts): Promise<Conversation> {
  const [row] = await sql.query<{ view: Conversation }>(
    `select conversation_view(c) as view from conversation c where c.id = $1 and ${visible.conversation('c.id', 2)}`,
    [id, accounts],
  );
  if (!row) throw new NotFound(`there is no conversation ${id}`);
  return onlyVisible(row.view, accounts);
}

/** Threads on accounts that the reader may not see are left out. */
export function onlyVisible(view: Conversation, accounts: VisibleAccounts): Conversation {
  return accounts ? { ...view, threads: view.threads.filter((thread) => accounts.includes(thread.accountId)) } : view;
}

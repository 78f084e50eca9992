import type { Sql } from '#database';
import type { Conversation } from '#normalizer';
import { NotFound } from '../ports.js';
import { getConversation } from './conversations.js';
import type { VisibleAccounts } from './scope.js';

/** What a caller may change; what is left out stays. `metadata` is merged key by key, and null removes a key. */
export interface ConversationChange {
  readonly status?: Conversation['status'] | undefined;
  readonly subject?: string | null | undefined;
  readonly priority?: Conversation['priority'] | undefined;
  readonly queue?: string | null | undefined;
  readonly tags?: readonly string[] | undefined;
  readonly metadata?: Readonly<Record<string, unknown>> | undefined;
  /** The current ticket of each destination named; `ticketId: null` forgets it. Raises no event. */
  readonly references?:
    readonly { destinationId: string; ticketId: string | null; url?: string | null | undefined }[] | undefined;
}

interface Row {
  readonly contact_id: string;
  readonly status: string;
  readonly subject: string | null;
  readonly priority: string;
  readonly queue: string | null;
  readonly tags: string[];
  readonly metadata: Record<string, unknown>;
}

/**
 * Changes a conversation and tells the stream: `conversation.updated` with the names of what changed, and `conversation.closed` or
 * `conversation.reopened` where the status crossed that line. What is the same already raises nothing. `via`: where it was
 * done, if not through the API (`EventData.via`). Throws `NotFound`.
 */
export async function changeConversation(
  sql: Sql,
  id: string,
  how: { change: ConversationChange; accounts: VisibleAccounts; via?: string },
): Promise<Conversation> {
  const { change, accounts, via } = how;
  await getConversation(sql, id, accounts);
  const [row] = await sql.query<Row>(
    'select contact_id, status, subject, priority, queue, tags, metadata from conversation where id = $1 for update',
    [id],
  );
  if (!row) throw new NotFound(`there is no conversation ${id}`);
  for (const reference of change.references ?? []) await setReference(sql, id, reference);
  const next = apply(row, change);
  const changed = (Object.keys(next) as (keyof Row)[]).filter(
    (key) => JSON.stringify(next[key]) !== JSON.stringify(row[key]),
  );
  const decided = ROUTED.filter((key) => change[key] !== undefined);
  if (decided.length > 0) await sql.query(DECIDED, [id, decided]);
  if (changed.length > 0) {
    const { status, subject, priority, queue, tags, metadata } = next;
    await sql.query(UPDATE, [id, status, subject, priority, queue, tags, JSON.stringify(metadata)]);
    for (const type of eventsOf(row.status, next.status, changed))
      await sql.query(EMIT, [type, id, row.contact_id, JSON.stringify({ changes: changed, via })]);
  }
  return getConversation(sql, id, accounts);
}

/** What routing rules set; what a person said of it, even if it was the same, no rule changes any more. */
const ROUTED = ['priority', 'queue', 'tags'] as const;
const DECIDED = `update conversation set set_by_hand = array(select distinct x from unnest(set_by_hand || $2::text[]) x order by x)
  where id = $1 and not set_by_hand @> $2::text[]`;
const UPDATE = `update conversation set status = $2, subject = $3, priority = $4, queue = $5, tags = $6, metadata = $7, updated_at = clock_timestamp(),
  closed_at = case when $2 = 'closed' then coalesce(closed_at, clock_timestamp()) end where id = $1`;
const EMIT = 'select emit($1, $2, $3, null, $4::jsonb, clock_timestamp())';

function apply(row: Row, change: ConversationChange): Row {
  return {
    contact_id: row.contact_id,
    status: change.status ?? row.status,
    subject: change.subject === undefined ? row.subject : change.subject,
    priority: change.priority ?? row.priority,
    queue: change.queue === undefined ? row.queue : change.queue,
    tags: change.tags ? [...new Set(change.tags)] : row.tags,
    metadata: change.metadata ? merged(row.metadata, change.metadata) : row.metadata,
  };
}

/** The keys keep their place, so that the same metadata compares equal. */
function merged(old: Record<string, unknown>, change: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return Object.fromEntries(Object.entries({ ...old, ...change }).filter(([, value]) => value !== null));
}

function eventsOf(before: string, after: string, changed: readonly string[]): string[] {
  const crossed = (before === 'closed') !== (after === 'closed');
  const others = changed.some((key) => key !== 'status') || !crossed;
  return [
    ...(others ? ['conversation.updated'] : []),
    ...(crossed ? [after === 'closed' ? 'conversation.closed' : 'conversation.reopened'] : []),
  ];
}

async function setReference(
  sql: Sql,
  id: string,
  { destinationId, ticketId, url }: { destinationId: string; ticketId: string | null; url?: string | null | undefined },
): Promise<void> {
  if (ticketId === null) {
    await sql.query('delete from reference where conversation_id = $1 and destination_id = $2', [id, destinationId]);
    return;
  }
  const rows = await sql.query(SET_REFERENCE, [id, destinationId, ticketId, url ?? null]);
  if (rows.length === 0) throw new NotFound(`there is no destination ${destinationId}`);
}

const SET_REFERENCE = `insert into reference (conversation_id, destination_id, ticket_id, url)
  select $1, d.id, $3, $4 from destination d where d.id = $2 and d.removed_at is null
  on conflict (conversation_id, destination_id) do update set ticket_id = excluded.ticket_id, url = excluded.url, updated_at = now() returning 1`;

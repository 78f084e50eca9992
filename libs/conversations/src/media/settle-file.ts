import type { Database, Sql } from '#database';

/** What became of a pending file. */
export type Fetched =
  | {
      readonly state: 'ready';
      readonly key: string;
      readonly mimeType: string;
      readonly bytes: number;
      readonly name: string;
      readonly width?: number;
      readonly height?: number;
      readonly sha256: string;
    }
  | { readonly state: 'unavailable'; readonly reason: string };

const CONVERSATION = `select c.id, c.contact_id as "contactId", m.thread_id as "threadId", m.account_id as "accountId", k.blocked
  from message m join conversation c on c.id = m.conversation_id left join contact k on k.id = c.contact_id where m.id = $1 for update of c`;

const FILE = `update file set state = $2, storage_key = $3, mime_type = coalesce($4, mime_type), bytes = $5, name = coalesce($6, name), width = $7, height = $8,
  sha256 = $9, reason = $10, due_at = null where id = $1 and state = 'pending' returning message_id as "messageId", name`;

const PARTS = `update message m set parts = (
    select jsonb_agg(case when p->>'fileId' = $2 then p || $3::jsonb
      when p->'media'->>'fileId' = $2 then jsonb_set(p, '{media}', p->'media' || $3::jsonb) else p end order by n)
    from jsonb_array_elements(m.parts) with ordinality x(p, n))
  where m.id = $1`;

const EMIT = `select emit($1, $2, $3, $4, jsonb_build_object('attachment', $5::jsonb, 'message', message_view(m)), clock_timestamp())
  from message m where m.id = $6`;

/**
 * Settles a pending file: its row, the part of its message, and the event `attachment.ready` or `attachment.unavailable`, in one transaction.
 * False where somebody else has settled it already.
 */
export async function settleFile(
  database: Database,
  file: { id: string; messageId: string },
  fetched: Fetched,
): Promise<boolean> {
  const threadId = await database.transaction((sql) => settle(sql, file, fetched));
  if (threadId === undefined) return false;
  database.hint('outbox');
  database.hint('events');
  database.hint('file', file.id);
  if (threadId) database.hint('thread', threadId);
  return true;
}

async function settle(
  sql: Sql,
  { id, messageId }: { id: string; messageId: string },
  fetched: Fetched,
): Promise<string | null | undefined> {
  const [place] = await sql.query<{
    id: string;
    contactId: string;
    threadId: string;
    accountId: string;
    blocked: boolean;
  }>(CONVERSATION, [messageId]);
  const ready = fetched.state === 'ready' ? fetched : undefined;
  const {
    key = null,
    mimeType = null,
    bytes = null,
    name = null,
    width = null,
    height = null,
    sha256 = null,
  } = ready ?? {};
  const reason = fetched.state === 'unavailable' ? fetched.reason : null;
  const [row] = await sql.query<{ name: string | null }>(FILE, [
    id,
    fetched.state,
    key,
    mimeType,
    bytes,
    name,
    width,
    height,
    sha256,
    reason,
  ]);
  if (!row) return undefined;
  if (!place) return null;
  const patch = ready
    ? {
        state: 'ready',
        mimeType,
        bytes,
        ...(row.name && { name: row.name }),
        ...(width && height && { width, height }),
      }
    : { state: 'unavailable' };
  await sql.query(PARTS, [messageId, id, JSON.stringify(patch)]);
  if (!place.blocked) {
    const attachment = { fileId: id, messageId, ...(reason && { reason }) };
    await sql.query(EMIT, [
      `attachment.${fetched.state}`,
      place.id,
      place.contactId,
      place.accountId,
      JSON.stringify(attachment),
      messageId,
    ]);
  }
  return place.threadId;
}

import type { Sql } from '#database';
import type { Reference } from '#normalizer';

type Ticket = Omit<Reference, 'destinationId' | 'url'> & { readonly url?: string | null };

const FIND = {
  name: 'reference_find',
  text: 'select ticket_id as "ticketId", url from reference where conversation_id = $1 and destination_id = $2',
};
/** Nothing where the conversation was erased meanwhile. */
const KEEP = {
  name: 'reference_keep',
  text: `insert into reference (conversation_id, destination_id, ticket_id, url)
    select c.id, d.id, $3, $4 from conversation c, destination d where c.id = $1 and d.id = $2 and d.removed_at is null
    on conflict (conversation_id, destination_id) do update set ticket_id = excluded.ticket_id, url = excluded.url, updated_at = now()
    where (reference.ticket_id, reference.url) is distinct from (excluded.ticket_id, excluded.url)`,
};

/** The ticket that a conversation is now for a destination. */
export async function referenceOf(sql: Sql, conversationId: string, destinationId: string): Promise<Ticket | null> {
  const [row] = await sql.query<{ ticketId: string; url: string | null }>(FIND, [conversationId, destinationId]);
  return row ?? null;
}

/** Keeps that a conversation is this ticket for a destination from now on. Raises no event. */
export async function keepReference(
  sql: Sql,
  whose: { readonly conversationId: string; readonly destinationId: string },
  { ticketId, url }: Ticket,
): Promise<void> {
  await sql.query(KEEP, [whose.conversationId, whose.destinationId, ticketId, url ?? null]);
}

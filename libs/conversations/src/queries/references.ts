import type { Sql } from '#database';
import type { Contact, Reference } from '#normalizer';

type Ticket = Omit<Reference, 'destinationId' | 'url'> & { readonly url?: string | null };

const FIND = {
  name: 'reference_find',
  text: `select r.ticket_id as "ticketId", r.url, array(
      select distinct coalesce(k.name, (select h.value from handle h where h.contact_id = k.id order by h.id limit 1), k.id)
      from reference x join conversation o on o.id = x.conversation_id join contact k on k.id = o.contact_id
      where x.destination_id = r.destination_id and x.ticket_id = r.ticket_id and o.contact_id <> c.contact_id
      order by 1 limit 20) as "sharedWith", coalesce((
      select o.contact_id from reference x join conversation o on o.id = x.conversation_id
      where x.destination_id = r.destination_id and x.ticket_id = r.ticket_id
      order by x.updated_at, o.created_at, o.id limit 1) <> c.contact_id, false) as "ofAnother"
    from reference r join conversation c on c.id = r.conversation_id where r.conversation_id = $1 and r.destination_id = $2`,
};
/** A ticket that is several conversations is the person's whose conversation it was first; of theirs the one that goes on is meant. */
const HELD = `select c.id, c.contact_id as "contactId" from reference r join conversation c on c.id = r.conversation_id
  where r.destination_id = $1 and r.ticket_id = $2 order by r.updated_at, c.created_at, c.id`;
const LATEST = `select id from conversation where id = any ($1::text[]) order by status = 'closed', updated_at desc, id limit 1`;
/** One that the ticket names, where the destination was told of it. */
const NAMED = `select c.id, c.contact_id as "contactId" from conversation c where c.id = $2 and (
    exists (select 1 from outbox o where o.lane = $1 || ':' || $2)
    or exists (select 1 from event e join delivery d on d.event_id = e.id and d.destination_id = $1 where e.conversation_id = $2))`;
/** Nothing where the conversation was erased meanwhile. */
const KEEP = {
  name: 'reference_keep',
  text: `insert into reference (conversation_id, destination_id, ticket_id, url)
    select c.id, d.id, $3, $4 from conversation c, destination d where c.id = $1 and d.id = $2 and d.removed_at is null
    on conflict (conversation_id, destination_id) do update set ticket_id = excluded.ticket_id, url = excluded.url, updated_at = now()
    where (reference.ticket_id, reference.url) is distinct from (excluded.ticket_id, excluded.url)`,
};

/** The ticket that a conversation is now for a destination, the names of other persons whose conversations are the same, and whether it is theirs: it was one of them first. */
export async function referenceOf(
  sql: Sql,
  conversationId: string,
  destinationId: string,
): Promise<(Ticket & { readonly sharedWith: readonly string[]; readonly ofAnother: boolean }) | null> {
  type Row = { ticketId: string; url: string | null; sharedWith: string[]; ofAnother: boolean };
  const [row] = await sql.query<Row>(FIND, [conversationId, destinationId]);
  return row ?? null;
}

/**
 * The conversations that a ticket is: `answered` is the one that an answer in it is for, never one of another person than the ticket's own; `all` are
 * those of everybody. `named`: the conversation that the ticket itself names. Null where there is none.
 */
export async function conversationsOf(
  sql: Sql,
  { destinationId, ticketId, named }: { destinationId: string; ticketId: string; named?: string | undefined },
): Promise<{ readonly answered: string; readonly all: readonly string[] } | null> {
  type Row = { id: string; contactId: string };
  const held = await sql.query<Row>(HELD, [destinationId, ticketId]);
  const bears = named === undefined ? [] : await sql.query<Row>(NAMED, [destinationId, named]);
  const owner = bears[0] ?? held[0];
  if (!owner) return null;
  const own = held.filter(({ contactId }) => contactId === owner.contactId).map(({ id }) => id);
  const [latest] = own.length > 1 ? await sql.query<{ id: string }>(LATEST, [own]) : own.map((id) => ({ id }));
  const answered = latest?.id ?? owner.id;
  return { answered, all: [...new Set([answered, ...held.map(({ id }) => id)])] };
}

/** Times of events and of references are of one clock, but an event bears the time before its transaction ends. */
const TICKETS = {
  name: 'reference_tickets',
  text: `select r.conversation_id as "conversationId", r.ticket_id as "ticketId" from conversation c join reference r on r.conversation_id = c.id
    where c.contact_id = $1 and c.status <> 'closed' and r.destination_id = $2 and r.updated_at < $3::timestamptz + interval '1 second'
    order by r.conversation_id limit 50`,
};
const CONTACT = {
  name: 'reference_contact',
  text: 'select contact_view(contact_id) as contact from conversation where id = $1',
};

/** The tickets of a contact's open conversations that a destination had before that time. */
export async function ticketsOf(
  sql: Sql,
  { contactId, destinationId, before }: { contactId: string; destinationId: string; before: string },
): Promise<{ conversationId: string; ticketId: string }[]> {
  return sql.query(TICKETS, [contactId, destinationId, before]);
}

/** Whose conversation it is, as the stream shows them. */
export async function contactOf(sql: Sql, conversationId: string): Promise<Contact | null> {
  const [row] = await sql.query<{ contact: Contact | null }>(CONTACT, [conversationId]);
  return row?.contact ?? null;
}

/** Keeps that a conversation is this ticket for a destination from now on. Raises no event. */
export async function keepReference(
  sql: Sql,
  whose: { readonly conversationId: string; readonly destinationId: string },
  { ticketId, url }: Ticket,
): Promise<void> {
  await sql.query(KEEP, [whose.conversationId, whose.destinationId, ticketId, url ?? null]);
}

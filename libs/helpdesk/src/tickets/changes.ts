import type { StreamEvent } from '#normalizer';
import type { ConnectorContext, KnownTicket } from '../core/connector.js';
import { heading } from './blocks.js';
import { factsOf, requesterOf } from './facts.js';
import { escapeHtml, link } from './html.js';
import type { TicketSettings } from './settings.js';
import { TicketEnded, type Entry, type Fact, type FactKey, type TicketSystem } from './system.js';
import { wordsOf } from './words.js';

type Data = NonNullable<StreamEvent['data']>;

/** What is known of a conversation or a person, and is another than when its ticket was made. */
export interface Changes {
  /** Of the event: what its note bears. */
  readonly id: string;
  readonly keys: readonly FactKey[];
  readonly at: string;
  readonly data: Data;
}

/** What of a ticket tells which member of a conversation (`changes` of `conversation.updated`) or a contact (`contact.updated`). */
const OF_CONVERSATION: Readonly<Record<string, readonly FactKey[]>> = {
  priority: ['priority'],
  queue: ['queue'],
  tags: ['tags'],
  metadata: ['said'],
};
const OF_CONTACT: Readonly<Record<string, readonly FactKey[]>> = {
  name: ['contact'],
  handles: ['handle'],
  company: ['company', 'level', 'products'],
  crm: ['crm'],
};
/** What is worth a note: what software keeps with a conversation may change at every line. */
const NOTED: readonly FactKey[] = ['contact', 'handle', 'company', 'level', 'products', 'priority', 'queue', 'tags'];

/** What an event changes of what tickets tell beside what was said; null where that is nothing. Pure. */
export function changesOf({ id, type, timestamp, data }: StreamEvent): Changes | null {
  if (!data) return null;
  const names = type === 'contact.merged' || type === 'contact.unmerged' ? Object.keys(OF_CONTACT) : data.changes;
  const of = type === 'conversation.updated' ? OF_CONVERSATION : type.startsWith('contact.') ? OF_CONTACT : {};
  const keys = (names ?? []).flatMap((name) => (Object.hasOwn(of, name) ? of[name]! : []));
  return keys.length > 0 ? { id, keys, at: timestamp, data } : null;
}

/** A ticket that is to be told something of a conversation that it is. `noted`: does it bear the note already? */
interface Told extends KnownTicket {
  readonly conversationId: string;
  readonly noted: boolean;
}

/**
 * Fields of the ticket that the settings map are filled anew; of what has none, and is worth it, an internal note tells. What agents set themselves (priority,
 * queue, tags of the system's own) is left to them, and the fields of another person's ticket to that person. A ticket of several persons says of whom it is told.
 */
export async function tellChanges<C extends TicketSettings>(
  system: TicketSystem<C>,
  where: Told,
  { changes, ctx }: { changes: Changes; ctx: ConnectorContext<C> },
): Promise<void> {
  const { language, fields = {} } = ctx.config;
  const words = wordsOf(language);
  const known = factsOf(changes.data, words, ctx.conversationUrl(where.conversationId));
  const facts = changes.keys.flatMap((key): Fact[] => {
    const found = known.filter((fact) => fact.key === key);
    const value = key === 'priority' ? (changes.data.conversation?.priority ?? '') : '';
    return found.length > 0 ? found : [{ key, label: key === 'said' ? words.facts.said : words.facts[key], value }];
  });
  const inFields = facts.filter(({ key }) => system.setFields && !where.ofAnother && fields[key] !== undefined);
  const told = facts.filter((fact) => NOTED.includes(fact.key) && !inFields.includes(fact));
  const title = where.sharedWith?.length ? words.nowOf(requesterOf(changes.data).name) : words.now;
  try {
    if (inFields.length > 0)
      await system.setFields!(
        where.ticketId,
        Object.fromEntries(inFields.map(({ key, value }) => [fields[key]!, value])),
        ctx,
      );
    if (told.length > 0 && !where.noted) await system.append(where.ticketId, noteOf(changes, told, title), ctx);
  } catch (error) {
    // Nobody looks into a ticket that has ended; one that follows begins with what is known then.
    if (!(error instanceof TicketEnded)) throw error;
  }
}

/** What is known of a person, to the tickets of theirs that are open. One that was made later began with it. */
export async function tellEverywhere<C extends TicketSettings>(
  system: TicketSystem<C>,
  changes: Changes,
  ctx: ConnectorContext<C>,
): Promise<void> {
  const { contact: first, restored } = changes.data;
  for (const contact of [first, restored].flatMap((one) => one ?? [])) {
    // Both may have the same ticket.
    const id = contact === restored ? `${changes.id}.restored` : changes.id;
    const ofOne = { ...changes, id, data: { ...changes.data, contact } };
    const held = await ctx.ticketsOf(contact.id, changes.at);
    const tickets = new Map(held.map(({ conversationId, ticketId }) => [ticketId, conversationId]));
    for (const [ticketId, conversationId] of tickets) {
      const known = await ctx.reference(conversationId);
      const noted = ctx.unsure ? await system.recorded?.(ticketId, [id], ctx) : [];
      const where = { ...known, ticketId, conversationId, noted: (noted?.length ?? 0) > 0 };
      await tellChanges(system, where, { changes: ofOne, ctx });
    }
  }
}

function noteOf({ id, at }: Changes, facts: readonly Fact[], title: string): Entry {
  const told = heading(title);
  const lines = facts.map(({ label, value }) => ({ label, value: value || '–' }));
  return {
    ...{ ids: [id], kind: 'note', author: null, attachments: [], at },
    text: [told.text, ...lines.map(({ label, value }) => `${label}: ${value}`)].join('\n'),
    html: `${told.html}<ul>${lines.map(({ label, value }) => `<li>${escapeHtml(label)}: ${link(value, value)}</li>`).join('')}</ul>`,
  };
}

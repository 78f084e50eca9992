import { constantTimeEqual } from '#transport';
import { z } from 'zod';
import type { HelpdeskConnector } from '../core/connector.js';
import {
  checked,
  paragraph,
  marksIn,
  readAnswer,
  ticketConnector,
  TicketEnded,
  type Attachment,
  type Entry,
  type NewTicket,
  type Ticket,
  type TicketStatus,
} from '../tickets/index.js';
import { ask, conversations, fieldOf, indexed, kindOf, PAGE, ticket, tickets, type Context } from './freshdesk.api.js';
import { examine } from './freshdesk.check.js';
import { freshdeskConfig, type FreshdeskConfig } from './freshdesk.config.js';
import { contactOf } from './freshdesk.people.js';
import { openFile, poll } from './freshdesk.poll.js';
import { stateOf } from './freshdesk.state.js';
import { loadsOf, making, marked, MOST_BYTES } from './freshdesk.write.js';

/** Tickets that are younger may not be in the index of the search. */
const INDEXED_MS = 1_800_000;
const MOST_PAGES = 30;
const PRIORITIES = { low: 1, normal: 2, high: 3, urgent: 4 } as const;
const BY_CHAT = 7;

/**
 * Freshdesk. A ticket bears the id of its conversation in a field of its own, an entry the ids of what it tells in its last line. Customers' messages are incoming notes
 * of theirs, which Freshdesk mails to nobody.
 */
export const freshdesk: HelpdeskConnector<FreshdeskConfig> = ticketConnector<FreshdeskConfig>({
  type: 'freshdesk',
  title: 'Freshdesk',
  config: freshdeskConfig,
  // A minute of the smallest plan has room for 200 requests of everybody.
  capabilities: { asCustomer: true, html: true, maxAttachmentBytes: MOST_BYTES, batch: 10, gatherMs: 3_000 },
  find,
  create,
  append,
  recorded,
  setStatus,
  setFields,
  callback: {
    maxBytes: 1 << 20,
    // Freshdesk signs nothing: whoever knows the secret may do what a callback does, which is to have the poll look sooner.
    verify({ headers }, { config }) {
      const { webhookSecret } = config;
      if (!webhookSecret) return { kind: 'reject', reason: 'no-secret' };
      const isTrue = constantTimeEqual(headers['x-tributary-secret'] ?? '', webhookSecret);
      return isTrue ? { kind: 'accept' } : { kind: 'reject', reason: 'secret' };
    },
    parse: () => ({ actions: [], wake: true }),
  },
  poll: { everyMs: 30_000, poll },
  openFile,
  check: (ctx) => checked(() => examine(ctx)),
});

/** The index knows every ticket but the youngest, the list of the database the youngest. */
async function find(externalId: string, ctx: Context): Promise<Ticket | null> {
  const { referenceField } = ctx.config;
  const bears = (one: Awaited<ReturnType<typeof tickets>>[number]) => fieldOf(one, referenceField) === externalId;
  const oldest = ctx.now() - INDEXED_MS;
  const query = { updated_since: new Date(oldest).toISOString(), order_by: 'created_at', order_type: 'desc' };
  for (let page = 1; page <= MOST_PAGES; page += 1) {
    const some = await tickets(ctx, { ...query, page: String(page) });
    const found = some.findLast(bears);
    if (found) return ticketOf(ctx, found.id);
    if (some.length < PAGE || Date.parse(some.at(-1)!.created_at) < oldest) break;
  }
  for (const { id } of (await indexed(ctx, referenceField, externalId)).sort((a, b) => a.id - b.id)) {
    const found = await ticket(ctx, String(id));
    if (found && bears(found)) return ticketOf(ctx, id);
  }
  return null;
}

async function create(draft: NewTicket, ctx: Context): Promise<Ticket> {
  const { externalId, facts, opening, queue, priority, tags } = draft;
  const { config } = ctx;
  const { fields = {}, queues = {} } = config;
  const isHeavy = loadsOf(opening.attachments).length > 1;
  const values = {
    requester_id: await contactOf(draft.requester, ctx),
    subject: draft.subject.slice(0, 255),
    description: isHeavy ? paragraph(`${draft.requester.name}: ${draft.subject}`) : marked(opening),
    ...{ status: config.statuses.open, priority: PRIORITIES[priority], source: BY_CHAT },
    group_id: (queue !== null ? queues[queue] : undefined) ?? config.group,
    ...(tags.length > 0 && { tags: tags.map((tag) => tag.slice(0, 32)) }),
    custom_fields: {
      ...Object.fromEntries(
        facts.flatMap(({ key, value }) => (fields[key] ? [[fields[key], value.slice(0, 255)]] : [])),
      ),
      [config.referenceField]: externalId,
      [config.stateField]: stateOf('open', ctx.now()),
    },
  };
  const answer = await ask(ctx, '/tickets', making(values, isHeavy ? [] : opening.attachments));
  const { id } = readAnswer(z.object({ id: z.int() }), answer);
  // All of it at once would be too much: it comes as entries of their own, so that what one of them is refused for can be told without it.
  if (isHeavy) await append(String(id), opening, ctx);
  return ticketOf(ctx, id);
}

/** Files that do not go at once go before the entry, each load as an entry of its own. */
async function append(ticketId: string, entry: Entry, ctx: Context): Promise<void> {
  const user = entry.kind === 'message' ? (await living(ticketId, ctx)).requester_id : undefined;
  const loads = loadsOf(entry.attachments);
  for (const [n, load] of loads.slice(0, -1).entries()) {
    const ids = part(entry.ids, n);
    if (ctx.unsure && ((await recorded(ticketId, ids, ctx)) ?? []).length > 0) continue;
    await note(ticketId, { ...named(entry, load), ids, attachments: load }, { user, ctx });
  }
  await note(ticketId, { ...entry, attachments: loads.at(-1)! }, { user, ctx });
}

async function recorded(ticketId: string, ids: readonly string[], ctx: Context): Promise<readonly string[] | null> {
  const found = await ticket(ctx, ticketId);
  if (!found) return null;
  const among = (bodies: readonly { readonly body?: string | null | undefined }[]) =>
    marksIn([found.description ?? '', ...bodies.map(({ body }) => body ?? '')], ids);
  return among((await conversations(ctx, ticketId, (read) => among(read).length === ids.length)) ?? []);
}

async function setStatus(ticketId: string, status: TicketStatus, ctx: Context): Promise<void> {
  const { statuses, stateField } = ctx.config;
  const found = await living(ticketId, ctx);
  if (kindOf(found.status, ctx.config) === kindOf(statuses[status], ctx.config)) return;
  const given = kindOf(statuses[status], ctx.config);
  const body = { status: statuses[status], custom_fields: { [stateField]: stateOf(given, ctx.now()) } };
  const path = `/tickets/${encodeURIComponent(ticketId)}`;
  const answer = await ask(ctx, path, { method: 'PUT', body, also: [404] });
  if (answer.status === 404) throw new TicketEnded('gone');
}

async function setFields(ticketId: string, values: Readonly<Record<string, string>>, ctx: Context): Promise<void> {
  const custom_fields = Object.fromEntries(Object.entries(values).map(([name, value]) => [name, value.slice(0, 255)]));
  const path = `/tickets/${encodeURIComponent(ticketId)}`;
  const answer = await ask(ctx, path, { method: 'PUT', body: { custom_fields }, also: [404] });
  if (answer.status === 404) throw new TicketEnded('gone');
}

/** A ticket that is there. Closed ones take notes as well. Throws `TicketEnded`. */
async function living(ticketId: string, ctx: Context) {
  const found = await ticket(ctx, ticketId);
  if (!found) throw new TicketEnded('gone');
  return found;
}

async function note(
  ticketId: string,
  entry: Entry,
  { user, ctx }: { user: number | undefined; ctx: Context },
): Promise<void> {
  const isTheirs = entry.kind === 'message';
  const values = { body: marked(entry), private: !isTheirs, ...(isTheirs && { incoming: true, user_id: user }) };
  const path = `/tickets/${encodeURIComponent(ticketId)}/notes`;
  const answer = await ask(ctx, path, { ...making(values, entry.attachments), also: [404] });
  if (answer.status === 404) throw new TicketEnded('gone');
}

/** An entry that is its files alone. */
function named(entry: Entry, load: readonly Attachment[]): Entry {
  const text = load.map(({ name }) => name).join(', ');
  return { ...entry, text, html: paragraph(text) };
}

function part(ids: readonly string[], n: number): string[] {
  return ids.map((id) => `${id}+f${n + 1}`);
}

function ticketOf({ config }: Context, id: number): Ticket {
  return { id: String(id), url: `${config.apiBase}/a/tickets/${id}` };
}

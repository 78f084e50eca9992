import { createHmac } from 'node:crypto';
import { constantTimeEqual } from '#transport';
import { z } from 'zod';
import type { HelpdeskConnector } from '../core/connector.js';
import {
  checked,
  ticketConnector,
  TicketEnded,
  Unfit,
  type Entry,
  type NewTicket,
  type Ticket,
  type TicketStatus,
  readAnswer,
} from '../tickets/index.js';
import {
  articles,
  ask,
  kindOf,
  me,
  mergedInto,
  ticket,
  tickets,
  type Context,
  type ZammadTicket,
} from './zammad.api.js';
import { zammadConfig, type ZammadConfig } from './zammad.config.js';
import { openFile, OURS, poll } from './zammad.poll.js';

/**
 * Zammad 5 and 6. A ticket bears the id of its conversation as a tag, which can be searched at once; an article the ids of what it tells as its message
 * id. Customers' articles are of the type `chat`: it counts for service levels, and no trigger that Zammad ships mails anything because of it. Zammad names as the author whom
 * `origin_by_id` names, else our user, whatever `from` says; only for the types `note`, `phone` and `web` it fills in the customer by itself.
 */
export const zammad: HelpdeskConnector<ZammadConfig> = ticketConnector<ZammadConfig>({
  type: 'zammad',
  title: 'Zammad',
  config: zammadConfig,
  capabilities: { asCustomer: true, html: true, maxAttachmentBytes: 20_000_000, maxText: 500_000 },
  find,
  create,
  append,
  recorded,
  setStatus,
  setFields,
  callback: {
    maxBytes: 4 << 20,
    verify({ headers, body }, { config }) {
      const { webhookSecret } = config;
      if (!webhookSecret) return { kind: 'reject', reason: 'no-secret' };
      const mac = createHmac('sha1', webhookSecret).update(body).digest('hex');
      const given = headers['x-hub-signature'] ?? '';
      return constantTimeEqual(given, `sha1=${mac}`) ? { kind: 'accept' } : { kind: 'reject', reason: 'signature' };
    },
    // It says that something changed; what that is, with files and who did it, is read by the poll.
    parse: () => ({ actions: [], wake: true }),
  },
  poll: { everyMs: 30_000, poll },
  openFile,
  check: (ctx) => checked(() => examine(ctx)),
});

async function find(externalId: string, ctx: Context): Promise<Ticket | null> {
  const [found] = await tickets(
    ctx,
    { 'ticket.tags': ['contains all', externalId] },
    { limit: '1', sort_by: 'id', order_by: 'asc' },
  );
  return found ? ticketOf(ctx, found.id) : null;
}

async function create(draft: NewTicket, ctx: Context): Promise<Ticket> {
  const { requester, externalId, queue, facts } = draft;
  const { group, queues = {}, fields = {} } = ctx.config;
  const body = {
    ...Object.fromEntries(facts.flatMap(({ key, value }) => (fields[key] ? [[fields[key], value]] : []))),
    title: draft.subject.slice(0, 250),
    group: (queue !== null && queues[queue]) || group,
    customer: {
      login: `tributary-${requester.id}`,
      firstname: requester.name.slice(0, 100),
      ...(requester.email && { email: requester.email }),
      ...(requester.phone && { phone: requester.phone }),
    },
    ...priorityOf(draft.priority),
    tags: [externalId, OURS, ...draft.tags].map((tag) => tag.replace(/,/g, ' ')).join(','),
    // The customer has no number before: a note is theirs without.
    article: { ...articleOf(draft.opening, null), type: 'note' },
  };
  const answer = await ask(ctx, '/tickets', { method: 'POST', body });
  return ticketOf(ctx, readAnswer(z.object({ id: z.int() }), answer).id);
}

async function append(ticketId: string, entry: Entry, ctx: Context): Promise<void> {
  const { customer_id } = await demandLiving(ticketId, ctx);
  const body = { ticket_id: Number(ticketId), ...articleOf(entry, customer_id) };
  const { status } = await ask(ctx, '/ticket_articles', { method: 'POST', body, also: [404] });
  if (status === 404) throw new TicketEnded('gone');
}

async function recorded(ticketId: string, ids: readonly string[], ctx: Context): Promise<readonly string[] | null> {
  const found = await articles(ctx, ticketId);
  const marks = new Set(found?.flatMap(({ message_id }) => message_id?.split(' ') ?? []));
  return found && ids.filter((id) => marks.has(id));
}

async function setStatus(ticketId: string, status: TicketStatus, ctx: Context): Promise<void> {
  const { state } = await demandLiving(ticketId, ctx);
  const wanted = ctx.config.statuses[status];
  if (kindOf(state, ctx.config) === kindOf(wanted, ctx.config)) return;
  await ask(ctx, `/tickets/${encodeURIComponent(ticketId)}`, { method: 'PUT', body: { state: wanted } });
}

async function setFields(ticketId: string, values: Readonly<Record<string, string>>, ctx: Context): Promise<void> {
  await demandLiving(ticketId, ctx);
  await ask(ctx, `/tickets/${encodeURIComponent(ticketId)}`, { method: 'PUT', body: values });
}

/** A ticket that takes something. Throws `TicketEnded`. */
async function demandLiving(ticketId: string, ctx: Context): Promise<ZammadTicket> {
  const found = await ticket(ctx, ticketId);
  if (!found) throw new TicketEnded('gone');
  if (found.state !== 'merged') return found;
  const into = await mergedInto(ctx, ticketId);
  throw into === null ? new TicketEnded('gone') : new TicketEnded('merged', ticketOf(ctx, into));
}

function articleOf({ kind, html, ids, attachments }: Entry, customer: number | null | undefined) {
  return {
    body: html,
    content_type: 'text/html',
    ...(kind === 'message'
      ? { type: 'chat', sender: 'Customer', internal: false, ...(customer && { origin_by_id: customer }) }
      : { type: 'note', sender: 'Agent', internal: true }),
    message_id: ids.join(' '),
    attachments: attachments.map(({ name, mimeType, content }) => ({
      filename: name,
      'mime-type': mimeType,
      data: content.toString('base64'),
    })),
  };
}

/** By the names that Zammad ships; it has no fourth. */
function priorityOf(priority: NewTicket['priority']): { priority?: string } {
  if (priority === 'normal') return {};
  return { priority: priority === 'low' ? '1 low' : '3 high' };
}

function ticketOf({ config }: Context, id: number | string): Ticket {
  return { id: String(id), url: `${config.apiBase}/#ticket/zoom/${id}` };
}

/** Who we are, and whether groups and states are there. Throws `Unfit` in words. */
async function examine(ctx: Context): Promise<string> {
  const { login = '?' } = await me(ctx);
  const { group, queues = {}, statuses } = ctx.config;
  const named = z.array(z.object({ name: z.string(), active: z.boolean().default(true) }));
  const have = async (path: string) =>
    readAnswer(named, await ask(ctx, path)).flatMap((one) => (one.active ? one.name : []));
  const groups = await have('/groups');
  for (const wanted of new Set([group, ...Object.values(queues)]))
    if (!groups.includes(wanted))
      throw new Unfit(
        `Zammad has no active group ${JSON.stringify(wanted)} that this user sees. It sees: ${groups.join(', ')}.`,
      );
  const states = await have('/ticket_states');
  for (const wanted of Object.values(statuses))
    if (!states.includes(wanted))
      throw new Unfit(`Zammad has no state ${JSON.stringify(wanted)}. It has: ${states.join(', ')}.`);
  return `Works as ${login}, in the group ${group}.`;
}

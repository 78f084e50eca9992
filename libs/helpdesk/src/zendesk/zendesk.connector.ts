import { createHmac } from 'node:crypto';
import { ProviderFailure } from '#normalizer';
import { constantTimeEqual, retryAfterOf, type HttpResponse } from '#transport';
import { z } from 'zod';
import { DeliveryRefused, type HelpdeskConnector } from '../core/connector.js';
import {
  checked,
  readAnswer,
  ticketConnector,
  TicketEnded,
  type Attachment,
  type Entry,
  type NewTicket,
  type Ticket,
  type TicketStatus,
} from '../tickets/index.js';
import {
  ask,
  audits,
  groups,
  kindOf,
  marksOf,
  ticket,
  tickets,
  type Context,
  type ZendeskTicket,
} from './zendesk.api.js';
import { examine } from './zendesk.check.js';
import { zendeskConfig, type ZendeskConfig } from './zendesk.config.js';
import { userOf } from './zendesk.people.js';
import { openFile, poll } from './zendesk.poll.js';

/** Zendesk takes so many updates of a ticket by one user within so long: https://developer.zendesk.com/api-reference/introduction/rate-limits/ */
const MOST_UPDATES = 30;
const UPDATES_MS = 600_000;
/** A callback may be sent again; one that is older than this was kept by somebody. */
const OLDEST_CALLBACK_MS = 900_000;

/**
 * Zendesk Support. A ticket bears the id of its conversation as its external id; the audit of each update the ids of what it tells as custom metadata (up
 * to 1 kB), which nobody sees and by which our own writes are known. Customers write as end users.
 */
export const zendesk: HelpdeskConnector<ZendeskConfig> = ticketConnector<ZendeskConfig>({
  type: 'zendesk',
  title: 'Zendesk',
  config: zendeskConfig,
  // A comment has room for 65,535 bytes, of which a character takes three at most. 24 ids have room in the metadata.
  capabilities: {
    asCustomer: true,
    html: true,
    maxAttachmentBytes: 52_428_800,
    maxText: 21_000,
    batch: 24,
    gatherMs: 5_000,
  },
  find,
  create,
  append,
  recorded,
  setStatus,
  setFields,
  callback: {
    maxBytes: 1 << 20,
    verify({ headers, body }, { config, now }) {
      const { webhookSecret } = config;
      if (!webhookSecret) return { kind: 'reject', reason: 'no-secret' };
      const at = headers['x-zendesk-webhook-signature-timestamp'] ?? '';
      const mac = createHmac('sha256', webhookSecret).update(at).update(body).digest('base64');
      const given = headers['x-zendesk-webhook-signature'] ?? '';
      if (!constantTimeEqual(given, mac)) return { kind: 'reject', reason: 'signature' };
      const isStale = !(Math.abs(now - Date.parse(at)) <= OLDEST_CALLBACK_MS);
      return isStale ? { kind: 'reject', reason: 'stale' } : { kind: 'accept' };
    },
    // It says that something changed; what that is, with files and who did it, is read by the poll.
    parse: () => ({ actions: [], wake: true }),
  },
  poll: { everyMs: 30_000, poll },
  openFile,
  check: (ctx) => checked(() => examine(ctx)),
});

async function find(externalId: string, ctx: Context): Promise<Ticket | null> {
  const found = await tickets(ctx, { external_id: externalId });
  const ids = found.tickets.flatMap(({ id, external_id }) => (external_id === externalId ? id : []));
  return ids.length > 0 ? ticketOf(ctx, Math.min(...ids)) : null;
}

async function create(draft: NewTicket, ctx: Context): Promise<Ticket> {
  const { requester, externalId, followUpOf, opening, facts, priority } = draft;
  const { fields = {} } = ctx.config;
  const user = await userOf(requester, ctx);
  const body = {
    ...{ external_id: externalId, requester_id: user, submitter_id: user, subject: draft.subject.slice(0, 255) },
    ...(priority !== 'normal' && { priority }),
    ...(await groupOf(draft, ctx)),
    ...(followUpOf &&
      (await ticket(ctx, followUpOf))?.status === 'closed' && { via_followup_source_id: Number(followUpOf) }),
    tags: ['tributary', ...draft.tags.map((tag) => tag.replace(/[^\p{L}\p{N}_/.:-]+/gu, '_'))],
    custom_fields: facts.flatMap(({ key, value }) => (fields[key] ? { id: Number(fields[key]), value } : [])),
    comment: await commentOf(opening, user, ctx),
    metadata: mark(opening.ids),
  };
  const answer = await ask(ctx, '/tickets.json', { method: 'POST', body: { ticket: body } });
  return ticketOf(ctx, readAnswer(z.object({ ticket: z.object({ id: z.int() }) }), answer).ticket.id);
}

async function append(ticketId: string, entry: Entry, ctx: Context): Promise<void> {
  const author = entry.kind === 'message' ? (await demandLiving(ticketId, ctx)).requester_id : null;
  await change(ticketId, { comment: await commentOf(entry, author, ctx), metadata: mark(entry.ids) }, ctx);
}

async function recorded(ticketId: string, ids: readonly string[], ctx: Context): Promise<readonly string[] | null> {
  const among = (read: readonly Parameters<typeof marksOf>[0][]): string[] => {
    const marks = new Set(read.flatMap((audit) => marksOf(audit) ?? []));
    return ids.filter((id) => marks.has(id));
  };
  const read = await audits(ctx, ticketId, (all) => among(all).length === ids.length);
  return read && among(read);
}

async function setStatus(ticketId: string, status: TicketStatus, ctx: Context): Promise<void> {
  const found = await ticket(ctx, ticketId);
  if (found && kindOf(found.status) === status) return;
  await demandLiving(ticketId, ctx, found);
  await change(ticketId, { status: status === 'closed' ? 'solved' : status, metadata: mark(['status']) }, ctx);
}

async function setFields(ticketId: string, values: Readonly<Record<string, string>>, ctx: Context): Promise<void> {
  await demandLiving(ticketId, ctx);
  const custom_fields = Object.entries(values).map(([id, value]) => ({ id: Number(id), value }));
  await change(ticketId, { custom_fields, metadata: mark(['fields']) }, ctx);
}

async function change(ticketId: string, changes: Record<string, unknown>, ctx: Context): Promise<void> {
  const path = `/tickets/${encodeURIComponent(ticketId)}.json`;
  const answer = await ask(ctx, path, { method: 'PUT', body: { ticket: changes }, also: [404, 422, 429] });
  if (answer.status === 404) throw new TicketEnded('gone');
  if (answer.status === 422) {
    await demandLiving(ticketId, ctx);
    throw new DeliveryRefused(422, 'answered 422');
  }
  if (answer.status === 429) throw await throttled(ticketId, answer, ctx);
}

/** What 429 means to an update: where this ticket had all of its updates, only this ticket waits, and not the whole destination. */
async function throttled(ticketId: string, answer: HttpResponse, ctx: Context): Promise<Error> {
  const retryAfterMs = retryAfterOf(answer, ctx.now());
  const read = await audits(ctx, ticketId, () => true).catch(() => null);
  const recent = read?.filter((one) => marksOf(one) && ctx.now() - Date.parse(one.created_at) < UPDATES_MS) ?? [];
  if (recent.length < MOST_UPDATES) return new DeliveryRefused(429, 'answered 429', retryAfterMs);
  return new ProviderFailure('unavailable', 'the ticket had all the updates that Zendesk takes within ten minutes', {
    ...(retryAfterMs !== undefined && { retryAfterMs }),
  });
}

/** A ticket that takes something. Throws `TicketEnded`. */
async function demandLiving(ticketId: string, ctx: Context, known?: ZendeskTicket | null): Promise<ZendeskTicket> {
  const found = known === undefined ? await ticket(ctx, ticketId) : known;
  if (!found) throw new TicketEnded('gone');
  if (found.status !== 'closed') return found;
  const into = found.tags.includes('closed_by_merge') ? await mergedInto(ticketId, ctx) : null;
  throw into === null ? new TicketEnded('closed') : new TicketEnded('merged', ticketOf(ctx, into));
}

/** The ticket that the last comment names: a merge leaves nothing else, in whatever language, than `#` and the number. */
async function mergedInto(ticketId: string, ctx: Context): Promise<string | null> {
  const read = (await audits(ctx, ticketId, () => true)) ?? [];
  const comments = read
    .sort((a, b) => Date.parse(b.created_at) - Date.parse(a.created_at) || b.id - a.id)
    .flatMap(({ events }) => events.filter(({ type }) => type === 'Comment'));
  const [, id] = /#(\d+)/.exec(comments[0]?.body ?? '') ?? [];
  return id && id !== ticketId && (await ticket(ctx, id)) ? id : null;
}

async function commentOf({ kind, html, attachments }: Entry, author: number | null | undefined, ctx: Context) {
  const uploads = await uploaded(attachments, ctx);
  return {
    ...{ html_body: literal(html), public: kind === 'message' },
    ...(author && { author_id: author }),
    ...(uploads.length > 0 && { uploads }),
  };
}

/** Zendesk fills placeholders in comments: what a customer writes must be none, for it could show them internal notes. What parts the braces is not seen. */
function literal(html: string): string {
  return html.replace(/\{(?=[{%])/g, '{\u200b');
}

async function uploaded(attachments: readonly Attachment[], ctx: Context): Promise<string[]> {
  const tokens: string[] = [];
  for (const { name, mimeType, content } of attachments) {
    const headers = { 'content-type': mimeType };
    const path = `/uploads.json?filename=${encodeURIComponent(name)}`;
    const answer = await ask(ctx, path, { method: 'POST', body: content, headers });
    tokens.push(readAnswer(z.object({ upload: z.object({ token: z.string() }) }), answer).upload.token);
  }
  return tokens;
}

async function groupOf({ queue }: NewTicket, ctx: Context): Promise<{ group_id?: number }> {
  const { group, queues = {} } = ctx.config;
  const wanted = (queue !== null && queues[queue]) || group;
  if (!wanted) return {};
  const id = (await groups(ctx)).get(wanted);
  if (id === undefined) throw new DeliveryRefused(422, 'there is no group of the name in `group` or `queues`');
  return { group_id: id };
}

function mark(ids: readonly string[]): { tributary: string } {
  return { tributary: ids.join(' ') };
}

function ticketOf({ config }: Context, id: number | string): Ticket {
  return { id: String(id), url: `${config.apiBase}/agent/tickets/${id}` };
}

import { createHmac } from 'node:crypto';
import { constantTimeEqual } from '#transport';
import { z } from 'zod';
import { DeliveryRefused, type HelpdeskConnector } from '../core/connector.js';
import {
  checked,
  readAnswer,
  ticketConnector,
  TicketEnded,
  type Entry,
  type NewTicket,
  type Ticket,
  type TicketStatus,
} from '../tickets/index.js';
import {
  ask,
  askAt,
  conversation,
  inbox,
  kindOf,
  messages,
  ticketOf,
  type Context,
  type Conversation,
} from './chatwoot.api.js';
import { examine } from './chatwoot.check.js';
import { chatwootConfig, type ChatwootConfig } from './chatwoot.config.js';
import { contactOf } from './chatwoot.people.js';
import { openFile, poll } from './chatwoot.poll.js';
import { BEARS, GIVEN, markOf } from './chatwoot.status.js';
import { making, messageOf } from './chatwoot.write.js';

/** A callback that is older was kept by somebody, milliseconds. */
const OLDEST_CALLBACK_MS = 900_000;
const STATUSES = { open: 'open', pending: 'snoozed', closed: 'resolved' } as const;

/**
 * Chatwoot 3 and 4, an inbox of the channel API. Each conversation is a way of its own to reach its contact, whose source id is the conversation's: by that the
 * public API of the inbox finds it at once. A message bears the ids of what it tells as its own source id, which nobody sees.
 */
export const chatwoot: HelpdeskConnector<ChatwootConfig> = ticketConnector<ChatwootConfig>({
  type: 'chatwoot',
  title: 'Chatwoot',
  config: chatwootConfig,
  // Chatwoot's own defaults: 40 MB, 150,000 characters, and 15 files of a message (NUMBER_OF_PERMITTED_ATTACHMENTS). What it shows is Markdown.
  capabilities: { asCustomer: true, html: false, maxAttachmentBytes: 40_000_000, maxFiles: 15, maxText: 100_000 },
  find,
  create,
  append,
  recorded,
  setStatus,
  setFields,
  callback: {
    maxBytes: 4 << 20,
    verify({ headers, body }, { config, now }) {
      const { webhookSecret } = config;
      if (!webhookSecret) return { kind: 'reject', reason: 'no-secret' };
      const at = headers['x-chatwoot-timestamp'] ?? '';
      const mac = createHmac('sha256', webhookSecret).update(`${at}.`).update(body).digest('hex');
      const given = headers['x-chatwoot-signature'] ?? '';
      if (!constantTimeEqual(given, `sha256=${mac}`)) return { kind: 'reject', reason: 'signature' };
      const isStale = !(Math.abs(now - Number(at) * 1000) <= OLDEST_CALLBACK_MS);
      return isStale ? { kind: 'reject', reason: 'stale' } : { kind: 'accept' };
    },
    // It does not tell who changed a status, and comes once, if at all: what happened is read by the poll.
    parse: () => ({ actions: [], wake: true }),
  },
  poll: { everyMs: 5_000, poll },
  openFile,
  check: (ctx) => checked(() => examine(ctx)),
});

async function find(externalId: string, ctx: Context): Promise<Ticket | null> {
  const identifier = (await inbox(ctx))?.inbox_identifier;
  if (!identifier) throw new DeliveryRefused(422, 'the inbox of the number in `inbox` is not of the channel API');
  const path = `/public/api/v1/inboxes/${encodeURIComponent(identifier)}/contacts/${sourceId(externalId)}/conversations`;
  const answer = await askAt(ctx, path, { also: [404] });
  if (answer.status === 404) return null;
  const found = readAnswer(z.array(z.object({ id: z.int() })), answer).map(({ id }) => id);
  return found.length > 0 ? ticketOf(ctx, Math.min(...found)) : null;
}

async function create(draft: NewTicket, ctx: Context): Promise<Ticket> {
  const { requester, externalId, queue, facts, opening, priority } = draft;
  const { inbox: inbox_id, queues = {}, fields = {} } = ctx.config;
  const own = facts.flatMap(({ key, value }) => (fields[key] ? [[fields[key], value] as const] : []));
  const values = {
    ...{ inbox_id, contact_id: await contactOf(requester, ctx), source_id: sourceId(externalId), status: 'open' },
    custom_attributes: { ...Object.fromEntries(own), [BEARS]: externalId },
    message: messageOf(opening),
    team_id: queue === null ? undefined : queues[queue],
  };
  const answer = await ask(ctx, '/conversations', making(values, opening.attachments, 'message[attachments]'));
  const ticket = ticketOf(ctx, readAnswer(z.object({ id: z.int() }), answer).id);
  const level = { low: 'low', normal: null, high: 'high', urgent: 'urgent' }[priority];
  if (level)
    await ask(ctx, `/conversations/${ticket.id}/toggle_priority`, { method: 'POST', body: { priority: level } });
  return ticket;
}

async function append(ticketId: string, entry: Entry, ctx: Context): Promise<void> {
  const path = `/conversations/${encodeURIComponent(ticketId)}/messages`;
  const { status } = await ask(ctx, path, {
    ...making(messageOf(entry), entry.attachments, 'attachments'),
    also: [404],
  });
  if (status === 404) throw new TicketEnded('gone');
}

async function recorded(ticketId: string, ids: readonly string[], ctx: Context): Promise<readonly string[] | null> {
  const found = new Set<string>();
  for (let before: number | undefined; ;) {
    const page = await messages(ctx, ticketId, before);
    if (!page) return null;
    for (const id of page.flatMap(({ source_id }) => source_id?.split(' ') ?? [])) if (ids.includes(id)) found.add(id);
    if (page.length === 0 || found.size === ids.length) return [...found];
    before = page[0]!.id;
  }
}

async function setStatus(ticketId: string, status: TicketStatus, ctx: Context): Promise<void> {
  const found = await conversation(ctx, ticketId);
  if (!found) throw new TicketEnded('gone');
  if (kindOf(found.status) === status) return;
  await setAttributes(found, { [GIVEN]: markOf(status, ctx.now()) }, ctx);
  const path = `/conversations/${encodeURIComponent(ticketId)}`;
  await ask(ctx, `${path}/toggle_status`, { method: 'POST', body: { status: STATUSES[status] } });
}

async function setFields(ticketId: string, values: Readonly<Record<string, string>>, ctx: Context): Promise<void> {
  const found = await conversation(ctx, ticketId);
  if (!found) throw new TicketEnded('gone');
  await setAttributes(found, values, ctx);
}

/** Without `merge`, which older versions do not know, the attributes are replaced: all of them are sent. */
async function setAttributes(
  { id, custom_attributes: had }: Conversation,
  values: Readonly<Record<string, string>>,
  ctx: Context,
): Promise<void> {
  const body = { custom_attributes: { ...had, ...values }, merge: true };
  await ask(ctx, `/conversations/${id}/custom_attributes`, { method: 'POST', body });
}

/** Chatwoot's paths end at a dot. */
function sourceId(externalId: string): string {
  return externalId.replace(/\./g, '-');
}

import type { HttpRequest } from '#transport';
import { z } from 'zod';
import { DeliveryRefused } from '../core/connector.js';
import {
  checked,
  markedId,
  markedText,
  marksIn,
  ticketConnector,
  TicketEnded,
  type Attachment,
  type Entry,
  type NewTicket,
  type Ticket,
  type TicketStatus,
  readAnswer,
} from '../tickets/index.js';
import { ask, issue, issues, issueUrl, statuses, type Context, type Issue, type Status } from './redmine.api.js';
import { checkRedmine } from './redmine.check.js';
import { redmineConfig, type RedmineConfig } from './redmine.config.js';
import { openFile, poll } from './redmine.poll.js';
import { kindOf, statusFor } from './redmine.status.js';

/**
 * Redmine 4 and 5. An issue bears the id of its conversation in the last line of its description, and each note the ids of what it tells in its own: the API takes no
 * other place that every installation has, and finds a word of a description at once.
 */
export const redmine = ticketConnector<RedmineConfig>({
  type: 'redmine',
  title: 'Redmine',
  config: redmineConfig,
  // Redmine's own default of the largest file is 5 MiB.
  capabilities: { asCustomer: false, html: false, maxAttachmentBytes: 5_242_880 },
  find,
  create,
  append,
  recorded,
  setStatus,
  setFields,
  poll: { everyMs: 10_000, poll },
  openFile,
  check: (ctx) => checked(() => checkRedmine(ctx)),
});

async function find(externalId: string, ctx: Context): Promise<Ticket | null> {
  const filter = new URLSearchParams({ set_filter: '1', sort: 'id', limit: '100' });
  for (const [field, operator] of [
    ['status_id', '*'],
    ['description', '~'],
  ] as const) {
    filter.append('f[]', field);
    filter.append(`op[${field}]`, operator);
  }
  filter.append('v[description][]', externalId);
  const found = (await issues(ctx, filter)).find(({ description }) => markedId(description) === externalId);
  return found ? ticketOf(ctx, found.id) : null;
}

async function create(ticket: NewTicket, ctx: Context): Promise<Ticket> {
  const { opening, externalId, facts, queue } = ticket;
  const { project, queues = {}, fields = {} } = ctx.config;
  const custom_fields = facts.flatMap(({ key, value }) => (fields[key] ? fieldOf(fields[key], value) : []));
  const body = {
    issue: {
      subject: ticket.subject.slice(0, 255),
      description: markedText({ text: opening.text, ids: [externalId, ...opening.ids] }),
      ...(await trackerOf(ctx)),
      ...(await priorityOf(ctx, ticket.priority)),
      ...(custom_fields.length > 0 && { custom_fields }),
      ...(await uploaded(ctx, opening.attachments)),
    },
  };
  const place = (queue !== null && queues[queue]) || project;
  const answer = await ask(ctx, `/projects/${encodeURIComponent(place)}/issues.json`, json('POST', body));
  return ticketOf(ctx, readAnswer(z.object({ issue: z.object({ id: z.int() }) }), answer).issue.id);
}

async function append(ticketId: string, entry: Entry, ctx: Context): Promise<void> {
  const uploads = await uploaded(ctx, entry.attachments);
  await change(
    ticketId,
    { notes: markedText(entry), ...(entry.kind === 'note' && { private_notes: true }), ...uploads },
    ctx,
  );
}

async function recorded(ticketId: string, ids: readonly string[], ctx: Context): Promise<readonly string[] | null> {
  const found = await issue(ctx, ticketId);
  return found && marksIn([found.description ?? '', ...found.journals.map(({ notes }) => notes ?? '')], ids);
}

async function setStatus(ticketId: string, status: TicketStatus, ctx: Context): Promise<void> {
  const [found, all] = await Promise.all([issue(ctx, ticketId), statuses(ctx)]);
  if (!found) throw new TicketEnded('gone');
  if (isAlready(found, status, { all, ctx })) return;
  const wanted = statusFor(status, all, ctx.config);
  await change(ticketId, { status_id: wanted.id }, ctx);
  // Redmine answers 204 also where the workflow does not allow the step, and leaves the status as it is.
  if ((await issue(ctx, ticketId))?.status.id !== wanted.id)
    throw new DeliveryRefused(422, `the workflow does not let this user set the status ${JSON.stringify(wanted.name)}`);
}

async function setFields(ticketId: string, values: Readonly<Record<string, string>>, ctx: Context): Promise<void> {
  await change(ticketId, { custom_fields: Object.entries(values).map(([id, value]) => fieldOf(id, value)) }, ctx);
}

function fieldOf(id: string, value: string): { id: number; value: string } {
  return { id: Number(id), value: value.slice(0, 255) };
}

function isAlready(
  found: Issue,
  status: TicketStatus,
  { all, ctx }: { all: readonly Status[]; ctx: Context },
): boolean {
  const now = kindOf(String(found.status.id), all, ctx.config);
  return now === status || (status === 'pending' && ctx.config.statuses.pending === undefined && now === 'open');
}

async function change(ticketId: string, changes: Record<string, unknown>, ctx: Context): Promise<void> {
  const path = `/issues/${encodeURIComponent(ticketId)}.json`;
  const { status } = await ask(ctx, path, { ...json('PUT', { issue: changes }), also: [404] });
  if (status === 404) throw new TicketEnded('gone');
}

/** Uploads files, for the next request to name them. */
async function uploaded(ctx: Context, attachments: readonly Attachment[]): Promise<{ uploads?: unknown[] }> {
  const uploads: unknown[] = [];
  for (const { name, mimeType, content } of attachments) {
    const request = { method: 'POST', body: content, headers: { 'content-type': 'application/octet-stream' } } as const;
    const answer = await ask(ctx, `/uploads.json?filename=${encodeURIComponent(name)}`, request);
    const { upload } = readAnswer(z.object({ upload: z.object({ token: z.string() }) }), answer);
    uploads.push({ token: upload.token, filename: name, content_type: mimeType });
  }
  return uploads.length > 0 ? { uploads } : {};
}

async function trackerOf(ctx: Context): Promise<{ tracker_id?: number }> {
  const { tracker } = ctx.config;
  if (tracker === undefined) return {};
  const shape = z.object({ trackers: z.array(z.object({ id: z.int(), name: z.string() })) });
  const found = readAnswer(shape, await ask(ctx, '/trackers.json')).trackers.find(({ name }) => name === tracker);
  if (!found) throw new DeliveryRefused(422, 'there is no tracker of the name in `tracker`');
  return { tracker_id: found.id };
}

/** Priorities have names of any language: they go by their place beside the default one. */
async function priorityOf(ctx: Context, priority: NewTicket['priority']): Promise<{ priority_id?: number }> {
  if (priority === 'normal') return {};
  const shape = z.object({
    issue_priorities: z.array(z.object({ id: z.int(), is_default: z.boolean().default(false) })),
  });
  const all = readAnswer(shape, await ask(ctx, '/enumerations/issue_priorities.json')).issue_priorities;
  const normal = Math.max(
    0,
    all.findIndex(({ is_default }) => is_default),
  );
  const step = { low: -1, high: 1, urgent: 2 }[priority];
  const found = all[Math.min(Math.max(0, normal + step), all.length - 1)];
  return found ? { priority_id: found.id } : {};
}

function ticketOf(ctx: Context, id: number): Ticket {
  return { id: String(id), url: issueUrl(ctx, String(id)) };
}

function json(method: 'POST' | 'PUT', body: unknown): Omit<HttpRequest, 'url'> {
  return { method, body };
}

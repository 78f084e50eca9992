import { ProviderFailure } from '#normalizer';
import { DeliveryRefused } from '../core/connector.js';
import {
  markedHtml,
  marksIn,
  TicketEnded,
  type Attachment,
  type Entry,
  type NewTicket,
  type Ticket,
  type TicketStatus,
} from '../tickets/index.js';
import {
  ask,
  attachmentsOf,
  Found,
  History,
  Made,
  notWritten,
  read,
  ticketOf,
  write,
  type RtContext,
  type RtTicket,
} from './rt.api.js';

/** RT's priorities go from 0 to 100; a normal one is left to the queue. */
const PRIORITY = { low: 10, normal: undefined, high: 75, urgent: 100 } as const;
const WITH_TEXT = ['Create', 'Correspond', 'Comment'];

/** What tickets refer to: a link is found at once, and needs no custom field. */
export const SCHEME = 'tributary:';

export async function find(externalId: string, ctx: RtContext): Promise<Ticket | null> {
  const query = { query: `RefersTo = '${SCHEME}${externalId.replace(/[^\w.:-]/g, '')}'`, orderby: 'id', order: 'ASC' };
  const [found] = read(Found, await ask(ctx, '/tickets', { query })).items;
  return found ? placeOf(found.id, ctx) : null;
}

export async function create(ticket: NewTicket, ctx: RtContext): Promise<Ticket> {
  const { queue, queues, fields } = ctx.config;
  const custom = ticket.facts.flatMap(({ key, value }) => (fields?.[key] ? [[fields[key], value] as const] : []));
  const body = {
    Queue: (ticket.queue !== null && queues?.[ticket.queue]) || queue,
    Subject: ticket.subject.replace(/\s+/g, ' ').slice(0, 200),
    ...(ctx.config.requestor === 'contact' && { Requestor: [await requestor(ticket, ctx)] }),
    RefersTo: [`${SCHEME}${ticket.externalId}`, ...(ticket.followUpOf ? [ticket.followUpOf] : [])],
    ...(PRIORITY[ticket.priority] !== undefined && { Priority: PRIORITY[ticket.priority] }),
    ...(custom.length > 0 && { CustomFields: Object.fromEntries(custom) }),
    ...content(ticket.opening),
  };
  const { id } = read(Made, await write(ctx, '/ticket', { body }));
  const query = { fields: 'Type', per_page: '100', orderby: 'id', order: 'ASC' };
  const { items } = read(History, await ask(ctx, `/ticket/${encodeURIComponent(id)}/history`, { query, also: [404] }));
  await demandKept(items.find(({ Type }) => Type === 'Create')?.id, ticket.opening, ctx);
  return placeOf(id, ctx);
}

export async function append(ticketId: string, entry: Entry, ctx: RtContext): Promise<void> {
  await living(ticketId, ctx);
  const way = entry.kind === 'note' ? 'comment' : 'correspond';
  const answer = await write(ctx, `/ticket/${encodeURIComponent(ticketId)}/${way}`, { body: content(entry) });
  await demandKept(/\/transaction\/(\d+)$/.exec(answer.headers['location'] ?? '')?.[1], entry, ctx);
}

/**
 * RT answers 201 before it knows whether its database keeps what was written (seen on 5.0.3 with a full disk: the commit fails, and nothing is there). Throws
 * `ProviderFailure` (`unavailable`) where the transaction does not hold the entry.
 */
async function demandKept(transaction: string | undefined, entry: Entry, ctx: RtContext): Promise<void> {
  const texts = transaction === undefined ? [] : await attachmentsOf(ctx, [transaction], true);
  const held = marksIn(
    texts.map(({ Content }) => Content ?? ''),
    entry.ids,
  );
  if (held.length < entry.ids.length) throw notWritten();
  if (entry.attachments.length === 0) return;
  const files = (await attachmentsOf(ctx, [transaction!], false)).filter(
    ({ ContentType }) => !ContentType?.startsWith('multipart/'),
  );
  if (files.length <= entry.attachments.length) throw notWritten();
}

/** Reads the texts of the history, the newest hundred first, until all are found. */
export async function recorded(
  ticketId: string,
  ids: readonly string[],
  ctx: RtContext,
): Promise<readonly string[] | null> {
  if (!(await ticketOf(ctx, ticketId))) return null;
  const found = new Set<string>();
  for (let page = 1; ; page += 1) {
    const query = { fields: 'Type', per_page: '100', page: String(page), orderby: 'id', order: 'DESC' };
    const { items } = read(History, await ask(ctx, `/ticket/${encodeURIComponent(ticketId)}/history`, { query }));
    const texts = items.filter(({ Type }) => WITH_TEXT.includes(Type)).map(({ id }) => id);
    if (texts.length > 0) {
      const attachments = await attachmentsOf(ctx, texts, true);
      for (const id of marksIn(
        attachments.map(({ Content }) => Content ?? ''),
        ids,
      ))
        found.add(id);
    }
    if (items.length < 100 || found.size === ids.length) return [...found];
  }
}

/** RT answers 200 also where it changes nothing: whether it did is asked. */
export async function setStatus(ticketId: string, status: TicketStatus, ctx: RtContext): Promise<void> {
  const ticket = await living(ticketId, ctx);
  if (statusOf(ticket.Status, ctx) === status) return;
  const body = { Status: ctx.config.statuses[status] };
  const answer = await write(ctx, `/ticket/${encodeURIComponent(ticketId)}`, { method: 'PUT', body });
  const now = await living(ticketId, ctx);
  if (statusOf(now.Status, ctx) === status) return;
  // Where it refuses it says why.
  throw answer.text().trim() === '[]'
    ? notWritten()
    : new ProviderFailure(
        'content-refused',
        `RT leaves the ticket ${now.Status}: the right ModifyTicket, or the lifecycle, forbids ${ctx.config.statuses[status]}`,
      );
}

export async function setFields(
  ticketId: string,
  values: Readonly<Record<string, string>>,
  ctx: RtContext,
): Promise<void> {
  await living(ticketId, ctx);
  await write(ctx, `/ticket/${encodeURIComponent(ticketId)}`, { method: 'PUT', body: { CustomFields: values } });
}

/** What a status of RT is to us. */
export function statusOf(name: string, { config: { statuses } }: Pick<RtContext, 'config'>): TicketStatus {
  if ([statuses.closed, 'resolved', 'rejected', 'deleted'].includes(name)) return 'closed';
  return [statuses.pending, 'stalled'].includes(name) ? 'pending' : 'open';
}

function placeOf(id: string, { config: { apiBase } }: RtContext): Ticket {
  return { id, url: `${apiBase}/Ticket/Display.html?id=${id}` };
}

/** The ticket, where it takes what is added: RT adds to deleted ones too, where nobody sees it. */
async function living(ticketId: string, ctx: RtContext): Promise<RtTicket> {
  const ticket = await ticketOf(ctx, ticketId);
  if (!ticket) throw new TicketEnded('gone');
  const effective = ticket.EffectiveId?.id ?? ticket.id;
  if (effective !== ticketId) throw new TicketEnded('merged', placeOf(effective, ctx));
  return ticket;
}

/**
 * The user of RT that the customer is: without a mail address, so that RT sends no mail of what is said in a chat. One that is there already is a 400, as everything
 * else that RT dislikes.
 */
async function requestor({ requester }: NewTicket, ctx: RtContext): Promise<string> {
  const Name = `tributary-${requester.id}`;
  const { name, company, phone } = requester;
  const body = {
    Name,
    RealName: name.slice(0, 120),
    Privileged: 0,
    ...(company && { Organization: company.slice(0, 200) }),
    ...(phone && { MobilePhone: phone }),
  };
  const answer = await write(ctx, '/user', { body, also: [400] });
  const made = await ask(ctx, `/user/${encodeURIComponent(Name)}`, { also: [404] });
  if (made.status === 404) throw answer.status === 400 ? new DeliveryRefused(400, 'answered 400') : notWritten();
  return Name;
}

function content(entry: Entry): Record<string, unknown> {
  return {
    Content: markedHtml(entry),
    ContentType: 'text/html',
    ...(entry.attachments.length > 0 && { Attachments: entry.attachments.map(attached) }),
  };
}

/** RT takes names of files as bytes, not as characters (it fails on characters beyond Latin-1). An empty file it refuses: a line break is in its place. */
function attached({ name, mimeType, content: bytes }: Attachment): Record<string, string> {
  const FileName = Buffer.from(name.replace(/["\\\r\n]/g, '_')).toString('latin1');
  return { FileName, FileType: mimeType, FileContent: bytes.length > 0 ? bytes.toString('base64') : 'Cg==' };
}

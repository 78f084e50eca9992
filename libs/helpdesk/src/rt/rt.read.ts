import { Readable } from 'node:stream';
import { z } from 'zod';
import type { MediaStream } from '#transport';
import type { HelpdeskAction, HelpdeskPage } from '../core/connector.js';
import { answered, htmlText, statusChanged, withoutQuotes } from '../tickets/index.js';
import {
  ask,
  attachmentsOf,
  contentOf,
  isPrivileged,
  ownId,
  read,
  ticketOf,
  Transactions,
  type Attachment,
  type RtContext,
  type RtTicket,
  type Transaction,
} from './rt.api.js';
import { SCHEME, statusOf } from './rt.write.js';

/** Transactions are numbered before they are committed: for so long one may turn up below those that were seen. */
const LATE_MS = 120_000;
const PAGE = 100;

/** Up to when transactions were read, and which were from the moments before. */
const Cursor = z.object({ at: z.iso.datetime(), seen: z.array(z.string()) });
type Cursor = z.infer<typeof Cursor>;

/** What agents wrote and did since. */
export async function poll(position: string | null, ctx: RtContext): Promise<HelpdeskPage> {
  const before = position === null ? await beginning(ctx) : Cursor.parse(JSON.parse(position));
  const found = await since(before.at, ctx);
  const known = new Set(before.seen);
  const fresh = position === null ? [] : found.filter(({ id }) => !known.has(id));
  const met: Met = { tickets: new Map(), agents: new Map() };
  const actions: HelpdeskAction[] = [];
  for (const transaction of fresh) actions.push(...(await actionsOf(transaction, met, ctx)));
  const at = found.reduce((latest, { Created }) => (Created > latest ? Created : latest), before.at);
  const seen = found.filter(({ Created }) => Date.parse(Created) >= Date.parse(at) - LATE_MS).map(({ id }) => id);
  return { actions, cursor: JSON.stringify({ at, seen } satisfies Cursor) };
}

/** What was asked for while one page is read. */
interface Met {
  readonly tickets: Map<string, RtTicket | null>;
  readonly agents: Map<string, boolean>;
}

/** A file of an answer. */
export async function openFile(ref: string, ctx: RtContext): Promise<MediaStream> {
  return { stream: Readable.from([await contentOf(ctx, ref)]) };
}

async function beginning(ctx: RtContext): Promise<Cursor> {
  const query = { fields: 'Created', per_page: '1', orderby: 'id', order: 'DESC' };
  const Newest = z.object({ items: z.array(z.object({ Created: z.iso.datetime() })) });
  const body = [{ field: 'ObjectType', value: 'RT::Ticket' }];
  const [newest] = read(Newest, await ask(ctx, '/transactions', { method: 'POST', query, body })).items;
  return { at: newest?.Created ?? '1970-01-01T00:00:00Z', seen: [] };
}

/** Answers and changes of status by others than us, a while back from `at`. What is ours RT tells by its user alone: to read all that we wrote would double our load. */
async function since(at: string, ctx: RtContext): Promise<Transaction[]> {
  const from = new Date(Math.max(0, Date.parse(at) - LATE_MS)).toISOString().slice(0, 19).replace('T', ' ');
  const body = [
    { field: 'ObjectType', value: 'RT::Ticket' },
    { field: 'Created', operator: '>=', value: from },
    { field: 'Creator', operator: '!=', value: ownId(ctx) },
    { field: 'Type', value: 'Correspond' },
    { field: 'Type', value: 'Status' },
  ];
  const fields = { fields: 'Type,Creator,ObjectId,Created,OldValue,NewValue', 'fields[Creator]': 'id,Name,RealName' };
  const found: Transaction[] = [];
  for (let page = 1; ; page += 1) {
    const query = { ...fields, per_page: String(PAGE), page: String(page), orderby: 'id', order: 'ASC' };
    const { items } = read(Transactions, await ask(ctx, '/transactions', { method: 'POST', query, body }));
    found.push(...items);
    if (items.length < PAGE) return found;
  }
}

async function actionsOf(
  transaction: Transaction,
  { tickets, agents }: Met,
  ctx: RtContext,
): Promise<HelpdeskAction[]> {
  const { id, Type, ObjectId, OldValue, NewValue, Creator } = transaction;
  if (!tickets.has(ObjectId)) tickets.set(ObjectId, await ticketOf(ctx, ObjectId));
  const ticket = tickets.get(ObjectId);
  const links = (ticket?._hyperlinks ?? []).filter(({ ref, _url }) => ref === 'refers-to' && _url.startsWith(SCHEME));
  if (!ticket || links.length === 0) return [];
  // A merge leaves the links of both, and no word of which is whose: the gateway knows.
  const place = { id, ticketId: ObjectId, externalId: links.length === 1 ? links[0]!._url.slice(SCHEME.length) : null };
  if (Type === 'Status') {
    const [was, is] = [OldValue, NewValue].map((name) => statusOf(name ?? '', ctx)) as ['open', 'open'];
    return was === is ? [] : [statusChanged(place, is)];
  }
  if (!agents.has(Creator.id)) agents.set(Creator.id, await isPrivileged(ctx, Creator.id));
  return agents.get(Creator.id) ? answerOf(place, Creator, ctx) : [];
}

async function answerOf(
  place: { id: string; ticketId: string; externalId: string | null },
  creator: Transaction['Creator'],
  ctx: RtContext,
): Promise<HelpdeskAction[]> {
  const attachments = await attachmentsOf(ctx, [place.id], false);
  const text = (type: string) => attachments.find(({ ContentType, Filename }) => ContentType === type && !Filename);
  const body = text('text/plain') ?? text('text/html');
  const said = body ? (await contentOf(ctx, body.id)).toString('utf8') : '';
  const files = attachments
    .filter((one) => one !== body && isFile(one))
    .map(({ id, Filename, ContentType }) => ({
      ref: id,
      ...(Filename && { name: Filename }),
      ...(ContentType && { mimeType: ContentType }),
    }));
  const author = { id: creator.Name, name: creator.RealName || creator.Name };
  return answered(
    {
      ...place,
      text: withoutQuotes(body?.ContentType === 'text/html' ? htmlText(withoutQuotedHtml(said)) : said, (line) =>
        /^On .{10,120} wrote:\s*$/.test(line),
      ),
      author,
      files,
    },
    ctx.config,
  );
}

/** Neither a container of others nor another form of the text. */
function isFile({ ContentType, Filename }: Attachment): boolean {
  return Boolean(Filename) || !/^(multipart\/|text\/(plain|html)$)/.test(ContentType ?? '');
}

function withoutQuotedHtml(html: string): string {
  return html.replace(/<blockquote\b[^]*?(?:<\/blockquote\s*>|$)/gi, '');
}

import { ProviderFailure } from '#normalizer';
import type { HttpRequest, HttpResponse } from '#transport';
import { z } from 'zod';
import { DeliveryRefused, type ConnectorContext } from '../core/connector.js';
import { call } from '../tickets/index.js';
import type { RtConfig } from './rt.config.js';

export type RtContext = ConnectorContext<RtConfig>;

/** Largest answer: an attachment of 50 MiB in base64, with its lines. */
const MOST_BYTES = 72_000_000;

interface Asked extends Pick<HttpRequest, 'body' | 'query' | 'maxBytes'> {
  readonly method?: 'POST' | 'PUT';
  /** Statuses that are no refusal. */
  readonly also?: readonly number[];
}

/** One request to RT's REST interface, version 2 (docs.bestpractical.com, RT::REST2). */
export function ask(ctx: RtContext, path: string, { also = [], ...request }: Asked = {}): Promise<HttpResponse> {
  const { apiBase, token } = ctx.config;
  const headers = { authorization: `token ${token}`, accept: 'application/json' };
  return call(ctx, { url: `${apiBase}/REST/2.0${path}`, headers, ...request }, also);
}

/** What RT says with 400 where it was asked well and could not write: its database is full, locked, or read-only. */
const COULD_NOT_WRITE = /could not be (recorded|created|set)|could not create user|internal error/i;

/** A request that makes or changes something. Throws `ProviderFailure` (`unavailable`) where RT could not write. */
export async function write(ctx: RtContext, path: string, { also = [], ...request }: Asked): Promise<HttpResponse> {
  const answer = await ask(ctx, path, { method: 'POST', ...request, also: [400, ...also] });
  if ([200, 400].includes(answer.status) && COULD_NOT_WRITE.test(answer.text())) throw notWritten();
  if (answer.status === 400 && !also.includes(400)) throw new DeliveryRefused(400, 'answered 400');
  return answer;
}

/** RT did not write what it was given: later it may. */
export function notWritten(): ProviderFailure {
  return new ProviderFailure('unavailable', 'RT could not write: its log says why, such as that its disk is full');
}

/** The answer in its documented form. Throws `ProviderFailure` (`reply-unreadable`). */
export function read<T>(schema: z.ZodType<T>, answer: HttpResponse): T {
  const { success, data } = schema.safeParse(answer.json());
  if (!success) throw new ProviderFailure('reply-unreadable', 'the answer is not of the form that RT documents');
  return data;
}

const id = z.union([z.string().min(1), z.number()]).transform(String);
const Named = z.object({ id });

export const Made = z.object({ id });

const TicketBody = z.object({
  id,
  Status: z.string(),
  EffectiveId: Named.optional(),
  _hyperlinks: z.array(z.object({ ref: z.string(), _url: z.string() })).default([]),
});
export type RtTicket = z.infer<typeof TicketBody>;

/** A ticket; null where there is none, or it was deleted. One that was merged is the one that is left. */
export async function ticketOf(ctx: RtContext, ticketId: string): Promise<RtTicket | null> {
  const answer = await ask(ctx, `/ticket/${encodeURIComponent(ticketId)}`, { also: [404] });
  if (answer.status === 404) return null;
  const ticket = read(TicketBody, answer);
  return ticket.Status === 'deleted' ? null : ticket;
}

/** A token bears the number of its user (RT::AuthToken). */
export function ownId({ config: { token } }: RtContext): string {
  return token.split('-')[1] ?? '';
}

/** May this user be granted rights? RT calls agents so; customers, and whoever merely wrote a mail, are not. By number: names that are numbers would be taken for some. */
export async function isPrivileged(ctx: RtContext, userId: string): Promise<boolean> {
  const answer = await ask(ctx, `/user/${encodeURIComponent(userId)}`, { also: [404] });
  if (answer.status === 404) return false;
  return Number(read(z.object({ Privileged: z.union([z.number(), z.string()]) }), answer).Privileged) === 1;
}

const List = <T extends z.ZodType>(item: T) => z.object({ items: z.array(item) });

export const Found = List(Named);
export const Transaction = z.object({
  id,
  Type: z.string(),
  ObjectId: id,
  Created: z.iso.datetime(),
  OldValue: z.string().nullish(),
  NewValue: z.string().nullish(),
  Creator: z.object({ id, Name: z.string(), RealName: z.string().nullish() }),
});
export type Transaction = z.infer<typeof Transaction>;
export const Transactions = List(Transaction);
export const History = List(z.object({ id, Type: z.string() }));

const Attachment = z.object({
  id,
  TransactionId: id,
  ContentType: z.string().nullish(),
  Filename: z.string().nullish(),
  Content: z.string().nullish(),
});
export type Attachment = z.infer<typeof Attachment>;

/** Attachments of these transactions, in order; with what they hold where `content` says so, which is for texts. */
export async function attachmentsOf(
  ctx: RtContext,
  transactions: readonly string[],
  content: boolean,
): Promise<Attachment[]> {
  const of = transactions.map((value) => ({ field: 'TransactionId', value }));
  const texts = ['text/html', 'text/plain'].map((value) => ({ field: 'ContentType', value }));
  const fields = `TransactionId,ContentType,Filename${content ? ',Content' : ''}`;
  const found: Attachment[] = [];
  for (let page = 1; ; page += 1) {
    const query = { fields, per_page: '100', page: String(page), orderby: 'id', order: 'ASC' };
    const answer = await ask(ctx, '/attachments', {
      method: 'POST',
      query,
      body: [...of, ...(content ? texts : [])],
      maxBytes: MOST_BYTES,
    });
    const { items } = read(List(Attachment), answer);
    found.push(...items);
    if (items.length < 100) return found;
  }
}

/** What an attachment holds. */
export async function contentOf(ctx: RtContext, attachmentId: string): Promise<Buffer> {
  const Body = z.object({ Content: z.string().nullish() });
  const { Content } = read(Body, await ask(ctx, `/attachment/${attachmentId}`, { maxBytes: MOST_BYTES }));
  return Buffer.from(Content ?? '', 'base64');
}

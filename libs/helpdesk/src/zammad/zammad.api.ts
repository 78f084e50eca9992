import type { HttpRequest, HttpResponse } from '#transport';
import { z } from 'zod';
import type { ConnectorContext } from '../core/connector.js';
import { call, readAnswer, type TicketStatus } from '../tickets/index.js';
import type { ZammadConfig } from './zammad.config.js';

// The REST API of Zammad: https://docs.zammad.org/en/latest/api/intro.html. With `expand=true` things are told by their names.

export type Context = ConnectorContext<ZammadConfig>;

const Ticket = z.object({
  id: z.int(),
  state: z.string(),
  updated_at: z.string(),
  title: z.string().nullish(),
  customer_id: z.int().nullish(),
});
export type ZammadTicket = z.infer<typeof Ticket>;

const Article = z.object({
  id: z.int(),
  sender: z.string(),
  type: z.string(),
  internal: z.boolean(),
  body: z.string().nullish(),
  content_type: z.string().nullish(),
  from: z.string().nullish(),
  message_id: z.string().nullish(),
  created_by_id: z.int(),
  created_at: z.string(),
  attachments: z
    .array(
      z.object({
        id: z.int(),
        filename: z.string(),
        preferences: z.record(z.string(), z.unknown()).nullish(),
      }),
    )
    .default([]),
});
export type Article = z.infer<typeof Article>;

const Change = z.object({
  object: z.string(),
  attribute: z.string().nullish(),
  value_to: z.string().nullish(),
  created_by_id: z.int(),
  created_at: z.string(),
});
export type Change = z.infer<typeof Change>;

type Ask = Omit<HttpRequest, 'url'> & { readonly also?: readonly number[] };

/** One request with the user's token. Throws as `call` does; statuses in `also` are answers. */
export function ask(ctx: Context, path: string, { also, ...request }: Ask = {}): Promise<HttpResponse> {
  const { apiBase, token } = ctx.config;
  const headers = { authorization: `Token token=${token}`, accept: 'application/json', ...request.headers };
  return call(ctx, { maxBytes: 32 << 20, ...request, url: `${apiBase}/api/v1${path}`, headers }, also);
}

/** Null where there is no such ticket. */
export async function ticket(ctx: Context, id: string): Promise<ZammadTicket | null> {
  const answer = await ask(ctx, `/tickets/${encodeURIComponent(id)}?expand=true`, { also: [404] });
  return answer.status === 404 ? null : readAnswer(Ticket, answer);
}

/** Tickets that meet conditions, from the database: a search by words would ask an index, which lags. */
export async function tickets(
  ctx: Context,
  conditions: Readonly<Record<string, readonly [operator: string, value: string]>>,
  page: Readonly<Record<string, string>>,
): Promise<ZammadTicket[]> {
  const query = new URLSearchParams({ expand: 'true', ...page });
  for (const [field, [operator, value]] of Object.entries(conditions)) {
    query.append(`condition[${field}][operator]`, operator);
    query.append(`condition[${field}][value]`, value);
  }
  return readAnswer(z.array(Ticket), await ask(ctx, `/tickets/search?${query.toString()}`));
}

/** Null where there is no such ticket. */
export async function articles(ctx: Context, ticketId: string): Promise<Article[] | null> {
  const path = `/ticket_articles/by_ticket/${encodeURIComponent(ticketId)}?expand=true`;
  const answer = await ask(ctx, path, { also: [404] });
  return answer.status === 404 ? null : readAnswer(z.array(Article), answer);
}

/** What was changed of a ticket, by whom. */
export async function changes(ctx: Context, ticketId: string): Promise<Change[]> {
  const answer = await ask(ctx, `/ticket_history/${encodeURIComponent(ticketId)}`, { also: [404] });
  return answer.status === 404 ? [] : readAnswer(z.object({ history: z.array(Change) }), answer).history;
}

/** Other tickets that this one is linked to as one that was merged. */
export async function mergedInto(ctx: Context, ticketId: string): Promise<string | null> {
  const query = new URLSearchParams({ link_object: 'Ticket', link_object_value: ticketId });
  const Link = z.object({ link_type: z.string(), link_object: z.string(), link_object_value: z.int() });
  const { links } = readAnswer(z.object({ links: z.array(Link) }), await ask(ctx, `/links?${query.toString()}`));
  const found = links.findLast(({ link_type, link_object }) => link_object === 'Ticket' && link_type !== 'normal');
  return found ? String(found.link_object_value) : null;
}

/** The user as whom the gateway works. */
export async function me(ctx: Context) {
  return readAnswer(z.object({ id: z.int(), login: z.string().optional() }), await ask(ctx, '/users/me'));
}

/** What a state is to a conversation; undefined for that of a merged ticket. */
export function kindOf(state: string, { statuses }: Pick<ZammadConfig, 'statuses'>): TicketStatus | undefined {
  if (state === 'merged') return undefined;
  if (state === statuses.closed || state === 'closed') return 'closed';
  return state.startsWith('pending') || (state === statuses.pending && state !== statuses.open) ? 'pending' : 'open';
}

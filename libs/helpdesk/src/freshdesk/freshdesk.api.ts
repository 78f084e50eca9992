import type { HttpRequest, HttpResponse } from '#transport';
import { z } from 'zod';
import type { ConnectorContext } from '../core/connector.js';
import { call, readAnswer, type TicketStatus } from '../tickets/index.js';
import type { FreshdeskConfig } from './freshdesk.config.js';

// The REST API, version 2: https://developers.freshdesk.com/api/

export type Context = ConnectorContext<FreshdeskConfig>;

/** What a page of a list holds at most. */
export const PAGE = 100;

const Ticket = z.object({
  id: z.int(),
  status: z.int(),
  requester_id: z.int(),
  description: z.string().nullish(),
  deleted: z.boolean().nullish(),
  custom_fields: z.record(z.string(), z.unknown()).nullish(),
  stats: z.object({ status_updated_at: z.string().nullish() }).nullish(),
  created_at: z.string(),
  updated_at: z.string(),
});
export type FreshdeskTicket = z.infer<typeof Ticket>;

const Conversation = z.object({
  id: z.int(),
  body: z.string().nullish(),
  incoming: z.boolean(),
  private: z.boolean(),
  source: z.int().nullish(),
  user_id: z.int(),
  created_at: z.string(),
  attachments: z
    .array(z.object({ id: z.int(), name: z.string(), content_type: z.string().nullish(), attachment_url: z.string() }))
    .default([]),
});
export type Conversation = z.infer<typeof Conversation>;

type Ask = Omit<HttpRequest, 'url'> & { readonly also?: readonly number[] };

/** One request with the agent's key. Throws as `call` does; statuses in `also` are answers. */
export function ask(ctx: Context, path: string, { also, ...request }: Ask = {}): Promise<HttpResponse> {
  const headers = { ...credentials(ctx.config), accept: 'application/json', ...request.headers };
  return call(ctx, { maxBytes: 32 << 20, ...request, url: `${ctx.config.apiBase}/api/v2${path}`, headers }, also);
}

export function credentials({ apiKey }: Pick<FreshdeskConfig, 'apiKey'>): Readonly<Record<string, string>> {
  return { authorization: `Basic ${Buffer.from(`${apiKey}:X`).toString('base64')}` };
}

/** Null where there is no such ticket, or it lies in the trash. */
export async function ticket(ctx: Context, id: string): Promise<FreshdeskTicket | null> {
  const answer = await ask(ctx, `/tickets/${encodeURIComponent(id)}?include=stats`, { also: [404] });
  if (answer.status === 404) return null;
  const found = readAnswer(Ticket, answer);
  return found.deleted ? null : found;
}

/** Tickets from the database, neither spam nor trash. */
export async function tickets(ctx: Context, query: Readonly<Record<string, string>>): Promise<FreshdeskTicket[]> {
  const path = `/tickets?${new URLSearchParams({ per_page: String(PAGE), ...query }).toString()}`;
  return readAnswer(z.array(Ticket), await ask(ctx, path));
}

/** Tickets whose field of ours says so, from the index: what is younger than some minutes is not in it. */
export async function indexed(ctx: Context, field: string, value: string): Promise<FreshdeskTicket[]> {
  const query = new URLSearchParams({ query: `"${field}:'${value}'"` });
  return readAnswer(z.object({ results: z.array(Ticket) }), await ask(ctx, `/search/tickets?${query.toString()}`))
    .results;
}

/** Replies and notes of a ticket, the oldest first: read on until `enough` of all that was read. Null where there is no such ticket. */
export async function conversations(
  ctx: Context,
  ticketId: string,
  enough: (read: readonly Conversation[]) => boolean = () => false,
): Promise<Conversation[] | null> {
  const read: Conversation[] = [];
  for (let page = 1; ; page += 1) {
    const path = `/tickets/${encodeURIComponent(ticketId)}/conversations?per_page=${PAGE}&page=${page}`;
    const answer = await ask(ctx, path, { also: [404] });
    if (answer.status === 404) return null;
    const some = readAnswer(z.array(Conversation), answer);
    read.push(...some);
    if (some.length < PAGE || enough(read)) return read;
  }
}

/** The agent as whom the gateway works. `ticket_scope` 1: sees every ticket. */
export async function me(ctx: Context) {
  const shape = z.object({ contact: z.object({ name: z.string().nullish() }), ticket_scope: z.int().nullish() });
  return readAnswer(shape, await ask(ctx, '/agents/me'));
}

/** An agent, with the name where that is for us to know: only administrators may see other agents. Null where it is none. */
export async function agentOf(ctx: Context, id: number): Promise<{ readonly name: string | null } | null> {
  const answer = await ask(ctx, `/agents/${id}`, { also: [403, 404] });
  if (answer.status === 404) return null;
  if (answer.status === 403)
    return (await ask(ctx, `/contacts/${id}`, { also: [404] })).status === 404 ? { name: null } : null;
  const shape = z.object({ contact: z.object({ name: z.string().nullish() }) });
  return { name: readAnswer(shape, answer).contact.name ?? null };
}

/** What a status is to a conversation: those that a company makes itself are kinds of waiting. */
export function kindOf(status: number, { statuses }: Pick<FreshdeskConfig, 'statuses'>): TicketStatus {
  if ([4, 5, statuses.closed].includes(status)) return 'closed';
  return [2, statuses.open].includes(status) ? 'open' : 'pending';
}

/** What a field of a ticket holds. */
export function fieldOf({ custom_fields }: FreshdeskTicket, field: string): string | null {
  const value = custom_fields?.[field];
  return typeof value === 'string' ? value : null;
}

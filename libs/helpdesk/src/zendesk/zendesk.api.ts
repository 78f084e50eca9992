import type { HttpRequest, HttpResponse } from '#transport';
import { z } from 'zod';
import type { ConnectorContext } from '../core/connector.js';
import { call, readAnswer, type TicketStatus } from '../tickets/index.js';
import type { ZendeskConfig } from './zendesk.config.js';

// The Support API: https://developer.zendesk.com/api-reference/ticketing/introduction/

export type Context = ConnectorContext<ZendeskConfig>;

const Ticket = z.object({
  id: z.int(),
  external_id: z.string().nullish(),
  status: z.string(),
  requester_id: z.int().nullish(),
  tags: z.array(z.string()).default([]),
  updated_at: z.string(),
});
export type ZendeskTicket = z.infer<typeof Ticket>;

const Event = z.object({
  id: z.int(),
  type: z.string(),
  public: z.boolean().nullish(),
  body: z.string().nullish(),
  html_body: z.string().nullish(),
  author_id: z.int().nullish(),
  attachments: z
    .array(z.object({ id: z.int(), file_name: z.string(), content_type: z.string().nullish() }))
    .default([]),
  field_name: z.string().nullish(),
  value: z.unknown().optional(),
  previous_value: z.unknown().optional(),
});
export type AuditEvent = z.infer<typeof Event>;

const Audit = z.object({
  id: z.int(),
  created_at: z.string(),
  metadata: z.object({ custom: z.record(z.string(), z.unknown()).nullish() }).nullish(),
  via: z.object({ source: z.object({ rel: z.string().nullish() }).nullish() }).nullish(),
  events: z.array(Event).default([]),
});
export type Audit = z.infer<typeof Audit>;

const User = z.object({
  id: z.int().nullable(),
  name: z.string().nullish(),
  email: z.string().nullish(),
  role: z.string().nullish(),
});
const Users = z.object({ users: z.array(User) });
export type ZendeskUser = z.infer<typeof User>;

type Ask = Omit<HttpRequest, 'url'> & { readonly also?: readonly number[] };

/** One request with the agent's token. Throws as `call` does; statuses in `also` are answers. */
export function ask(ctx: Context, path: string, { also, ...request }: Ask = {}): Promise<HttpResponse> {
  const headers = { ...credentials(ctx.config), accept: 'application/json', ...request.headers };
  return call(ctx, { maxBytes: 32 << 20, ...request, url: `${ctx.config.apiBase}/api/v2${path}`, headers }, also);
}

export function credentials({ email, token }: ZendeskConfig): Readonly<Record<string, string>> {
  const basic = `${email}/token:${token}`;
  return { authorization: email ? `Basic ${Buffer.from(basic).toString('base64')}` : `Bearer ${token}` };
}

/** Null where there is no such ticket, or it was deleted. */
export async function ticket(ctx: Context, id: string): Promise<ZendeskTicket | null> {
  const answer = await ask(ctx, `/tickets/${encodeURIComponent(id)}.json`, { also: [404] });
  return answer.status === 404 ? null : readAnswer(z.object({ ticket: Ticket }), answer).ticket;
}

/** Tickets from the database: the search is an index, which lags by minutes. */
export async function tickets(ctx: Context, query: Readonly<Record<string, string>>) {
  const meta = z.object({ has_more: z.boolean().default(false), after_cursor: z.string().nullish() }).nullish();
  const path = `/tickets.json?${new URLSearchParams(query).toString()}`;
  return readAnswer(z.object({ tickets: z.array(Ticket), meta }), await ask(ctx, path));
}

/**
 * What was done to a ticket, the newest first as far as Zendesk sorts it: read on until `enough` of all that was read. Null where there is no such
 * ticket.
 */
export async function audits(
  ctx: Context,
  ticketId: string,
  enough: (read: readonly Audit[]) => boolean,
): Promise<Audit[] | null> {
  const meta = z.object({ has_more: z.boolean().default(false), after_cursor: z.string().nullish() }).nullish();
  const read: Audit[] = [];
  const query = new URLSearchParams({ sort: '-created_at', 'page[size]': '100' });
  for (;;) {
    const path = `/tickets/${encodeURIComponent(ticketId)}/audits.json?${query.toString()}`;
    const answer = await ask(ctx, path, { also: [404] });
    if (answer.status === 404) return null;
    const page = readAnswer(z.object({ audits: z.array(Audit), meta }), answer);
    read.push(...page.audits);
    if (!page.meta?.has_more || !page.meta.after_cursor || page.audits.length === 0 || enough(read)) return read;
    query.set('page[after]', page.meta.after_cursor);
  }
}

/** The ids of what an audit tells, where it was made by us; null for what others did, be it as the same user. */
export function marksOf({ metadata }: Audit): readonly string[] | null {
  const mark = metadata?.custom?.['tributary'];
  return typeof mark === 'string' ? mark.split(' ') : null;
}

export async function users(ctx: Context, path: string): Promise<ZendeskUser[]> {
  return readAnswer(Users, await ask(ctx, `/users/${path}`)).users;
}

/** The user as whom the gateway works. Without credentials Zendesk tells of one without an id. */
export async function me(ctx: Context): Promise<ZendeskUser> {
  return readAnswer(z.object({ user: User }), await ask(ctx, '/users/me.json')).user;
}

/** The groups of agents, by name. */
export async function groups(ctx: Context): Promise<ReadonlyMap<string, number>> {
  const shape = z.object({ groups: z.array(z.object({ id: z.int(), name: z.string() })) });
  const found = readAnswer(shape, await ask(ctx, '/groups.json?page[size]=100')).groups;
  return new Map(found.map(({ id, name }) => [name, id]));
}

/** What a status is to a conversation. */
export function kindOf(status: unknown): TicketStatus {
  if (status === 'solved' || status === 'closed') return 'closed';
  return status === 'pending' || status === 'hold' ? 'pending' : 'open';
}

import type { HttpRequest, HttpResponse } from '#transport';
import { z } from 'zod';
import type { ConnectorContext } from '../core/connector.js';
import { call, readAnswer, type Ticket, type TicketStatus } from '../tickets/index.js';
import type { ChatwootConfig } from './chatwoot.config.js';

// The application API of Chatwoot: https://developers.chatwoot.com/api-reference/introduction. A conversation's number counts within its account.

export type Context = ConnectorContext<ChatwootConfig>;

const Conversation = z.object({
  id: z.int(),
  status: z.string(),
  custom_attributes: z.record(z.string(), z.unknown()).nullish(),
  /** Seconds. */
  last_activity_at: z.number(),
});
export type Conversation = z.infer<typeof Conversation>;

const Message = z.object({
  id: z.int(),
  content: z.string().nullish(),
  message_type: z.int(),
  private: z.boolean().nullish(),
  source_id: z.string().nullish(),
  /** Seconds. */
  created_at: z.number(),
  content_attributes: z.looseObject({ deleted: z.boolean().nullish() }).nullish(),
  sender: z.looseObject({ id: z.int().nullish(), name: z.string().nullish(), type: z.string().nullish() }).nullish(),
  attachments: z.array(z.looseObject({ id: z.int(), data_url: z.string().nullish() })).default([]),
});
export type Message = z.infer<typeof Message>;

const Contact = z.object({ id: z.int(), identifier: z.string().nullish(), email: z.string().nullish() });
export type Contact = z.infer<typeof Contact>;

/** Kinds of messages. */
export const [INCOMING, OUTGOING] = [0, 1];

type Ask = Omit<HttpRequest, 'url'> & { readonly also?: readonly number[] };

/** One request within the account. Throws as `call` does; statuses in `also` are answers. */
export function ask(ctx: Context, path: string, request: Ask = {}): Promise<HttpResponse> {
  return askAt(ctx, `/api/v1/accounts/${ctx.config.account}${path}`, request);
}

/** The same at any path. */
export function askAt(ctx: Context, path: string, { also, ...request }: Ask = {}): Promise<HttpResponse> {
  const { apiBase } = ctx.config;
  const headers = { ...credentials(ctx), accept: 'application/json', ...request.headers };
  return call(ctx, { maxBytes: 16 << 20, ...request, url: `${apiBase}${path}`, headers }, also);
}

export function credentials({ config }: Context): Readonly<Record<string, string>> {
  return { api_access_token: config.token };
}

/** Null where there is no such conversation. */
export async function conversation(ctx: Context, id: string): Promise<Conversation | null> {
  const answer = await ask(ctx, `/conversations/${encodeURIComponent(id)}`, { also: [404] });
  return answer.status === 404 ? null : readAnswer(Conversation, answer);
}

/** Conversations of the inbox, the one that changed last first; an empty page ends them. */
export async function conversations(ctx: Context, page: number): Promise<Conversation[]> {
  const query = { status: 'all', inbox_id: String(ctx.config.inbox), page: String(page) };
  const shape = z.object({ data: z.object({ payload: z.array(Conversation) }) });
  return readAnswer(shape, await ask(ctx, '/conversations', { query })).data.payload;
}

/** Twenty messages before the one of this id, or the newest; the oldest of them first. Null where there is no such conversation. */
export async function messages(ctx: Context, ticketId: string, before?: number): Promise<Message[] | null> {
  const query: Record<string, string> = before === undefined ? {} : { before: String(before) };
  const answer = await ask(ctx, `/conversations/${encodeURIComponent(ticketId)}/messages`, { query, also: [404] });
  return answer.status === 404 ? null : readAnswer(z.object({ payload: z.array(Message) }), answer).payload;
}

export async function contacts(ctx: Context, q: string): Promise<Contact[]> {
  return readAnswer(z.object({ payload: z.array(Contact) }), await ask(ctx, '/contacts/search', { query: { q } }))
    .payload;
}

const Inbox = z.object({ name: z.string(), channel_type: z.string(), inbox_identifier: z.string().nullish() });

/** With `also: [404]` null where there is no such inbox. */
export async function inbox(ctx: Context, request: Ask = {}): Promise<z.infer<typeof Inbox> | null> {
  const answer = await ask(ctx, `/inboxes/${ctx.config.inbox}`, request);
  return answer.status === 404 ? null : readAnswer(Inbox, answer);
}

/** What a status of Chatwoot is to a conversation. */
export function kindOf(status: string): TicketStatus {
  if (status === 'resolved') return 'closed';
  return status === 'open' ? 'open' : 'pending';
}

export function ticketOf({ config }: Context, id: number | string): Ticket {
  return { id: String(id), url: `${config.apiBase}/app/accounts/${config.account}/conversations/${id}` };
}

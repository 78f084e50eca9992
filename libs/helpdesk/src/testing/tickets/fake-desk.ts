import { Readable } from 'node:stream';
import { apiBase, secret } from '#normalizer';
import { constantTimeEqual, jsonBody, MalformedRequest, type HttpResponse } from '#transport';
import { z } from 'zod';
import { DeliveryRefused, type ConnectorContext, type HelpdeskAction } from '../../core/connector.js';
import {
  answered,
  call,
  checked,
  marksIn,
  statusChanged,
  TicketEnded,
  ticketSettings,
  Unfit,
  type Entry,
  type TicketSystem,
} from '../../tickets/index.js';
import { hmac } from '../fake-connector.js';
import { signedHeader, type Change } from './fake-desk-server.js';

const config = z.object({
  ...ticketSettings,
  key: secret().describe('Authorizes requests and signs callbacks.'),
  apiBase: apiBase('https://api.fake.example'),
});
export type DeskConfig = z.infer<typeof config>;
export type DeskContext = ConnectorContext<DeskConfig>;

const Changes = z.object({
  changes: z.array(
    z.object({
      n: z.number(),
      ticket: z.string().min(1),
      external: z.string().optional(),
      by: z.string(),
      status: z.enum(['open', 'pending', 'closed']).optional(),
      entry: z
        .object({
          text: z.string(),
          public: z.boolean(),
          author: z.string(),
          marks: z.array(z.string()).default([]),
          files: z.array(z.object({ id: z.string(), name: z.string(), type: z.string() })),
        })
        .optional(),
    }),
  ),
});

interface Asked {
  readonly method?: 'POST' | 'PUT';
  readonly body?: unknown;
  readonly also?: readonly number[];
}

export function api(ctx: DeskContext, path: string, { method, body, also = [] }: Asked = {}): Promise<HttpResponse> {
  const request = { url: `${ctx.config.apiBase}${path}`, headers: { authorization: ctx.config.key } };
  return call(ctx, { ...request, ...(method && { method }), ...(body !== undefined && { body }) }, also);
}

export function sent(entry: Entry): unknown {
  return {
    text: entry.text,
    public: entry.kind === 'message',
    as: entry.kind === 'message' ? 'customer' : 'us',
    marks: entry.ids,
    files: entry.attachments.map(({ name, mimeType, content }) => ({
      name,
      type: mimeType,
      content: content.toString('base64'),
    })),
  };
}

export function done(changes: readonly Change[], settings: DeskConfig): HelpdeskAction[] {
  return changes.flatMap((change): HelpdeskAction[] => {
    // Who uses our account bears no marks of ours.
    if (change.by !== 'agent' && (!change.entry || (change.entry.marks ?? []).length > 0)) return [];
    const place = { id: String(change.n), ticketId: change.ticket, externalId: change.external };
    if (change.status) return [statusChanged(place, change.status)];
    const { entry } = change;
    if (!entry?.public) return [];
    const files = entry.files.map(({ id, name, type }) => ({ ref: id, name, mimeType: type }));
    return answered({ ...place, text: entry.text, author: { name: entry.author }, files }, settings);
  });
}

/** The smallest ticket system that passes the conformance suite: what the suite itself is tested on. */
export const compliantDesk: TicketSystem<DeskConfig> = {
  type: 'fake-desk',
  title: 'Fake desk',
  config,
  capabilities: { asCustomer: true, html: false, maxAttachmentBytes: 1_000_000, maxText: 20_000 },
  async find(externalId, ctx) {
    const answer = await api(ctx, `/tickets?external=${encodeURIComponent(externalId)}`);
    return answer.json<{ tickets: { id: string }[] }>().tickets[0] ?? null;
  },
  async create({ externalId, subject, opening, facts }, ctx) {
    const fields = Object.fromEntries(
      facts.flatMap(({ key, value }) => (ctx.config.fields?.[key] ? [[ctx.config.fields[key], value]] : [])),
    );
    const answer = await api(ctx, '/tickets', {
      method: 'POST',
      body: { external: externalId, subject, fields, entry: sent(opening) },
    });
    return z.object({ id: z.string(), url: z.string() }).parse(answer.json());
  },
  async append(ticketId, entry, ctx) {
    const answer = await api(ctx, `/tickets/${ticketId}/entries`, {
      method: 'POST',
      body: sent(entry),
      also: [404, 409],
    });
    if (answer.status === 404) throw new TicketEnded('gone');
    if (answer.status !== 409) return;
    const { into, ended } = answer.json<{ into?: string; ended?: boolean }>();
    if (!ended) throw new DeliveryRefused(409, 'answered 409');
    throw into ? new TicketEnded('merged', { id: into }) : new TicketEnded('closed');
  },
  async recorded(ticketId, ids, ctx) {
    const answer = await api(ctx, `/tickets/${ticketId}`, { also: [404] });
    if (answer.status === 404) return null;
    return marksIn(answer.json<{ marks: string[] }>().marks, ids);
  },
  async setStatus(ticketId, status, ctx) {
    const answer = await api(ctx, `/tickets/${ticketId}`, { method: 'PUT', body: { status }, also: [404, 409] });
    if (answer.status === 404) throw new TicketEnded('gone');
    if (answer.status !== 409) return;
    throw answer.json<{ ended?: boolean }>().ended
      ? new TicketEnded('closed')
      : new DeliveryRefused(409, 'answered 409');
  },
  async setFields(ticketId, values, ctx) {
    const answer = await api(ctx, `/tickets/${ticketId}`, { method: 'PUT', body: { fields: values }, also: [404] });
    if (answer.status === 404) throw new TicketEnded('gone');
  },
  callback: {
    maxBytes: 65_536,
    verify: (request, ctx) =>
      constantTimeEqual(hmac(ctx.config.key, request.body), request.headers[signedHeader] ?? '')
        ? { kind: 'accept' }
        : { kind: 'reject', reason: 'the signature does not match' },
    parse(request, ctx) {
      const { success, data } = Changes.safeParse(jsonBody(request));
      if (!success) throw new MalformedRequest('no documented callback');
      return { actions: done(data.changes, ctx.config) };
    },
  },
  poll: {
    everyMs: 10_000,
    async poll(cursor, ctx) {
      const answer = await api(ctx, `/changes?after=${cursor ?? 'now'}`);
      const { changes, last, more } = answer.json<{ changes: Change[]; last: number; more: boolean }>();
      return { actions: done(changes, ctx.config), cursor: String(last), more };
    },
  },
  async openFile(ref, ctx) {
    const { body, headers } = await api(ctx, `/files/${ref}`);
    return { stream: Readable.from([body]), ...(headers['content-type'] && { mimeType: headers['content-type'] }) };
  },
  check: (ctx) =>
    checked(async () => {
      const me = z.object({ name: z.string() }).safeParse((await api(ctx, '/me')).json());
      if (!me.success) throw new Unfit('What answers at `apiBase` is no fake desk; check the address.');
      return `We write as ${me.data.name}.`;
    }),
};

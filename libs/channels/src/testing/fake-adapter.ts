import { createHmac } from 'node:crypto';
import { ProviderFailure, apiBase, secret, type InboundEventInput } from '#normalizer';
import {
  MalformedRequest,
  constantTimeEqual,
  jsonBody,
  statusFailure,
  type HttpResponse,
  type RawRequest,
} from '#transport';
import { rawRequest } from '#transport/testing';
import { z } from 'zod';
import type { AdapterContext, ChannelAdapter, WebhookIngress } from '../core/adapter.js';
import { Capabilities, type CapabilitiesInput } from '../core/capabilities.js';
import type { ChannelSubject } from './subject.js';

const config = z.object({
  token: secret().describe('Signs callbacks and authorizes requests.'),
  apiBase: apiBase('https://api.fake.example'),
});
export type FakeConfig = z.infer<typeof config>;
export type FakeContext = AdapterContext<FakeConfig>;

const Callback = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('text'), id: z.string().min(1), from: z.string().min(1), text: z.string().min(1) }),
  z.object({ kind: z.literal('delivered'), id: z.string().min(1) }),
]);

export const can: CapabilitiesInput = {
  text: { max: 500, unit: 'utf16' },
  choices: { level: 'fallback' },
  html: 'fallback',
  location: 'fallback',
  contactCard: 'fallback',
  link: 'fallback',
  card: 'fallback',
  template: 'refused',
  replyTo: 'dropped',
  media: {},
  receipts: ['delivered'],
  typing: false,
  inbound: { edits: false, deletes: false, reactions: false, typing: false },
  window: null,
  initiate: [],
  rate: null,
  idempotentSend: false,
};

export const hmac = (token: string, body: Buffer): string => createHmac('sha256', token).update(body).digest('hex');

/** One send of the fake provider's protocol: bearer token, JSON, errors inside a 200. */
export const post = (ctx: FakeContext, text: string, key?: string): Promise<HttpResponse> =>
  ctx.http.request({
    method: 'POST',
    url: `${ctx.config.apiBase}/send`,
    headers: { authorization: `Bearer ${ctx.config.token}` },
    body: { text, key },
  });

/** Reads the answer of the fake provider's send. */
export function idOf(answer: HttpResponse, now: number): string {
  if (answer.status !== 200) throw statusFailure(answer, now);
  const { id, error } = answer.json<{ id?: string; error?: string }>();
  if (error)
    throw new ProviderFailure('content-refused', 'the fake provider refused', { providerCode: error.slice(0, 4) });
  if (!id) throw new ProviderFailure('reply-unreadable', 'the answer has no id');
  return id;
}

export const fakeWebhook: WebhookIngress<FakeConfig> = {
  guard: 'signature',
  maxBytes: 65_536,
  verify: (request, ctx) =>
    constantTimeEqual(hmac(ctx.config.token, request.body), request.headers['x-signature'] ?? '')
      ? { kind: 'accept' }
      : { kind: 'reject', reason: 'the signature does not match' },
  parse(request) {
    const parsed = Callback.safeParse(jsonBody(request));
    if (!parsed.success) throw new MalformedRequest('no documented callback');
    const { data } = parsed;
    if (data.kind === 'delivered') {
      const dedupeKey = `delivered:${data.id}`;
      return { events: [{ kind: 'receipt', dedupeKey, externalId: data.id, status: 'delivered' }] };
    }
    return { events: [textEvent(data.id, data.from, data.text)] };
  },
};

export const textEvent = (id: string, from: string, text: string): InboundEventInput => ({
  kind: 'message',
  dedupeKey: `text:${id}`,
  thread: from,
  sender: { handles: [{ scheme: 'fake-id', value: from }] },
  parts: [{ type: 'text', text }],
  externalIds: [id],
});

/** The smallest adapter that passes the conformance suite: what the suite itself is tested on. */
export const compliant: ChannelAdapter<FakeConfig> = {
  type: 'fake',
  title: 'Fake',
  config,
  continuity: 'contact',
  capabilities: Capabilities.parse(can),
  ingress: { webhook: fakeWebhook },
  send: async (unit, ctx) => ({ externalIds: [idOf(await post(ctx, unit.text), ctx.now())] }),
};

const callback = (json: object): RawRequest => rawRequest({ json });

/** What the suite is told of the fake, with another adapter in its place where one is given. */
export function fakeSubject(adapter: ChannelAdapter<FakeConfig> = compliant): ChannelSubject<FakeConfig> {
  return {
    adapter,
    now: Date.parse('2026-11-21T09:30:00Z'),
    accounts: [
      { id: 'one', config: (base) => ({ token: 'first-token-4711', apiBase: base }) },
      { id: 'two', config: (base) => ({ token: 'other-token-0815', apiBase: base }) },
    ],
    sign: (request, ctx) => ({
      ...request,
      headers: { ...request.headers, 'x-signature': hmac(ctx.config.token, request.body) },
    }),
    inbound: [
      {
        name: 'a text',
        request: callback({ kind: 'text', id: 'in-1', from: 'customer', text: 'hello' }),
        events: [textEvent('in-1', 'customer', 'hello')],
      },
      {
        name: 'a receipt',
        request: callback({ kind: 'delivered', id: 'out-1' }),
        events: [{ kind: 'receipt', dedupeKey: 'delivered:out-1', externalId: 'out-1', status: 'delivered' }],
      },
    ],
    twins: [
      callback({ kind: 'text', id: 'in-2', from: 'customer', text: 'ok' }),
      callback({ kind: 'text', id: 'in-3', from: 'customer', text: 'ok' }),
    ],
    outbound: [
      {
        name: 'a text',
        message: { parts: [{ type: 'text', text: 'hi' }] },
        requests: [{ method: 'POST', path: '/send', json: { text: 'hi' } }],
        externalIds: [['out-1']],
      },
    ],
    provider: () => ({ body: { id: 'out-1' } }),
    refusals: [{ name: 'forbidden words', answer: { body: { error: 'E100 forbidden' } }, code: 'content-refused' }],
  };
}

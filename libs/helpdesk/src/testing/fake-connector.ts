import { createHmac } from 'node:crypto';
import { apiBase, secret, type StreamEvent } from '#normalizer';
import { MalformedRequest, constantTimeEqual, jsonBody, retryAfterOf, type HttpResponse } from '#transport';
import { rawRequest } from '#transport/testing';
import { z } from 'zod';
import { DeliveryRefused, type ConnectorContext, type HelpdeskConnector } from '../core/connector.js';
import { messageEvent } from './bench.js';
import type { ConnectorSubject } from './subject.js';

const config = z.object({
  key: secret().describe('Authorizes requests and signs callbacks.'),
  apiBase: apiBase('https://api.fake.example'),
});
export type FakeConfig = z.infer<typeof config>;
export type FakeContext = ConnectorContext<FakeConfig>;

const Reply = z.object({ id: z.string().min(1), ticket: z.string().min(1), text: z.string().min(1) });

export const hmac = (key: string, body: Buffer | string): string =>
  createHmac('sha256', key).update(body).digest('hex');

/** One delivery of the fake ticket system's protocol: JSON, signed with each secret. */
export function post(event: StreamEvent, ctx: FakeContext): Promise<HttpResponse> {
  const body = JSON.stringify(event);
  const signature = ctx.signingSecrets.map((each) => hmac(each, body)).join(' ');
  const headers = { 'content-type': 'application/json', authorization: ctx.config.key, 'x-signature': signature };
  return ctx.http.request({ method: 'POST', url: `${ctx.config.apiBase}/events`, headers, body });
}

export function taken(answer: HttpResponse, now: number): void {
  if (answer.status !== 200)
    throw new DeliveryRefused(answer.status, `answered ${answer.status}`, retryAfterOf(answer, now));
}

export const fakeCallback: NonNullable<HelpdeskConnector<FakeConfig>['callback']> = {
  maxBytes: 65_536,
  verify: (request, ctx) =>
    constantTimeEqual(hmac(ctx.config.key, request.body), request.headers['x-signature'] ?? '')
      ? { kind: 'accept' }
      : { kind: 'reject', reason: 'the signature does not match' },
  parse(request) {
    const { success, data } = Reply.safeParse(jsonBody(request));
    if (!success) throw new MalformedRequest('no documented callback');
    return { actions: [{ kind: 'reply', dedupeKey: data.id, ticketId: data.ticket, reply: { text: data.text } }] };
  },
};

/** The smallest connector that passes the conformance suite: what the suite itself is tested on. */
export const compliant: HelpdeskConnector<FakeConfig> = {
  type: 'fake',
  title: 'Fake',
  config,
  capabilities: { kind: 'stream', batch: 1, replies: ['callback'], maxAttachmentBytes: 0 },
  async deliver(events, ctx) {
    for (const event of events) taken(await post(event, ctx), ctx.now());
    return {};
  },
  callback: fakeCallback,
};

/** What the suite is told of the fake, with another connector in its place where one is given. */
export function fakeSubject(connector: HelpdeskConnector<FakeConfig> = compliant): ConnectorSubject<FakeConfig> {
  const event = messageEvent(1, 'hello');
  return {
    connector,
    now: Date.parse('2026-11-21T09:30:00Z'),
    destinations: [
      { id: 'one', config: (base) => ({ key: 'first-key-4711', apiBase: base }), signingSecrets: ['first-signing'] },
      { id: 'two', config: (base) => ({ key: 'other-key-0815', apiBase: base }), signingSecrets: ['other-signing'] },
    ],
    system: () => ({}),
    isSigned: ({ headers, body }, each) => (headers['x-signature'] ?? '').split(' ').includes(hmac(each, body)),
    deliveries: [{ name: 'a message', events: [event], requests: [event], receipt: {} }],
    callbacks: [
      {
        name: 'a reply',
        request: rawRequest({ json: { id: 'n-1', ticket: '4711', text: 'Fixed' } }),
        actions: [{ kind: 'reply', dedupeKey: 'n-1', ticketId: '4711', reply: { text: 'Fixed' } }],
      },
    ],
    sign: (request, ctx) => ({
      ...request,
      headers: { ...request.headers, 'x-signature': hmac(ctx.config.key, request.body) },
    }),
  };
}

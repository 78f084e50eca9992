import { describe, expect, it } from '@jest/globals';
import { Webhook } from 'standardwebhooks';
import { addressGuard, guardedDial, guardedHttp, verifyWebhook, type HttpRequest } from '#transport';
import type { ConnectorContext } from '../core/connector.js';
import {
  conformance,
  fakeProvider,
  messageEvent,
  ticketBook,
  type ConnectorSubject,
  type Responder,
} from '../testing/index.js';
import { webhook, type WebhookConfig } from './webhook.connector.js';

const now = Date.parse('2026-11-21T09:30:00Z');
const secrets = ['whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw', 'second destination, in words'] as const;
const event = messageEvent(1, '报表导不出来');

const answers =
  (body: object | string): Responder =>
  () => ({ status: 202, body });
const referring = (name: string, body: object | string, reference?: { ticketId: string; url: string | null }) => ({
  name,
  events: [event],
  requests: [event],
  system: answers(body),
  receipt: reference ? { reference } : {},
});

const subject: ConnectorSubject<WebhookConfig> = {
  connector: webhook,
  now,
  destinations: [
    {
      id: 'helpdesk',
      config: (base) => ({ url: `${base}/hook`, secret: secrets[0], headers: { 'x-proxy-key': 'proxy-key-4711' } }),
      signingSecrets: [secrets[0]],
    },
    {
      id: 'archive',
      config: (base) => ({ url: 'https://archive.example/hook', secret: secrets[1], apiBase: base }),
      signingSecrets: [secrets[1]],
    },
  ],
  system: () => ({ status: 204, body: '' }),
  isSigned: (request, secret) => verifyWebhook([secret], request, now).kind === 'accept',
  deliveries: [
    {
      name: 'several events, one request each',
      events: [event, messageEvent(2, 'b')],
      requests: [event, messageEvent(2, 'b')],
    },
    { name: 'an erased event', events: [{ ...event, data: null }], requests: [{ ...event, data: null }] },
    referring(
      'a reference',
      { reference: { ticketId: '4711', url: 'https://desk.example/4711' } },
      { ticketId: '4711', url: 'https://desk.example/4711' },
    ),
    referring('a number for a ticket', { reference: { ticketId: 4711 } }, { ticketId: '4711', url: null }),
    referring(
      'a URL that is none',
      { reference: { ticketId: 'a', url: 'javascript:alert(1)' } },
      { ticketId: 'a', url: null },
    ),
    referring('no reference', { ok: true }),
    referring('an empty ticket', { reference: { ticketId: '' } }),
    referring('no JSON', 'thank you'),
    referring('an answer beyond 64 KiB', 'x'.repeat(200_000)),
  ],
};

conformance(subject);

describe('webhook', () => {
  it.each(['url', 'apiBase'])('takes no credentials within %s, and says what to use', (name) => {
    const settings = { secret: secrets[0], url: 'https://desk.example', [name]: 'https://me:pass@desk.example/in' };
    expect(() => webhook.config.parse(settings)).toThrow(/must not hold a user name or password.*secret/);
  });

  const context = (url: string, changes: Partial<ConnectorContext<WebhookConfig>> = {}) => {
    const client = guardedHttp({ allow: ['127.0.0.1'], engine: 'undici' });
    const ctx: ConnectorContext<WebhookConfig> = {
      destinationId: 'helpdesk',
      config: webhook.config.parse({ url, secret: secrets[0], headers: { 'X-Own': 'y' } }),
      http: client,
      dial: guardedDial(addressGuard()),
      hold: (open) => open(),
      replay: false,
      ...ticketBook(),
      signingSecrets: [secrets[0]],
      openFile: () => Promise.reject(new Error('not needed')),
      now: () => Date.now(),
      signal: new AbortController().signal,
      ...changes,
    };
    return { ctx, client };
  };

  it('posts what a Standard Webhooks receiver verifies, on the fast engine; replays are marked', async () => {
    const receiver = await fakeProvider();
    const { ctx, client } = context(receiver.url);
    await webhook.deliver([event], ctx);
    await webhook.deliver([event], { ...ctx, replay: true });
    const [first, again] = receiver.requests;
    expect(new Webhook(secrets[0]).verify(first?.body.toString() ?? '', { ...first?.headers })).toEqual(event);
    expect([first?.headers['webhook-id'], again?.headers['webhook-id']]).toEqual([event.id, event.id]);
    expect([first?.headers['tributary-replay'], again?.headers['tributary-replay']]).toEqual([undefined, 'true']);
    expect([first?.headers['x-own'], first?.headers['content-type']]).toEqual(['y', 'application/json']);
    await Promise.all([client.close(), receiver.close()]);
  });

  it('falls back to the secret of its settings, and says who is to blame when the receiver refuses it', async () => {
    const receiver = await fakeProvider((request) => ({
      status: verifyWebhook([secrets[0]], request, Date.now()).kind === 'accept' ? 200 : 401,
    }));
    const { ctx, client } = context(receiver.url, { signingSecrets: [] });
    expect(await webhook.check?.(ctx)).toMatchObject({ ok: true });
    expect(JSON.parse(receiver.requests[0]?.body.toString() ?? '')).toMatchObject({ type: 'ping' });
    const wrong = { ...ctx, signingSecrets: ['another secret'] };
    expect(await webhook.check?.(wrong)).toMatchObject({
      ok: false,
      detail: expect.stringContaining('signing secret'),
    });
    await Promise.all([client.close(), receiver.close()]);
  });

  it('asks for no more than 64 KiB of the answer', async () => {
    const asked: HttpRequest[] = [];
    const { ctx, client } = context('https://helpdesk.example');
    const http = {
      ...ctx.http,
      request: (request: HttpRequest) => (asked.push(request), Promise.reject(new Error('enough'))),
    };
    await expect(webhook.deliver([event], { ...ctx, http })).rejects.toThrow('enough');
    expect(asked).toMatchObject([{ maxBytes: 65_536, overflow: 'cut' }]);
    await client.close();
  });

  it.each([
    [{ url: 'ftp://helpdesk.example', secret: 's' }],
    [{ url: 'https://helpdesk.example', secret: '' }],
    [{ url: 'https://helpdesk.example' }],
    [{ url: 'https://helpdesk.example', secret: 's', headers: { 'Webhook-Signature': 'forged' } }],
    [{ url: 'https://helpdesk.example', secret: 's', headers: { Host: 'elsewhere' } }],
    [{ url: 'https://helpdesk.example', secret: 's', headers: { 'x-a': 'b\r\nx-c: d' } }],
  ])('refuses the settings %p', (config) => expect(webhook.config.safeParse(config).success).toBe(false));
});

import { describe, expect, it } from '@jest/globals';
import { renderText, type MediaPart, type Part } from '#normalizer';
import { MalformedRequest, guardedHttp, receive, verifyWebhook, webhookHeaders, type RawRequest } from '#transport';
import {
  conformance,
  fakeProvider,
  fileUrl,
  loadFixture,
  rawRequest,
  type ChannelSubject,
  type ExpectedRequest,
} from '../testing/index.js';
import { http } from './http.adapter.js';
import type { HttpConfig } from './http.config.js';

const now = Date.parse('2026-11-21T09:30:00Z');
const secrets = ['whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw', 'second account, in words'] as const;
const fixture = (name: string) => loadFixture(new URL(`./fixtures/${name}.json`, import.meta.url));

const sign = (request: RawRequest, ctx: { readonly config: HttpConfig; readonly now: number }): RawRequest => {
  const message = { id: 'call-1', timestamp: Math.floor(ctx.now / 1_000), body: request.body };
  return { ...request, headers: { ...request.headers, ...webhookHeaders([ctx.config.secret], message) } };
};
const message = (changes: object): RawRequest =>
  rawRequest({
    json: {
      type: 'message',
      id: 'm-1',
      thread: 't-1',
      sender: { handles: [{ scheme: 'phone', value: '+8613800138000' }] },
      text: 'ok',
      ...changes,
    },
  });

const photo: MediaPart = {
  type: 'media',
  kind: 'image',
  fileId: 'fil_1',
  mimeType: 'image/png',
  bytes: 70,
  state: 'ready',
};
const { fileId: _fileId, ...bare } = photo;
const sentPhoto: MediaPart = { ...bare, url: fileUrl('fil_1') };
const card = (media: MediaPart): Part => ({ type: 'card', title: 'Card', media, actions: [] });
const kinds = ['audio', 'voice', 'video', 'file', 'sticker'] as const;
const rich: Part[] = [
  { type: 'html', html: '<b>hi</b>', text: 'hi' },
  { type: 'choices', text: 'Sure?', options: [{ id: 'y', label: 'Yes' }] },
  { type: 'location', latitude: 31.2, longitude: 121.5, name: 'Office' },
  { type: 'contact-card', name: 'Li', handles: [{ scheme: 'email', value: 'li@shop.example' }] },
  { type: 'link', url: 'https://shop.example' },
  { type: 'template', name: 'welcome', values: { name: 'Li' } },
];

const to = {
  handles: [
    { scheme: 'phone', scope: '', value: '+8613800138000' },
    { scheme: 'client', scope: 'shop', value: 'u-42' },
  ],
};

/** The post of parts that are sent as they are. */
const posted = (parts: Part[]): ExpectedRequest => ({
  path: '/messages',
  json: {
    type: 'message',
    id: 'unt_conformance0',
    thread: 'room-7',
    to,
    parts,
    text: renderText(
      parts.map((part) =>
        part.type === 'card' ? card(photo) : part.type === 'media' ? { ...photo, kind: part.kind } : part,
      ),
    ),
    author: { name: 'Agent' },
  },
});

const subject: ChannelSubject<HttpConfig> = {
  adapter: http,
  now,
  accounts: [
    { id: 'own', config: (base) => ({ secret: secrets[0], url: `${base}/messages` }) },
    { id: 'other', config: (base) => ({ secret: secrets[1], url: 'https://bridge.example/inbox', apiBase: base }) },
  ],
  sign,
  inbound: [
    {
      name: 'a text',
      request: fixture('text'),
      events: [
        {
          kind: 'message',
          dedupeKey: 'message:m-1001',
          thread: 'room-7',
          sender: {
            handles: [
              { scheme: 'phone', value: '+8613800138000', proof: 'channel' },
              { scheme: 'client', scope: 'shop', value: 'u-42', proof: 'channel' },
            ],
            name: '王芳',
          },
          parts: [{ type: 'text', text: '报表导不出来 👋' }],
          externalIds: ['m-1001'],
          occurredAt: '2026-11-21T09:29:58.000Z',
        },
      ],
      reply: { status: 200, body: '{"items":[{"id":"msg_1"}]}' },
    },
    {
      name: 'parts, without references into our store',
      request: fixture('parts'),
      events: [
        {
          kind: 'message',
          dedupeKey: 'message:m-1002',
          thread: 'room-7',
          sender: { handles: [{ scheme: 'phone', value: '+8613800138000' }] },
          parts: [
            {
              type: 'media',
              kind: 'image',
              url: 'https://files.bridge.example/1.png',
              mimeType: 'image/png',
              caption: '截图',
            },
            { type: 'choice', optionId: 'yes', label: 'Yes' },
          ],
          externalIds: ['m-1002'],
          subject: 'Report',
          replyTo: 'unt_9',
          automated: false,
        },
      ],
    },
    {
      name: 'delivered',
      request: fixture('delivered'),
      events: [{ kind: 'receipt', dedupeKey: 'receipt:unt_1:delivered', externalId: 'unt_1', status: 'delivered' }],
    },
    {
      name: 'read, by the id that the answer gave',
      request: fixture('read'),
      events: [
        {
          kind: 'receipt',
          dedupeKey: 'receipt:given-1:read',
          externalId: 'given-1',
          status: 'read',
          occurredAt: '2026-11-21T09:29:59Z',
        },
      ],
    },
    {
      name: 'failed',
      request: fixture('failed'),
      events: [
        {
          kind: 'receipt',
          dedupeKey: 'receipt:unt_1:failed',
          externalId: 'unt_1',
          status: 'failed',
          failure: { code: 'content-refused', providerCode: '30003', message: 'handset unreachable' },
        },
      ],
    },
  ],
  twins: [message({ id: 'm-1' }), message({ id: 'm-2' })],
  outbound: [
    {
      name: 'a text that answers',
      message: { parts: [{ type: 'text', text: '你好' }], replyTo: 'm-1001', subject: 'Report' },
      requests: [
        {
          method: 'POST',
          path: '/messages',
          headers: {
            'content-type': 'application/json',
            'webhook-id': 'unt_conformance0',
            'webhook-timestamp': String(now / 1_000),
          },
          json: {
            type: 'message',
            id: 'unt_conformance0',
            thread: 'room-7',
            to,
            parts: [{ type: 'text', text: '你好' }],
            text: '你好',
            subject: 'Report',
            author: { name: 'Agent' },
            replyTo: 'm-1001',
          },
        },
      ],
      externalIds: [['unt_conformance0', 'given-1']],
    },
    { name: 'every kind of part in one post', message: { parts: rich }, requests: [posted(rich)] },
    {
      name: 'files by URL, also within a card',
      message: { parts: [photo, card(photo), ...kinds.map((kind) => ({ ...photo, kind }))] },
      requests: [posted([sentPhoto, card(sentPhoto), ...kinds.map((kind) => ({ ...sentPhoto, kind }))])],
    },
  ],
  provider: () => ({ body: { id: 'given-1' } }),
  refusals: [],
  waivers: [
    {
      check: 'send: 200 with an error body is the failure that it says',
      reason: 'CONTRACT section 6: any 2xx is taken; a bridge refuses by status or by a receipt',
    },
    {
      check: 'send: an unreadable answer is reply-unreadable',
      reason: 'CONTRACT section 6: any 2xx is taken, whatever its body',
    },
  ],
};

conformance(subject);

const context = (config: object) => ({ accountId: 'own', config: http.config.parse(config), publicUrl: '', now });
const webhook = http.ingress.webhook;
const receiveIn = (request: RawRequest, config: object = {}) => {
  if (!webhook) throw new Error('no webhook');
  const ctx = context({ secret: secrets[0], url: 'https://bridge.example', ...config });
  return receive(webhook, sign(request, ctx), ctx);
};

describe('http', () => {
  it.each([
    ['neither text nor parts', { text: undefined }],
    ['both text and parts', { parts: [{ type: 'text', text: 'a' }] }],
    ['an empty text', { text: '' }],
    ['no id', { id: undefined }],
    ['no sender', { sender: undefined }],
    ['no handle', { sender: { handles: [] } }],
    ['a scheme that is none', { sender: { handles: [{ scheme: 'Phone Number', value: '1' }] } }],
    ['a phone number that is none', { sender: { handles: [{ scheme: 'phone', value: '12ab' }] } }],
    [
      'more text than a message holds',
      { text: undefined, parts: Array(9).fill({ type: 'text', text: '报'.repeat(50_000) }) },
    ],
    ['an unknown type', { type: 'typing' }],
    ['an unknown part', { text: undefined, parts: [{ type: 'hologram' }] }],
    ['media without a URL', { text: undefined, parts: [{ type: 'media', kind: 'image', fileId: 'fil_1' }] }],
    ['a time that is none', { occurredAt: 'yesterday' }],
  ])('finds a message with %s malformed', (_what, changes) => {
    expect(() => receiveIn(message(changes))).toThrow(MalformedRequest);
  });

  it.each(['url', 'apiBase'])('takes no credentials within %s', (name) => {
    const settings = { secret: secrets[0], url: 'https://bridge.example', [name]: 'https://me:pass@bridge.example/in' };
    expect(() => http.config.parse(settings)).toThrow(/must not hold a user name or password/);
  });

  it('says which handle it cannot read, and what it expected', () => {
    const { handles } = {
      handles: [
        { scheme: 'email', value: 'li@shop.example' },
        { scheme: 'phone', value: '138' },
      ],
    };
    expect(() => receiveIn(message({ sender: { handles } }))).toThrow(
      /^sender\.handles\.1\.value: expected a phone number with its country code/,
    );
  });

  it('gives handles the proof of the account, never that of the request', () => {
    const boastful = message({
      sender: { handles: [{ scheme: 'phone', value: '+8613800138000', proof: 'verified' }] },
    });
    for (const proof of ['channel', 'claimed']) {
      const received = receiveIn(boastful, { proof });
      expect(received).toMatchObject({ parsed: { events: [{ sender: { handles: [{ proof }] } }] } });
    }
  });

  it('takes a failure code of the gateway as it is', () => {
    const receipt = rawRequest({
      json: { type: 'receipt', messageId: 'u', status: 'failed', failure: { code: 'opted-out', message: 'STOP' } },
    });
    expect(receiveIn(receipt)).toMatchObject({
      parsed: { events: [{ failure: { code: 'opted-out', message: 'STOP' } }] },
    });
  });

  it('signs what it posts', async () => {
    const provider = await fakeProvider();
    const client = guardedHttp({ allow: ['127.0.0.1'] });
    const health = await http.check?.({
      ...context({ secret: secrets[0], url: provider.url }),
      http: client,
      now: () => now,
      signal: new AbortController().signal,
    } as never);
    expect(health).toEqual({ ok: true, detail: expect.any(String) });
    const [ping] = provider.requests;
    expect(ping && verifyWebhook([secrets[0]], ping, now)).toEqual({ kind: 'accept' });
    await Promise.all([client.close(), provider.close()]);
  });
});

import { createHmac } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import type { InboundEventInput, Part } from '#normalizer';
import { guardedHttp, type VerifiedRequest } from '#transport';
import {
  conformance,
  fakeProvider,
  fileUrl,
  loadFixture,
  rawRequest,
  type ChannelSubject,
  type OutboundCase,
} from '../testing/index.js';
import { textUnit } from '../testing/bench.js';
import { whatsappCloud } from './whatsapp-cloud.adapter.js';
import type { WhatsappCloudConfig } from './whatsapp-cloud.config.js';

const NUMBER = '106540352242922';
const fixture = (name: string) => loadFixture(new URL(`./fixtures/${name}.json`, import.meta.url));
const occurredAt = new Date(1_795_253_398_000).toISOString();
const ada = { handles: [{ scheme: 'phone', value: '+16505551234' }], name: 'Ada' };
const said = (n: number, part: object, more: object = {}): InboundEventInput =>
  ({
    ...{ kind: 'message', dedupeKey: `message:wamid.${n}`, thread: '+16505551234', sender: ada, parts: [part] },
    ...{ externalIds: [`wamid.${n}`], occurredAt, ...more },
  }) as InboundEventInput;
const receipt = (status: string, more: object = {}): InboundEventInput =>
  ({
    ...{ kind: 'receipt', dedupeKey: `status:wamid.out:${status}`, externalId: 'wamid.out', status, occurredAt },
    ...more,
  }) as InboundEventInput;
const ok = (id: string) =>
  rawRequest({
    json: {
      object: 'whatsapp_business_account',
      entry: [
        {
          changes: [
            {
              field: 'messages',
              value: {
                metadata: { phone_number_id: NUMBER },
                messages: [{ id, from: '16505551234', timestamp: '1795253398', type: 'text', text: { body: 'ok' } }],
              },
            },
          ],
        },
      ],
    },
  });
const sent = (json: object): OutboundCase['requests'] => [
  {
    ...{ method: 'POST', path: `/v25.0/${NUMBER}/messages`, headers: { authorization: 'Bearer token-of-one' } },
    json: { messaging_product: 'whatsapp', recipient_type: 'individual', to: '16505551234', ...json },
  },
];
const file = (kind: string, mimeType: string, more: object = {}): OutboundCase['message'] => ({
  parts: [{ type: 'media', kind, mimeType, fileId: 'fil_1', bytes: 70, state: 'ready', ...more } as Part],
});
const link = fileUrl('fil_1');
const options = (count: number) => Array.from({ length: count }, (_, i) => ({ id: `o${i}`, label: `Option ${i}` }));

const subject: ChannelSubject<WhatsappCloudConfig> = {
  adapter: whatsappCloud,
  now: Date.parse('2026-11-21T09:30:00Z'),
  accounts: [
    {
      id: 'one',
      config: (base) => ({
        phoneNumberId: NUMBER,
        accessToken: 'token-of-one',
        appSecret: 'secret-of-one',
        verifyToken: 'verify-of-one',
        apiBase: base,
      }),
    },
    {
      id: 'two',
      config: (base) => ({
        phoneNumberId: NUMBER,
        accessToken: 'token-of-two',
        appSecret: 'secret-of-two',
        verifyToken: 'verify-of-two',
        apiBase: base,
      }),
    },
  ],
  sign(request, { config }) {
    if (request.method === 'GET') {
      const query = new URLSearchParams(request.query);
      query.set('hub.verify_token', config.verifyToken);
      return { ...request, query };
    }
    const signature = createHmac('sha256', config.appSecret).update(request.body).digest('hex');
    return { ...request, headers: { ...request.headers, 'x-hub-signature-256': `sha256=${signature}` } };
  },
  inbound: [
    { name: 'the test of the address', request: fixture('verify'), challenge: { status: 200, body: '1158201444' } },
    {
      name: 'a text that answers',
      request: fixture('text'),
      events: [said(1, { type: 'text', text: 'Where is my parcel? 🐦' }, { replyTo: 'wamid.out' })],
    },
    {
      name: 'an image',
      request: fixture('image'),
      events: [
        said(2, {
          type: 'media',
          kind: 'image',
          ref: '1003383421387256',
          mimeType: 'image/jpeg',
          caption: 'It looked like this',
          state: 'pending',
        }),
      ],
    },
    {
      name: 'a voice',
      request: fixture('voice'),
      events: [
        said(3, {
          type: 'media',
          kind: 'voice',
          ref: '1003383421387257',
          mimeType: 'audio/ogg; codecs=opus',
          state: 'pending',
        }),
      ],
    },
    {
      name: 'a place',
      request: fixture('location'),
      events: [said(4, { type: 'location', latitude: 31.2, longitude: 121.5, name: 'Office' })],
    },
    {
      name: 'a contact',
      request: fixture('contacts'),
      events: [said(5, { type: 'contact-card', name: 'Li', handles: [{ scheme: 'phone', value: '+8613800138000' }] })],
    },
    {
      name: 'a tap',
      request: fixture('button'),
      events: [said(6, { type: 'choice', optionId: 'yes', label: 'Yes' }, { replyTo: 'wamid.asked' })],
    },
    {
      name: 'a reaction',
      request: fixture('reaction'),
      events: [
        {
          ...{
            kind: 'reaction',
            dedupeKey: 'message:wamid.7',
            thread: '+16505551234',
            sender: ada,
            externalId: 'wamid.out',
          },
          ...{ reaction: { emoji: '👍', removed: false }, occurredAt },
        },
      ],
    },
    {
      name: 'what we do not know',
      request: fixture('order'),
      events: [said(8, { type: 'unsupported', providerType: 'order' })],
    },
    {
      name: 'somebody who hides their number, at a time in milliseconds',
      request: fixture('username'),
      events: [
        said(
          9,
          { type: 'text', text: 'hi' },
          { thread: 'US.1234', sender: { handles: [{ scheme: 'whatsapp-user', value: 'US.1234' }], name: 'Grace' } },
        ),
      ],
    },
    {
      name: 'statuses',
      request: fixture('statuses'),
      events: [
        receipt('sent'),
        receipt('delivered'),
        receipt('read'),
        receipt('failed', {
          failure: {
            code: 'window-closed',
            providerCode: '131047',
            message: 'WhatsApp 131047: the person wrote more than 24 hours ago',
          },
        }),
      ],
    },
    { name: 'what is of another number', request: fixture('another-number'), events: [] },
  ],
  twins: [ok('wamid.a'), ok('wamid.b')],
  outbound: [
    {
      name: 'a text that answers',
      message: { parts: [{ type: 'text', text: 'On its way' }], replyTo: 'wamid.1' },
      requests: sent({
        type: 'text',
        text: { body: 'On its way', preview_url: true },
        context: { message_id: 'wamid.1' },
      }),
      externalIds: [['wamid.sent']],
    },
    {
      name: 'buttons',
      message: { parts: [{ type: 'choices', text: 'Sure?', options: options(1) }] },
      requests: sent({
        type: 'interactive',
        interactive: {
          type: 'button',
          body: { text: 'Sure?' },
          action: { buttons: [{ type: 'reply', reply: { id: 'o0', title: 'Option 0' } }] },
        },
      }),
    },
    {
      name: 'a list',
      message: { parts: [{ type: 'choices', text: 'Which?', options: options(4) }] },
      requests: sent({
        type: 'interactive',
        interactive: {
          ...{ type: 'list', body: { text: 'Which?' } },
          action: { button: '☰', sections: [{ rows: options(4).map(({ id, label }) => ({ id, title: label })) }] },
        },
      }),
    },
    {
      name: 'a template',
      message: { parts: [{ type: 'template', name: 'shipped', locale: 'en-US', values: { 2: 'Friday', 1: 'Ada' } }] },
      requests: sent({
        type: 'template',
        template: {
          ...{ name: 'shipped', language: { policy: 'deterministic', code: 'en_US' } },
          components: [
            {
              type: 'body',
              parameters: [
                { type: 'text', text: 'Ada' },
                { type: 'text', text: 'Friday' },
              ],
            },
          ],
        },
      }),
    },
    {
      name: 'a place',
      message: { parts: [{ type: 'location', latitude: 31.2, longitude: 121.5, name: 'Office' }] },
      requests: sent({ type: 'location', location: { latitude: 31.2, longitude: 121.5, name: 'Office' } }),
    },
    {
      name: 'an image',
      message: file('image', 'image/png', { caption: 'Here' }),
      requests: sent({ type: 'image', image: { link, caption: 'Here' } }),
    },
    { name: 'an audio', message: file('audio', 'audio/mpeg'), requests: sent({ type: 'audio', audio: { link } }) },
    { name: 'a video', message: file('video', 'video/mp4'), requests: sent({ type: 'video', video: { link } }) },
    {
      name: 'a file',
      message: file('file', 'application/pdf', { name: 'a.pdf' }),
      requests: sent({ type: 'document', document: { link, filename: 'a.pdf' } }),
    },
  ],
  isSend: ({ method, path }) => method === 'POST' && path.endsWith('/messages'),
  provider: ({ method }) => ({
    body:
      method === 'GET' ? { display_phone_number: '+1 555-078-3881', id: NUMBER } : { messages: [{ id: 'wamid.sent' }] },
  }),
  refusals: (
    [
      [131047, 'window-closed'],
      [131026, 'recipient-gone'],
      [131050, 'opted-out'],
      [131056, 'throttled'],
      [190, 'unauthorized'],
      [132001, 'content-refused'],
      [131031, 'config-invalid'],
      [131016, 'unavailable'],
      [999999, 'content-refused'],
    ] as const
  ).map(([number, code]) => ({
    name: `code ${number}`,
    answer: { body: { error: { code: number, message: 'x' } } },
    code,
  })),
};

conformance(subject);

describe('whatsapp-cloud', () => {
  const context = (url: string) =>
    ({
      config: whatsappCloud.config.parse(subject.accounts[0].config(url)),
      http: guardedHttp({ allow: ['127.0.0.1'] }),
      now: Date.now,
      signal: new AbortController().signal,
    }) as never;

  it('fetches a file, and gives the token to Meta alone', async () => {
    const elsewhere = await fakeProvider(() => ({ body: Buffer.from('bytes') }));
    const provider = await fakeProvider(() => ({ body: { url: `${elsewhere.url}/file`, mime_type: 'image/jpeg' } }));
    const { stream, mimeType } = await whatsappCloud.fetchMedia!('1003383421387256', context(provider.url));
    expect([(await stream.toArray()).join(''), mimeType]).toEqual(['bytes', 'image/jpeg']);
    expect(provider.requests[0]?.headers['authorization']).toBe('Bearer token-of-one');
    expect(elsewhere.requests[0]?.headers['authorization']).toBeUndefined();
    await Promise.all([provider.close(), elsewhere.close()]);
  });

  it('lets a limit of one person hold up nobody else', async () => {
    const provider = await fakeProvider(() => ({ status: 429, body: { error: { code: 131056 } } }));
    const reading = whatsappCloud.markRead!(
      { id: 't', externalId: '1', handles: [] },
      'wamid.1',
      context(provider.url),
    );
    await expect(reading).rejects.toMatchObject({ code: 'throttled', scope: 'item' });
    await provider.close();
  });

  it.each([
    ['a number', '+16505551234', 'phone', { recipient_type: 'individual', to: '16505551234' }],
    ['the id of who hides it', 'US.1234', 'whatsapp-user', { recipient_type: 'individual', recipient: 'US.1234' }],
    ['a group', '120363', 'whatsapp-group', { recipient_type: 'group', to: '120363' }],
  ])('addresses %s as Meta wants it, whatever else is known of the person', async (...[, thread, scheme, address]) => {
    const provider = await fakeProvider(() => ({ body: { messages: [{ id: 'wamid.out' }] } }));
    const others = { scheme: 'phone', scope: '', value: '+4930123456', proof: 'verified' } as const;
    const handles = [others, { scheme, scope: '', value: thread, proof: 'channel' } as const];
    const unit = {
      ...textUnit(subject as unknown as ChannelSubject, 'hello'),
      thread: { id: 't', externalId: thread, handles },
    };
    await whatsappCloud.send!(unit, context(provider.url));
    const { to, recipient, recipient_type } = JSON.parse(provider.requests[0]!.body.toString());
    expect({ to, recipient, recipient_type }).toEqual(address);
    await provider.close();
  });

  it('sends a numbered list where what is asked is longer than buttons take', () => {
    const choices = (text: string): Part => ({ type: 'choices', text, options: options(2) });
    expect(['?', '', 'a'.repeat(1_025)].map((text) => whatsappCloud.native!(choices(text)))).toEqual([
      true,
      false,
      false,
    ]);
  });
});

describe('a callback of several messages', () => {
  const callback = (...messages: object[]) =>
    rawRequest({
      json: {
        object: 'whatsapp_business_account',
        entry: [{ changes: [{ field: 'messages', value: { metadata: { phone_number_id: NUMBER }, messages } }] }],
      },
    });
  const eventsOf = (...messages: object[]) => {
    const ctx = {
      ...{ accountId: 'one', now: subject.now, publicUrl: 'https://gateway.example/channels/one' },
      config: whatsappCloud.config.parse(subject.accounts[0].config('https://graph.example')),
    };
    return whatsappCloud.ingress.webhook!.parse(callback(...messages) as VerifiedRequest, ctx).events;
  };
  const from = { from: '16505551234', timestamp: '1795253398' };
  const text = { ...from, id: 'wamid.1', type: 'text', text: { body: 'hello' } };

  it.each([
    [
      'a contact without a number',
      { type: 'contacts', contacts: [{ name: { formatted_name: 'Li' }, phones: [{ type: 'HOME' }] }] },
    ],
    ['a place that is none', { type: 'location', location: { latitude: 'north', longitude: 1 } }],
    ['an empty text', { type: 'text', text: { body: '' } }],
  ])('loses none of them by %s', (_what, odd) => {
    const [first, second] = eventsOf(text, { ...from, id: 'wamid.2', ...odd });
    expect(first).toMatchObject({ dedupeKey: 'message:wamid.1', parts: [{ type: 'text', text: 'hello' }] });
    expect(second).toMatchObject({
      dedupeKey: 'message:wamid.2',
      parts: [{ type: 'unsupported', providerType: odd.type }],
    });
  });

  it('is refused where one is of nobody', () => {
    expect(() => eventsOf(text, { id: 'wamid.2' })).toThrow('expected a callback of the Cloud API');
  });
});

import { createHash } from 'node:crypto';
import { text } from 'node:stream/consumers';
import { describe, expect, it } from '@jest/globals';
import { getExpectedTwilioSignature } from 'twilio/lib/webhooks/webhooks.js';
import type { InboundEventInput, MediaPart, ProviderFailure } from '#normalizer';
import { guardedHttp, receive, type RawRequest } from '#transport';
import type { AdapterContext, VerifyContext } from '../core/adapter.js';
import {
  conformance,
  fakeProvider,
  fileUrl,
  loadFixture,
  rawRequest,
  type ChannelSubject,
  type FakeAnswer,
} from '../testing/index.js';
import { smsTwilio } from './sms-twilio.adapter.js';
import type { SmsTwilioConfig } from './sms-twilio.config.js';

const now = Date.parse('2026-11-21T09:30:00Z');
const AC = `AC${'0'.repeat(31)}1`;
const OTHER = `AC${'0'.repeat(31)}2`;
const fixture = (name: string) => loadFixture(new URL(`./fixtures/${name}.json`, import.meta.url));

/** Signs as Twilio does, by its own library. */
const sign = (request: RawRequest, { config, publicUrl }: VerifyContext<SmsTwilioConfig>): RawRequest => {
  const query = new URLSearchParams(request.query);
  const json = request.headers['content-type'] === 'application/json';
  if (json) query.set('bodySHA256', createHash('sha256').update(request.body).digest('hex'));
  const url = `${publicUrl}${query.size > 0 ? `?${query.toString()}` : ''}`;
  const form = new URLSearchParams(request.method === 'POST' && !json ? request.body.toString() : '');
  const fields = Object.fromEntries([...new Set(form.keys())].map((name) => [name, form.getAll(name)]));
  const signature = getExpectedTwilioSignature(config.authToken, url, fields);
  return { ...request, query, headers: { ...request.headers, 'x-twilio-signature': signature } };
};

const person = { handles: [{ scheme: 'phone', value: '+14158675309', proof: 'channel' as const }] };
const message = (id: string, parts: object[], changes: object = {}): InboundEventInput =>
  ({
    ...{
      kind: 'message',
      dedupeKey: `message:${id}`,
      thread: '+14158675309',
      sender: person,
      parts,
      externalIds: [id],
    },
    ...changes,
  }) as InboundEventInput;
const said = (id: string, words: string) => message(id, [{ type: 'text', text: words }]);
const consent = (kind: 'opted-out' | 'opted-in', id: string, word: string): InboundEventInput => ({
  ...{ kind, dedupeKey: `consent:${id}`, thread: '+14158675309', sender: person, reason: `the customer wrote ${word}` },
});
const ours = 'SM55555555555555555555555555555555';
const receipt = (name: string, status: 'sent' | 'delivered' | 'read' | 'failed', failure?: object) => ({
  name: `${name}, by callback`,
  request: fixture(name),
  events: [
    {
      kind: 'receipt',
      dedupeKey: `receipt:${ours}:${name}`,
      externalId: ours,
      status,
      ...(failure && { failure }),
    } as InboundEventInput,
  ],
});
const media = (n: number, kind: string, mimeType: string) => ({
  ...{ type: 'media', kind, mimeType, state: 'pending' },
  ref: `https://api.twilio.com/2010-04-01/Accounts/${AC}/Messages/MM22222222222222222222222222222222/Media/ME3333${n}`,
});

const created = { status: 201, body: { sid: 'SM99', status: 'queued', error_code: null, num_segments: '1' } };
const photo: MediaPart = {
  type: 'media',
  kind: 'image',
  fileId: 'fil_1',
  mimeType: 'image/png',
  bytes: 70,
  state: 'ready',
  caption: 'Here',
};
const posted = { method: 'POST', path: `/2010-04-01/Accounts/${AC}/Messages.json` };
const StatusCallback = 'https://gateway.example/channels/sms/status?unit=unt_conformance0';

const subject: ChannelSubject<SmsTwilioConfig> = {
  adapter: smsTwilio,
  now,
  accounts: [
    {
      id: 'sms',
      config: (apiBase) => ({
        accountSid: AC,
        authToken: 'first auth token',
        from: '+15550001111',
        mms: true,
        apiBase,
      }),
    },
    {
      id: 'other',
      config: (apiBase) => ({
        ...{ accountSid: OTHER, authToken: 'other auth token', messagingServiceSid: `MG${'0'.repeat(32)}`, apiBase },
        ...{ apiKeySid: `SK${'0'.repeat(32)}`, apiKeySecret: 'the key of the other' },
      }),
    },
  ],
  sign,
  inbound: [
    {
      name: 'a text',
      request: fixture('text'),
      events: [said('SM11111111111111111111111111111111', 'Hi, where is my parcel? 📦')],
      reply: { status: 200, body: '<?xml version="1.0" encoding="UTF-8"?><Response/>' },
    },
    {
      name: 'pictures without a text',
      request: fixture('mms'),
      events: [
        message('MM22222222222222222222222222222222', [
          media(0, 'image', 'image/jpeg'),
          media(1, 'file', 'text/vcard'),
        ]),
      ],
    },
    {
      name: 'STOP, as Twilio understood it',
      request: fixture('stop'),
      events: [
        said('SM33333333333333333333333333333333', 'STOP'),
        consent('opted-out', 'SM33333333333333333333333333333333', 'STOP'),
      ],
    },
    {
      name: 'START, as we understand it',
      request: fixture('start'),
      events: [
        said('SM34333333333333333333333333333333', 'Start'),
        consent('opted-in', 'SM34333333333333333333333333333333', 'Start'),
      ],
    },
    {
      name: 'a name that is nobody',
      request: fixture('named'),
      events: [
        message('SM44444444444444444444444444444444', [{ type: 'text', text: 'Your code is 4711' }], {
          thread: 'MyBank',
          sender: { handles: [{ scheme: 'sms-sender', scope: 'sms', value: 'MyBank', proof: 'claimed' }] },
        }),
      ],
    },
    {
      name: 'by GET',
      request: fixture('get'),
      events: [said('SM66666666666666666666666666666666', "It's 5 o'clock (really)~")],
    },
    { name: 'by JSON', request: fixture('json'), events: [said('SM77777777777777777777777777777777', 'by JSON')] },
    { name: 'queued, which is known', request: fixture('queued'), events: [] },
    receipt('sent', 'sent'),
    receipt('delivered', 'delivered'),
    receipt('read', 'read'),
    receipt('undelivered', 'failed', {
      ...{ code: 'unavailable', providerCode: '30003', message: 'Twilio 30003: the handset cannot be reached' },
    }),
    {
      name: 'delivered, by the address that names our unit',
      request: { ...fixture('delivered'), query: new URLSearchParams({ unit: 'unt_1' }) },
      events: [{ kind: 'receipt', dedupeKey: `receipt:${ours}:delivered`, externalId: 'unt_1', status: 'delivered' }],
    },
    receipt('canceled', 'failed', { code: 'cancelled', message: 'it was cancelled at Twilio' }),
  ],
  twins: ['SM1', 'SM2'].map((sid) =>
    rawRequest({ body: `MessageSid=${sid}&From=%2B14158675309&To=%2B15550001111&Body=ok` }),
  ) as [RawRequest, RawRequest],
  outbound: [
    {
      name: 'a text',
      message: { parts: [{ type: 'text', text: 'It is on its way 🚚' }] },
      requests: [
        {
          ...posted,
          headers: { authorization: `Basic ${Buffer.from(`${AC}:first auth token`).toString('base64')}` },
          form: { To: '+14158675309', From: '+15550001111', Body: 'It is on its way 🚚', StatusCallback },
        },
      ],
      externalIds: [['SM99']],
    },
    {
      name: 'a picture',
      message: { parts: [photo] },
      requests: [
        {
          ...posted,
          form: { To: '+14158675309', From: '+15550001111', Body: 'Here', MediaUrl: fileUrl('fil_1'), StatusCallback },
        },
      ],
    },
  ],
  provider: ({ method }) => (method === 'GET' ? { body: { sid: AC, status: 'active' } } : created),
  refusals: [
    {
      name: 'a message that failed when it was made',
      answer: { status: 201, body: { sid: 'SM99', status: 'failed', error_code: 30007 } },
      code: 'content-refused',
    },
    {
      name: 'STOP',
      answer: { status: 200, body: { sid: 'SM99', status: 'failed', error_code: 21610 } },
      code: 'opted-out',
    },
  ],
};
conformance(subject);

type Sending = Parameters<NonNullable<typeof smsTwilio.send>>;
async function withProvider<T>(
  { answer, changes = {} }: { answer: FakeAnswer | (() => FakeAnswer); changes?: object },
  use: (ctx: AdapterContext<SmsTwilioConfig>, provider: Awaited<ReturnType<typeof fakeProvider>>) => Promise<T>,
): Promise<T> {
  const provider = await fakeProvider(() => (typeof answer === 'function' ? answer() : answer));
  const http = guardedHttp({ allow: ['127.0.0.1'] });
  const config = smsTwilio.config.parse({
    accountSid: AC,
    authToken: 'token',
    from: '+15550001111',
    apiBase: provider.url,
    ...changes,
  });
  const ctx = {
    accountId: 'sms',
    config,
    http,
    fileUrl,
    callbackUrl: 'https://gateway.example/channels/sms',
    now: () => now,
  };
  try {
    return await use({ ...ctx, signal: new AbortController().signal } as never, provider);
  } finally {
    await Promise.all([http.close(), provider.close()]);
  }
}
const unit = (externalId = '+14158675309', scheme = 'phone') =>
  ({
    parts: [{ type: 'text', text: 'hi' }],
    text: 'hi',
    thread: { id: 'thr_1', externalId, handles: [{ scheme, value: externalId }] },
  }) as never as Sending[0];
const failureOf = (work: Promise<unknown>) =>
  work.then(
    () => undefined,
    (error: ProviderFailure) => ({
      code: error.code,
      providerCode: error.providerCode,
      scope: error.scope,
      retryAfterMs: error.retryAfterMs,
    }),
  );

describe('sending by Twilio', () => {
  it.each([
    [400, 21610, 'opted-out'],
    [400, 21211, 'recipient-gone'],
    [400, 21614, 'recipient-gone'],
    [400, 21408, 'config-invalid'],
    [400, 21617, 'content-refused'],
    [400, 99999, 'content-refused'],
    [401, 20003, 'unauthorized'],
    [429, 20429, 'throttled'],
    [429, 21611, 'throttled'],
    [400, 21659, 'config-invalid'],
  ])('%d with code %d is %s', async (status, code, expected) => {
    const answer = { status, headers: { 'retry-after': '3' }, body: { code, message: 'words', status } };
    const failure = await withProvider({ answer }, (ctx) => failureOf(smsTwilio.send!(unit(), ctx)));
    expect(failure).toMatchObject({ code: expected, providerCode: String(code), retryAfterMs: 3_000 });
  });

  it.each([500, 502, 503])('knows not what became of it where Twilio answers %d, and says so', async (status) => {
    const answer = { status, headers: { 'retry-after': '3' }, body: { code: 20500 } };
    expect(await withProvider({ answer }, (ctx) => failureOf(smsTwilio.send!(unit(), ctx)))).toMatchObject({
      ...{ code: 'outcome-unknown', providerCode: '20500' },
    });
  });

  it.each([
    [21408, 'item'],
    [21606, 'item'],
    [21608, 'item'],
    [21659, undefined],
    [20404, undefined],
  ])('holds up others only where the account itself is at fault: %d', async (code, scope) => {
    const answer = { status: 400, body: { code } };
    expect(await withProvider({ answer }, (ctx) => failureOf(smsTwilio.send!(unit(), ctx)))).toMatchObject({
      ...{ code: 'config-invalid', scope },
    });
  });

  it('knows before anything is queued that names and short codes take no answers', () => {
    const { admit } = smsTwilio;
    expect(() => admit!(unit(), 'MyBank', {} as never)).toThrow(expect.objectContaining({ code: 'recipient-gone' }));
    expect(() => admit!(unit(), '+14158675309', {} as never)).not.toThrow();
  });

  it('answers no name and no short code', async () => {
    for (const sender of ['MyBank', '12345']) {
      const failure = await withProvider({ answer: created }, (ctx) =>
        failureOf(smsTwilio.send!(unit(sender, 'sms-sender'), ctx)),
      );
      expect(failure).toMatchObject({ code: 'recipient-gone' });
    }
  });

  it('keeps the quiet hours that are set, for each recipient, but not for codes', async () => {
    const changes = { quietHours: { from: '17:00', to: '18:00' } };
    await withProvider({ answer: created, changes }, async (ctx, provider) => {
      expect(await failureOf(smsTwilio.send!(unit(), ctx))).toMatchObject({
        code: 'throttled',
        scope: 'item',
        retryAfterMs: 1_800_000,
      });
      expect(provider.requests).toEqual([]);
      expect(await smsTwilio.send!({ ...unit(), notice: true }, ctx)).toEqual({ externalIds: ['SM99'] });
    });
  });

  it('goes by the settings of the account: pictures as MMS, how fast', () => {
    const config = (changes: object) =>
      smsTwilio.config.parse({ accountSid: AC, authToken: 'token', from: '+15550001111', ...changes });
    const can = (changes: object) => smsTwilio.capabilitiesOf!(config(changes));
    expect(Object.keys(can({}).media)).toEqual([]);
    expect(Object.keys(can({ mms: true }).media)).toEqual(['image']);
    expect(can({ throughput: { perSecond: 1, perRecipientPerMinute: 6 } }).rate).toEqual({
      perSecond: 1,
      perThreadPerSecond: 0.1,
    });
  });
});

describe('pictures of an MMS', () => {
  const ref = media(0, 'image', 'image/jpeg').ref;

  it('are fetched with the credentials, which go no further', async () => {
    const steps: FakeAnswer[] = [];
    await withProvider({ answer: () => steps.shift() ?? { status: 500 } }, async (ctx, provider) => {
      steps.push(
        { status: 307, headers: { location: `${provider.url}/bucket/1?sig=x` } },
        { headers: { 'content-type': 'image/jpeg' }, body: 'bytes' },
      );
      const { stream, mimeType } = await smsTwilio.fetchMedia!(ref, ctx);
      expect([mimeType, await text(stream)]).toEqual(['image/jpeg', 'bytes']);
      expect(provider.requests.map(({ path }) => path)).toEqual([new URL(ref).pathname, '/bucket/1']);
      expect(provider.requests.map(({ headers }) => headers.authorization !== undefined)).toEqual([true, false]);
    });
  });

  it.each([
    [404, 'recipient-gone'],
    [401, 'unauthorized'],
    [503, 'unavailable'],
  ])('that are answered %d are %s', async (status, code) => {
    expect(
      await withProvider({ answer: { status } }, (ctx) => failureOf(smsTwilio.fetchMedia!(ref, ctx))),
    ).toMatchObject({ code });
  });

  it.each(['https://evil.example/2010-04-01/Accounts/AC9/Messages/x', 'file:///etc/passwd', 'nonsense', '/2010-04-01'])(
    'are not looked for at %s',
    async (elsewhere) => {
      await withProvider({ answer: created }, async (ctx, provider) => {
        expect(await failureOf(smsTwilio.fetchMedia!(elsewhere, ctx))).toMatchObject({ code: 'recipient-gone' });
        expect(provider.requests).toEqual([]);
      });
    },
  );
});

describe('callbacks of Twilio', () => {
  const ctx = {
    accountId: 'sms',
    config: smsTwilio.config.parse({ accountSid: AC, authToken: 't', from: '+15550001111' }),
    publicUrl: 'https://gateway.example/channels/sms',
    now,
  };
  const parsed = (body: string) => receive(smsTwilio.ingress.webhook!, sign(rawRequest({ body }), ctx), ctx);

  it.each(['Body=hi&From=%2B1', 'MessageSid=SM1&Body=hi', 'MessageSid=a%20b&From=x'])(
    'are not of the documented form: %s',
    (body) => expect(() => parsed(body)).toThrow(/./),
  );

  it('may say HELP, which is no consent', () => {
    const received = parsed('MessageSid=SM1&From=%2B14158675309&Body=STOP&OptOutType=HELP');
    expect(received).toMatchObject({ kind: 'parsed', parsed: { events: [{ kind: 'message' }] } });
    expect(received.kind === 'parsed' && received.parsed.events).toHaveLength(1);
  });
});

describe('settings of Twilio', () => {
  const base = { accountSid: AC, authToken: 'token' };
  it.each([
    { from: '+15550001111' },
    { from: '12345' },
    { from: 'My Shop' },
    { messagingServiceSid: `MG${'0'.repeat(32)}` },
  ])('take %j', (sender) => expect(smsTwilio.config.safeParse({ ...base, ...sender }).success).toBe(true));
  it.each([
    {},
    { from: '+15550001111', messagingServiceSid: `MG${'0'.repeat(32)}` },
    { from: '5550001111' },
    { from: '+1555', apiKeySecret: 'x' },
    { accountSid: 'AC1', from: '12345' },
  ])('refuse %j', (sender) => expect(smsTwilio.config.safeParse({ ...base, ...sender }).success).toBe(false));
});

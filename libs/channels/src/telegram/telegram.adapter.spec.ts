import { describe, expect, it } from '@jest/globals';
import type { InboundEventInput, Part } from '#normalizer';
import { guardedHttp, type VerifiedRequest } from '#transport';
import {
  conformance,
  fakeProvider,
  loadFixture,
  rawRequest,
  type ChannelSubject,
  type OutboundCase,
} from '../testing/index.js';
import { telegram } from './telegram.adapter.js';
import type { TelegramConfig } from './telegram.config.js';

const fixture = (name: string) => loadFixture(new URL(`./fixtures/${name}.json`, import.meta.url));
const occurredAt = new Date(1_795_253_398_000).toISOString();
const CHAT = '7001234567';
const ada = { handles: [{ scheme: 'telegram-id', value: CHAT }], name: 'Ada Lovelace' };
const said = (n: number, part: object, more: object = {}): InboundEventInput =>
  ({
    ...{ kind: 'message', dedupeKey: `update:90000000${n}`, thread: CHAT, sender: ada, parts: [part] },
    ...{ externalIds: [`${CHAT}:${40 + n}`], language: 'en', occurredAt, ...more },
  }) as InboundEventInput;
const media = (more: object) => ({ type: 'media', state: 'pending', ...more });
const ok = (id: number) =>
  rawRequest({
    json: {
      update_id: id,
      message: { message_id: id, date: 1_795_253_398, chat: { id: 7, type: 'private' }, text: 'ok' },
    },
  });

const sent = (method: string, json?: object): OutboundCase['requests'] => [
  { method: 'POST', path: `/botfirst-token-4711/${method}`, ...(json && { json: { chat_id: CHAT, ...json } }) },
];
const file = (kind: string, mimeType: string): OutboundCase['message'] => ({
  parts: [{ type: 'media', kind, mimeType, fileId: 'fil_1', bytes: 70, state: 'ready' } as Part],
});

const subject: ChannelSubject<TelegramConfig> = {
  adapter: telegram,
  now: Date.parse('2026-11-21T09:30:00Z'),
  accounts: [
    {
      id: 'one',
      config: (base) => ({ botToken: 'first-token-4711', secretToken: 'first_secret_0123456789', apiBase: base }),
    },
    {
      id: 'two',
      config: (base) => ({ botToken: 'other-token-0815', secretToken: 'other_secret_9876543210', apiBase: base }),
    },
  ],
  sign: (request, { config }) => ({
    ...request,
    headers: { ...request.headers, 'x-telegram-bot-api-secret-token': config.secretToken },
  }),
  inbound: [
    {
      name: 'a text that answers',
      request: fixture('text'),
      events: [said(1, { type: 'text', text: 'Where is my parcel? 🐦' }, { replyTo: `${CHAT}:12` })],
    },
    {
      name: 'a photo, of which the largest size',
      request: fixture('photo'),
      events: [
        said(
          2,
          media({
            kind: 'image',
            ref: 'AgACAgIAAx',
            mimeType: 'image/jpeg',
            bytes: 48_213,
            caption: 'It looked like this',
          }),
        ),
      ],
    },
    {
      name: 'a voice',
      request: fixture('voice'),
      events: [
        said(3, media({ kind: 'voice', ref: 'AwACAgIAAx', mimeType: 'audio/ogg', bytes: 9_000, durationMs: 4_000 })),
      ],
    },
    {
      name: 'a venue',
      request: fixture('venue'),
      events: [
        said(4, { type: 'location', latitude: 31.2, longitude: 121.5, name: 'Office', address: 'Nanjing Road 1' }),
      ],
    },
    {
      name: 'a contact',
      request: fixture('contact'),
      events: [said(5, { type: 'contact-card', name: 'Li', handles: [{ scheme: 'phone', value: '+8613800138000' }] })],
    },
    {
      name: 'what we do not know',
      request: fixture('dice'),
      events: [said(6, { type: 'unsupported', providerType: 'a message of another kind' })],
    },
    {
      name: 'an edit',
      request: fixture('edited'),
      events: [
        {
          ...{ kind: 'edited', dedupeKey: 'update:900000007', thread: CHAT, sender: ada, externalId: `${CHAT}:41` },
          ...{ parts: [{ type: 'text', text: 'Where are my parcels?' }], occurredAt },
        },
      ],
    },
    {
      name: 'a tap on a button, which is answered',
      request: fixture('tap'),
      events: [
        {
          ...{ kind: 'message', dedupeKey: 'update:900000008', thread: CHAT, sender: ada, replyTo: `${CHAT}:60` },
          parts: [{ type: 'choice', optionId: 'yes', label: 'Yes, please' }],
        },
      ],
      reply: { status: 200, body: '{"method":"answerCallbackQuery","callback_query_id":"4382bfdwdsb323b2d9"}' },
    },
    {
      name: 'a block',
      request: fixture('blocked'),
      events: [
        {
          kind: 'opted-out',
          dedupeKey: 'update:900000009',
          thread: CHAT,
          sender: ada,
          reason: 'blocked the bot',
          occurredAt,
        },
      ],
    },
    {
      name: 'a group',
      request: fixture('group'),
      events: [
        {
          ...{ kind: 'message', dedupeKey: 'update:900000010', thread: '-1001234567890' },
          sender: {
            handles: [{ scheme: 'telegram-chat', value: '-1001234567890' }],
            ...{ name: 'Ada Lovelace', group: 'Parcels', member: { scheme: 'telegram-id', scope: '', value: CHAT } },
          },
          ...{
            parts: [{ type: 'text', text: '/help' }],
            externalIds: ['-1001234567890:7'],
            language: 'en',
            occurredAt,
          },
        },
      ],
    },
  ],
  twins: [ok(1), ok(2)],
  outbound: [
    {
      name: 'a text that answers',
      message: { parts: [{ type: 'text', text: 'On its way' }], replyTo: `${CHAT}:41` },
      requests: sent('sendMessage', {
        text: 'On its way',
        reply_parameters: { message_id: 41, allow_sending_without_reply: true },
      }),
      externalIds: [[`${CHAT}:71`]],
    },
    {
      name: 'choices',
      message: { parts: [{ type: 'choices', text: 'Sure?', options: [{ id: 'yes', label: 'Yes' }] }] },
      requests: sent('sendMessage', {
        text: 'Sure?',
        reply_markup: { inline_keyboard: [[{ text: 'Yes', callback_data: 'yes' }]] },
      }),
    },
    {
      name: 'a place',
      message: { parts: [{ type: 'location', latitude: 31.2, longitude: 121.5, name: 'Office' }] },
      requests: sent('sendVenue', { latitude: 31.2, longitude: 121.5, title: 'Office', address: 'Office' }),
    },
    { name: 'a photo', message: file('image', 'image/png'), requests: sent('sendPhoto') },
    { name: 'an audio', message: file('audio', 'audio/mpeg'), requests: sent('sendAudio') },
    { name: 'a voice', message: file('voice', 'audio/ogg'), requests: sent('sendVoice') },
    { name: 'a video', message: file('video', 'video/mp4'), requests: sent('sendVideo') },
    { name: 'a file', message: file('file', 'application/pdf'), requests: sent('sendDocument') },
  ],
  isSend: ({ path }) => path.includes('/send') && !path.endsWith('/sendChatAction'),
  provider({ path }) {
    if (path.endsWith('/getMe')) return { body: { ok: true, result: { id: 1, username: 'parcel_bot' } } };
    if (path.endsWith('/sendChatAction')) return { body: { ok: true, result: true } };
    return { body: { ok: true, result: { message_id: 71 } } };
  },
  refusals: [
    [403, 'Forbidden: bot was blocked by the user', 'opted-out'],
    [403, 'Forbidden: user is deactivated', 'recipient-gone'],
    [403, 'Forbidden: bot was kicked from the supergroup chat', 'recipient-gone'],
    [403, "Forbidden: bot can't initiate conversation with a user", 'window-closed'],
    [400, 'Bad Request: chat not found', 'recipient-gone'],
    [400, 'Bad Request: message text is empty', 'content-refused'],
    [401, 'Unauthorized', 'unauthorized'],
    [429, 'Too Many Requests: retry after 3', 'throttled'],
    [502, 'Bad Gateway', 'unavailable'],
  ].map(([error_code, description, code]) => ({
    name: String(description),
    answer: { body: { ok: false, error_code, description } },
    code: code as 'throttled',
  })),
  waivers: [
    {
      check: 'rejects a body in which one byte is another',
      reason: 'Bot API, setWebhook: a secret header names the sender, and nothing signs the body',
    },
  ],
};

conformance(subject);

describe('an update of telegram', () => {
  const eventsOf = (message: object) => {
    const ctx = {
      ...{ accountId: 'one', now: subject.now, publicUrl: 'https://gateway.example/channels/one' },
      config: telegram.config.parse(subject.accounts[0].config('https://telegram.example')),
    };
    const base = { message_id: 7, date: 1_795_253_398, from: { id: 5 }, chat: { id: -100, type: 'supergroup' } };
    const request = rawRequest({ json: { update_id: 1, message: { ...base, ...message } } });
    return telegram.ingress.webhook!.parse(request as VerifiedRequest, ctx).events;
  };

  it.each([
    'new_chat_members',
    'left_chat_member',
    'new_chat_title',
    'pinned_message',
    'migrate_to_chat_id',
    'forum_topic_created',
  ])('is no message of anybody where it tells of %s', (what) => {
    expect(eventsOf({ [what]: 1 })).toEqual([]);
  });

  it.each([
    ['a place that is none', { location: { latitude: 'north', longitude: 1 } }],
    ['a poll', { poll: { id: '1' } }],
  ])('is kept where it holds %s', (_what, message) => {
    expect(eventsOf(message)).toMatchObject([{ thread: '-100', parts: [{ type: 'unsupported' }] }]);
  });
});

describe('telegram', () => {
  const context = (url: string) =>
    ({
      config: telegram.config.parse({
        botToken: 'first-token-4711',
        secretToken: 'first_secret_0123456789',
        apiBase: url,
      }),
      http: guardedHttp({ allow: ['127.0.0.1'] }),
      now: Date.now,
      signal: new AbortController().signal,
    }) as never;

  it('waits as long as Telegram says within the answer', async () => {
    const answer = {
      status: 429,
      body: { ok: false, error_code: 429, description: 'Too Many Requests', parameters: { retry_after: 9 } },
    };
    const provider = await fakeProvider(() => answer);
    const typing = telegram.typing!({ id: 't', externalId: '7', handles: [] }, true, context(provider.url));
    await expect(typing).rejects.toMatchObject({ code: 'throttled', retryAfterMs: 9_000 });
    await provider.close();
  });

  it('fetches a file by the path that its id leads to', async () => {
    const provider = await fakeProvider(({ path }) =>
      path.endsWith('/getFile')
        ? { body: { ok: true, result: { file_path: 'photos/file_1.jpg' } } }
        : { body: Buffer.from('bytes') },
    );
    const { stream } = await telegram.fetchMedia!('AgACAgIAAx', context(provider.url));
    expect((await stream.toArray()).join('')).toBe('bytes');
    expect(provider.requests.map(({ path }) => path)).toEqual([
      '/botfirst-token-4711/getFile',
      '/file/botfirst-token-4711/photos/file_1.jpg',
    ]);
    await provider.close();
  });

  it('sends options as buttons only where their ids are short', () => {
    const choices = (id: string): Part => ({ type: 'choices', text: '?', options: [{ id, label: 'a' }] });
    expect([telegram.native!(choices('a'.repeat(64))), telegram.native!(choices('报'.repeat(22)))]).toEqual([
      true,
      false,
    ]);
  });
});

import { describe, expect, it } from '@jest/globals';
import type { InboundEventInput, MediaPart, Part } from '#normalizer';
import { MalformedRequest, receive, type RawRequest } from '#transport';
import {
  conformance,
  loadFixture,
  rawRequest,
  sealed,
  xmlOf,
  type ChannelSubject,
  type ExpectedRequest,
  type LoggedRequest,
} from '../testing/index.js';
import { guardOf } from '../wechat/app-settings.js';
import { wechatOfficial } from './wechat-official.adapter.js';
import type { WechatOfficialConfig } from './wechat-official.config.js';

const now = Date.parse('2026-11-21T09:30:00Z');
const fixture = (name: string): RawRequest => loadFixture(new URL(`./fixtures/${name}.json`, import.meta.url));
const openid = 'oyORnuP8q7ou2gfYjqLzSIWZf0rs';
const safe = {
  appId: 'wx2c2769f8efd9abc2',
  appSecret: 'f0e1d2c3b4a5968778695a4b3c2d1e0f',
  token: 'spamtest',
  encodingAESKey: 'abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG',
};
const other = {
  appId: 'wxb11529c136998cb6',
  appSecret: '0f1e2d3c4b5a69788796a5b4c3d2e1f0',
  token: 'pamtest',
  encodingAESKey: 'kWxPEV2UEDyxWpmPdKC3F4dgPDmOvfKX1HGnEUDS1aR',
  mode: 'compatible',
};

const sign = (
  request: RawRequest,
  { config, now: at }: { readonly config: WechatOfficialConfig; readonly now: number },
): RawRequest => sealed(request, { ...guardOf(config), compatible: config.mode === 'compatible' }, at);

const common = (dedupeKey: string) => ({
  dedupeKey,
  thread: openid,
  sender: { handles: [{ scheme: 'wechat-openid', scope: safe.appId, value: openid }] },
  occurredAt: '2014-09-03T09:14:28.000Z',
});
const id = (n: number): string => String(6_054_768_590_064_713_728n + BigInt(n));
const message = (n: number, ...parts: object[]) =>
  ({ kind: 'message', ...common(`message:${id(n)}`), parts, externalIds: [id(n)] }) as InboundEventInput;
const event = ([name, key]: readonly [string, string], part: object, more: object = {}) =>
  ({
    kind: 'message',
    ...common(`event:${openid}:1409735668:${name}::${key}`),
    parts: [part],
    automated: true,
    ...more,
  }) as InboundEventInput;
/** What an action of a customer allows. */
const short = { window: { seconds: 60, messages: 3 } };
const held = ([kind, mimeType]: readonly [string, string], ref: string, more: object = {}) => ({
  type: 'media',
  kind,
  mimeType,
  ref,
  state: 'pending',
  ...more,
});
const result = (name: string, msgId: string, more: object) =>
  ({
    kind: 'receipt',
    dedupeKey: `event:${openid}:1409735668:${name}:${msgId}:`,
    externalId: msgId,
    occurredAt: '2014-09-03T09:14:28.000Z',
    ...more,
  }) as InboundEventInput;
const inbound: readonly [string, InboundEventInput][] = [
  ['text', message(0, { type: 'text', text: '报表导不出来 👋 🙂 <b>&amp;</b>' })],
  ['menu-answer', { ...message(1, { type: 'choice', optionId: '101', label: '满意' }), ...short } as InboundEventInput],
  ['not-handed-out', message(2, { type: 'unsupported', providerType: 'text:not handed out by WeChat' })],
  ['image', message(3, held(['image', 'image/jpeg'], 'nDcxz2oo_image http://mmbiz.qpic.cn/mmbiz_jpg/abc/0'))],
  ['voice', message(4, held(['voice', 'audio/amr'], 'nDcxz2oo_voice', { caption: '请问什么时候发货？' }))],
  ['video', message(5, held(['video', 'video/mp4'], 'nDcxz2oo_video'))],
  ['shortvideo', message(6, held(['video', 'video/mp4'], 'nDcxz2oo_short'))],
  ['location', message(7, { type: 'location', latitude: 23.134521, longitude: 113.358803, name: '广州市天河区' })],
  [
    'link',
    message(8, {
      type: 'link',
      url: 'https://mp.weixin.qq.com/s?__biz=1&mid=2',
      title: '公众平台官网链接',
      description: '说明',
    }),
  ],
  ['future', message(9, { type: 'unsupported', providerType: 'hologram' })],
  [
    'subscribe',
    { kind: 'opted-in', ...common(`event:${openid}:1409735668:subscribe::`), reason: 'subscribed', ...short },
  ],
  [
    'subscribe-scene',
    {
      kind: 'opted-in',
      ...common(`event:${openid}:1409735668:subscribe::qrscene_123123`),
      reason: 'subscribed by QR code, scene 123123',
      ...short,
    },
  ],
  [
    'unsubscribe',
    {
      kind: 'opted-out',
      ...common(`event:${openid}:1409735668:unsubscribe::`),
      reason: 'unsubscribed',
      untilWritten: true,
    },
  ],
  ['scan', event(['scan', 'store-7'], { type: 'unsupported', providerType: 'event:SCAN:store-7' }, short)],
  ['click', event(['click', 'TALK_TO_US'], { type: 'choice', optionId: 'TALK_TO_US', label: 'TALK_TO_US' }, short)],
  ['view', event(['view', 'https://shop.example/orders'], { type: 'link', url: 'https://shop.example/orders' })],
  ['location-event', event(['location', ''], { type: 'location', latitude: 23.137466, longitude: 113.352425 })],
  ['template-success', result('templatesendjobfinish', '3156567833284837377', { status: 'delivered' })],
  [
    'template-block',
    result('templatesendjobfinish', '3156567833284837378', {
      status: 'failed',
      failure: {
        code: 'opted-out',
        providerCode: 'failed:user block',
        message: 'the recipient takes no messages of the account',
      },
    }),
  ],
  [
    'template-failed',
    result('templatesendjobfinish', '3156567833284837379', {
      status: 'failed',
      failure: { code: 'unavailable', providerCode: 'failed: system failed', message: 'WeChat failed' },
    }),
  ],
  ['notice-sent', result('subscribe_msg_sent_event', '1700827132819554304', { status: 'delivered' })],
  [
    'scancode',
    event(['scancode_waitmsg', '6'], { type: 'unsupported', providerType: 'event:scancode_waitmsg:6:2' }, short),
  ],
  ['kf-close', event(['kf_close_session', ''], { type: 'unsupported', providerType: 'event:kf_close_session' })],
];

const photo: MediaPart = {
  type: 'media',
  kind: 'image',
  fileId: 'fil_1',
  mimeType: 'image/png',
  bytes: 70,
  state: 'ready',
};
const media = (kind: MediaPart['kind'], mimeType: string): MediaPart => ({ ...photo, kind, mimeType });
const custom = (content: object): ExpectedRequest => ({
  method: 'POST',
  path: '/cgi-bin/message/custom/send',
  query: { access_token: 'ACCESS_TOKEN' },
  json: { touser: openid, ...content },
});
const card = (url: string): Part => ({
  type: 'card',
  title: '春装',
  text: '新到',
  media: photo,
  actions: [{ label: '看看', url }],
});
const MINI = 'weixin://dl/business/?appid=wx0123456789abcdef&path=pages/order&query=id%3D7';

const provider = ({ path }: LoggedRequest) => {
  if (path === '/cgi-bin/stable_token') return { body: { access_token: 'ACCESS_TOKEN', expires_in: 7_200 } };
  if (path === '/cgi-bin/media/upload') return { body: { type: 'image', media_id: 'MEDIA_ID', created_at: 1 } };
  if (path === '/cgi-bin/media/uploadimg') return { body: { url: 'https://mmbiz.qpic.cn/1' } };
  if (path === '/cgi-bin/message/template/send')
    return { body: '{"errcode":0,"errmsg":"ok","msgid":3156567833284837377}' };
  return { body: { errcode: 0, errmsg: 'ok' } };
};

const subject: ChannelSubject<WechatOfficialConfig> = {
  adapter: wechatOfficial,
  now,
  accounts: [
    { id: 'shop', config: (base) => ({ ...safe, apiBase: base }) },
    { id: 'club', config: (base) => ({ ...other, apiBase: base }) },
  ],
  sign,
  inbound: [
    {
      name: 'test of the address',
      request: fixture('verify'),
      challenge: { status: 200, body: '5875293106548709742' },
    },
    ...inbound.map(([name, expected]) => ({
      name,
      request: fixture(name),
      events: [expected],
      reply: { status: 200, body: 'success' },
    })),
  ],
  twins: [
    fixture('image'),
    { ...fixture('image'), body: Buffer.from(fixture('image').body.toString().replace(id(3), id(33))) },
  ],
  outbound: [
    {
      name: 'a text, in UTF-8',
      message: { parts: [{ type: 'text', text: '你好 "👋"\n\u0007' }] },
      requests: [
        {
          ...custom({ msgtype: 'text', text: { content: '你好 "👋"\n' } }),
          body: `{"touser":"${openid}","msgtype":"text","text":{"content":"你好 \\"👋\\"\\n"}}`,
        },
      ],
      externalIds: [['unt_conformance0']],
    },
    {
      name: 'choices as a menu',
      message: { parts: [{ type: 'choices', text: '满意吗？', options: [{ id: '101', label: '满意' }] }] },
      requests: [
        custom({
          msgtype: 'msgmenu',
          msgmenu: { head_content: '满意吗？', list: [{ id: '101', content: '满意' }], tail_content: '' },
        }),
      ],
    },
    {
      name: 'a link as an article',
      message: {
        parts: [
          { type: 'link', url: 'https://shop.example', title: '店', description: '开门', thumbnailUrl: 'https://i/1' },
          { type: 'link', url: 'https://shop.example/2' },
        ],
      },
      requests: [
        custom({
          msgtype: 'news',
          news: {
            articles: [{ title: '店', description: '开门', url: 'https://shop.example', picurl: 'https://i/1' }],
          },
        }),
        custom({
          msgtype: 'news',
          news: { articles: [{ title: 'https://shop.example/2', description: '', url: 'https://shop.example/2' }] },
        }),
      ],
    },
    {
      name: 'cards as an article and as a page of a mini program',
      message: { parts: [card('https://shop.example/spring'), card(MINI)] },
      requests: [
        custom({
          msgtype: 'news',
          news: {
            articles: [
              {
                title: '春装',
                description: '新到',
                url: 'https://shop.example/spring',
                picurl: 'https://mmbiz.qpic.cn/1',
              },
            ],
          },
        }),
        custom({
          msgtype: 'miniprogrampage',
          miniprogrampage: {
            title: '春装',
            appid: 'wx0123456789abcdef',
            pagepath: 'pages/order?id=7',
            thumb_media_id: 'MEDIA_ID',
          },
        }),
      ],
    },
    {
      name: 'files, uploaded',
      message: {
        parts: [photo, media('voice', 'audio/amr'), media('audio', 'audio/mpeg'), media('video', 'video/mp4')],
      },
      requests: [
        custom({ msgtype: 'image', image: { media_id: 'MEDIA_ID' } }),
        custom({ msgtype: 'voice', voice: { media_id: 'MEDIA_ID' } }),
        custom({ msgtype: 'voice', voice: { media_id: 'MEDIA_ID' } }),
        custom({ msgtype: 'video', video: { media_id: 'MEDIA_ID', thumb_media_id: 'MEDIA_ID' } }),
      ],
    },
    {
      name: 'a template message, whose id has 64 bits',
      message: { parts: [{ type: 'template', name: 'TPL', values: { thing1: '茶', url: 'https://shop.example/7' } }] },
      requests: [
        {
          path: '/cgi-bin/message/template/send',
          json: {
            touser: openid,
            template_id: 'TPL',
            client_msg_id: 'unt_conformance0',
            url: 'https://shop.example/7',
            data: { thing1: { value: '茶' } },
          },
        },
      ],
      externalIds: [['3156567833284837377']],
    },
    {
      name: 'a notice that opens a mini program',
      message: { parts: [{ type: 'template', name: 'subscribe:TPL', values: { time2: '9:30', url: MINI } }] },
      requests: [
        {
          path: '/cgi-bin/message/subscribe/bizsend',
          json: {
            touser: openid,
            template_id: 'TPL',
            data: { time2: { value: '9:30' } },
            miniprogram: { appid: 'wx0123456789abcdef', pagepath: 'pages/order?id=7' },
          },
        },
      ],
    },
  ],
  provider,
  isSend: ({ path }) => path.startsWith('/cgi-bin/message/') && !path.endsWith('/typing'),
  refusals: (
    [
      [-1, 'unavailable'],
      [40003, 'recipient-gone'],
      [40007, 'content-refused'],
      [40164, 'unauthorized'],
      [43004, 'opted-out'],
      [43101, 'window-closed'],
      [45002, 'content-refused'],
      [45009, 'throttled'],
      [45011, 'throttled'],
      [45015, 'window-closed'],
      [45047, 'window-closed'],
      [48001, 'content-refused'],
      [99999, 'content-refused'],
    ] as const
  ).map(([errcode, code]) => ({ name: `errcode ${errcode}`, answer: { body: { errcode, errmsg: 'no' } }, code })),
};

conformance(subject);

const { webhook } = wechatOfficial.ingress;
const take = (request: RawRequest, config: object, at = now) => {
  if (!webhook) throw new Error('there is no webhook');
  const ctx = { accountId: 'a', config: wechatOfficial.config.parse(config), publicUrl: '', now };
  return receive(webhook, sign(request, { ...ctx, now: at }), ctx);
};
const text = (more: Record<string, string | number> = {}): RawRequest =>
  rawRequest({
    body: xmlOf({
      FromUserName: openid,
      CreateTime: 1_409_735_668,
      MsgType: 'text',
      Content: 'hi',
      MsgId: '1',
      ...more,
    }),
  });

describe('settings', () => {
  it('want the EncodingAESKey unless messages are plain', () => {
    const { encodingAESKey: _, ...without } = safe;
    expect(wechatOfficial.config.safeParse(without).success).toBe(false);
    expect(wechatOfficial.config.safeParse({ ...without, mode: 'plain' }).success).toBe(true);
  });

  it.each([
    ['appId', 'wx'],
    ['token', 'a b c'],
    ['token', 'ab'],
    ['encodingAESKey', 'short'],
    ['windowMessages', 0],
  ])('refuse %s %j', (name, value) =>
    expect(wechatOfficial.config.safeParse({ ...safe, [name]: value }).success).toBe(false),
  );

  it('decide the window and the menus of an account', () => {
    const able = (config: object) => wechatOfficial.capabilitiesOf?.(wechatOfficial.config.parse(config));
    const initiate = [`wechat-openid/${safe.appId}`];
    expect(able(safe)).toEqual({ ...wechatOfficial.capabilities, initiate });
    expect(able({ ...safe, windowHours: 24, windowMessages: 20, menus: false })).toMatchObject({
      window: { hours: 24, messages: 20 },
      choices: { level: 'fallback' },
    });
  });
});

describe('modes', () => {
  const plain = { ...safe, mode: 'plain' };

  it('takes plain messages in plaintext mode only', () => {
    expect(take(text(), plain)).toMatchObject({ kind: 'parsed', parsed: { events: [{ dedupeKey: 'message:1' }] } });
    const { query, body } = sign(text(), { config: wechatOfficial.config.parse(plain), now });
    for (const mode of ['safe', 'compatible']) {
      const ctx = { accountId: 'a', config: wechatOfficial.config.parse({ ...safe, mode }), publicUrl: '', now };
      expect(webhook && receive(webhook, { ...text(), query, body }, ctx).kind).toBe('reject');
      const copied = new URLSearchParams(query);
      copied.set('msg_signature', query.get('signature') ?? '');
      expect(webhook && receive(webhook, { ...text(), query: copied, body }, ctx).kind).toBe('reject');
    }
  });

  it('believes only the encrypted message in compatible mode', () => {
    const compatible = { ...safe, mode: 'compatible' };
    const config = wechatOfficial.config.parse(compatible);
    const genuine = sign(text(), { config, now });
    const body = Buffer.from(genuine.body.toString().replace('<![CDATA[hi]]>', '<![CDATA[forged]]>'));
    expect(body.equals(genuine.body)).toBe(false);
    const ctx = { accountId: 'a', config, publicUrl: '', now };
    expect(webhook && receive(webhook, { ...genuine, body }, ctx)).toMatchObject({
      parsed: { events: [{ parts: [{ type: 'text', text: 'hi' }] }] },
    });
  });

  it('says so where messages come encrypted to a plain account', () => {
    const genuine = sign(text(), { config: wechatOfficial.config.parse(safe), now });
    const ctx = { accountId: 'a', config: wechatOfficial.config.parse(plain), publicUrl: '', now };
    expect(() => webhook && receive(webhook, genuine, ctx)).toThrow(/set the mode/);
  });

  it.each([-301_000, 301_000])('refuses a signature that is %i ms off', (off) => {
    expect(take(text(), safe, now + off).kind).toBe('reject');
    expect(take(text(), safe, now + off * 0.99).kind).toBe('parsed');
  });
});

describe('events', () => {
  const keyOf = (more: Record<string, string | number>) => {
    const received = take(text({ MsgType: 'event', ...more }), { ...safe, mode: 'plain' });
    if (received.kind !== 'parsed') throw new Error(received.kind);
    return (received.parsed.events[0] as { dedupeKey: string }).dedupeKey;
  };

  it('are told apart by person, second, name and key', () => {
    const keys = (<Record<string, string | number>[]>[
      { Event: 'CLICK', EventKey: 'a' },
      { Event: 'CLICK', EventKey: 'b' },
      { Event: 'SCAN', EventKey: 'a' },
      { Event: 'CLICK', EventKey: 'a', CreateTime: 1_409_735_669 },
      { Event: 'CLICK', EventKey: 'a', FromUserName: 'somebody' },
      { Event: 'VIEW', EventKey: `https://a/${'x'.repeat(1_000)}1` },
      { Event: 'VIEW', EventKey: `https://a/${'x'.repeat(1_000)}2` },
    ]).map(keyOf);
    expect(new Set(keys).size).toBe(keys.length);
    expect(Math.max(...keys.map(({ length }) => length))).toBeLessThanOrEqual(500);
    expect(keyOf({ Event: 'click', EventKey: 'a' })).toBe(keys[0]);
  });

  it.each([
    ['CLICK', { seconds: 120, messages: 1 }],
    ['scancode_push', { seconds: 120, messages: 1 }],
    ['SCAN', { seconds: 120, messages: 1 }],
    ['subscribe', { seconds: 120, messages: 1 }],
    ['VIEW', undefined],
    ['LOCATION', undefined],
    ['unsubscribe', undefined],
    ['pic_weixin', undefined],
  ])('%s can be answered as the settings say: %j', (Event, window) => {
    const settings = { ...safe, mode: 'plain', actionSeconds: 120, actionMessages: 1 };
    const taken = take(text({ MsgType: 'event', Event, EventKey: 'a', Latitude: 1, Longitude: 2 }), settings);
    if (taken.kind !== 'parsed') throw new Error(taken.kind);
    expect((taken.parsed.events[0] as { window?: object }).window).toEqual(window);
  });

  it('need somebody who did it', () => {
    expect(() => take(text({ FromUserName: '' }), { ...safe, mode: 'plain' })).toThrow(MalformedRequest);
  });
});

describe('cards', () => {
  it.each([
    ['one thing to open', card('https://a'), true],
    ['a page of a mini program without a picture', { ...card(MINI), media: undefined }, false],
    ['nothing to open', { ...card(''), actions: [] }, false],
    [
      'two things',
      {
        ...card(''),
        actions: [
          { label: 'a', url: 'https://a' },
          { label: 'b', url: 'https://b' },
        ],
      },
      false,
    ],
    ['a button of ours', { ...card(''), actions: [{ label: 'a', id: 'a' }] }, false],
    ['a film', { ...card('https://a'), media: media('video', 'video/mp4') }, false],
  ])('with %s', (_what, part, native) => expect(wechatOfficial.native?.(part as Part)).toBe(native));
});

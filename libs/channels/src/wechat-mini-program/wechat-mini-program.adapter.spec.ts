import { describe, expect, it } from '@jest/globals';
import type { InboundEventInput, MediaPart, Part } from '#normalizer';
import { receive, type RawRequest } from '#transport';
import {
  conformance,
  fileUrl,
  loadFixture,
  sealed,
  type ChannelSubject,
  type ExpectedRequest,
  type LoggedRequest,
} from '../testing/index.js';
import { guardOf } from '../wechat/app-settings.js';
import { wechatMiniProgram } from './wechat-mini-program.adapter.js';
import type { WechatMiniProgramConfig } from './wechat-mini-program.config.js';

const now = Date.parse('2026-11-21T09:30:00Z');
const fixture = (name: string): RawRequest => loadFixture(new URL(`./fixtures/${name}.json`, import.meta.url));
const openid = 'oGZUI0egBJY1zhBYw2KhdUfwVJJE';
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
  { config, now: at }: { readonly config: WechatMiniProgramConfig; readonly now: number },
): RawRequest => sealed(request, { ...guardOf(config), compatible: config.mode === 'compatible' }, at);

const at = '2016-12-18T08:11:10.000Z';
const common = (dedupeKey: string) => ({
  dedupeKey,
  thread: openid,
  sender: { handles: [{ scheme: 'wechat-openid', scope: safe.appId, value: openid }] },
  occurredAt: at,
});
const id = (n: number): string => String(6_054_768_590_064_713_728n + BigInt(n));
const message = (n: number, part: object) =>
  ({ kind: 'message', ...common(`message:${id(n)}`), parts: [part], externalIds: [id(n)] }) as InboundEventInput;
const event = (name: string, part: object, more: object = {}) =>
  ({
    kind: 'message',
    ...common(`event:${openid}:1482048670:${name}::`),
    parts: [part],
    automated: true,
    ...more,
  }) as InboundEventInput;
const entered = (part: object) => event('user_enter_tempsession', part, { window: { seconds: 60, messages: 2 } });
const result = (msgId: string, more: object) =>
  ({
    kind: 'receipt',
    dedupeKey: `event:${openid}:1482048670:subscribe_msg_sent_event:${msgId}:`,
    externalId: msgId,
    occurredAt: at,
    ...more,
  }) as InboundEventInput;
const held = (ref: string) => ({ type: 'media', kind: 'image', mimeType: 'image/jpeg', ref, state: 'pending' });
const ORDER = 'weixin://dl/business/?appid=wx2c2769f8efd9abc2&path=pages%2Forder%2Findex&query=id%3D7%26from%3Dlist';
const inbound: readonly [string, InboundEventInput][] = [
  ['text', message(0, { type: 'text', text: '这个订单怎么退？🌹' })],
  ['text-xml', message(1, { type: 'text', text: '同一条，XML' })],
  ['image', message(2, held('hKG9ZfN7_image http://mmbiz.qpic.cn/mini/0'))],
  [
    'page',
    message(3, {
      type: 'card',
      title: '我的订单',
      media: held('hKG9ZfN7_thumb http://mmbiz.qpic.cn/thumb/0'),
      actions: [{ label: '我的订单', url: ORDER }],
    }),
  ],
  ['page-bare', message(4, { type: 'card', title: 'Mini program', actions: [] })],
  ['enter', entered({ type: 'choice', optionId: 'user_enter_tempsession', label: 'order-7' })],
  ['enter-bare', entered({ type: 'unsupported', providerType: 'event:user_enter_tempsession' })],
  ['notice-sent', result('1864323726461255680', { status: 'delivered' })],
  [
    'notice-refused',
    result('1864323726461255681', {
      status: 'failed',
      failure: {
        code: 'opted-out',
        providerCode: '1 user block',
        message: 'the recipient takes no messages of the account',
      },
    }),
  ],
  [
    'notice-changed',
    event('subscribe_msg_change_event', { type: 'unsupported', providerType: 'event:subscribe_msg_change_event' }),
  ],
  ['future', message(5, { type: 'unsupported', providerType: 'hologram' })],
];

const photo: MediaPart = {
  type: 'media',
  kind: 'image',
  fileId: 'fil_1',
  mimeType: 'image/png',
  bytes: 70,
  state: 'ready',
};
const custom = (content: object): ExpectedRequest => ({
  method: 'POST',
  path: '/cgi-bin/message/custom/send',
  query: { access_token: 'ACCESS_TOKEN' },
  json: { touser: openid, ...content },
});
const card = (url: string, more: object = {}): Part => ({
  type: 'card',
  title: '订单',
  media: photo,
  actions: [{ label: '看看', url }],
  ...more,
});
const provider = ({ path }: LoggedRequest) => {
  if (path === '/cgi-bin/stable_token') return { body: { access_token: 'ACCESS_TOKEN', expires_in: 7_200 } };
  if (path === '/cgi-bin/media/upload') return { body: { type: 'image', media_id: 'MEDIA_ID', created_at: 1 } };
  if (path.endsWith('/subscribe/send')) return { body: '{"errcode":0,"errmsg":"ok","msgid":1864323726461255680}' };
  return { body: { errcode: 0, errmsg: 'ok' } };
};

const subject: ChannelSubject<WechatMiniProgramConfig> = {
  adapter: wechatMiniProgram,
  now,
  accounts: [
    { id: 'mini', config: (base) => ({ ...safe, apiBase: base }) },
    { id: 'game', config: (base) => ({ ...other, apiBase: base }) },
  ],
  sign,
  inbound: [
    {
      name: 'test of the address',
      request: fixture('verify'),
      challenge: { status: 200, body: '4375120948345356249' },
    },
    ...inbound.map(([name, expected]) => ({
      name,
      request: fixture(name),
      events: [expected],
      reply: { status: 200, body: 'success' },
    })),
  ],
  twins: [
    fixture('text'),
    { ...fixture('text'), body: Buffer.from(fixture('text').body.toString().replace(id(0), id(9))) },
  ],
  outbound: [
    {
      name: 'a text and a picture',
      message: { parts: [{ type: 'text', text: '请看 👇' }, photo] },
      requests: [
        custom({ msgtype: 'text', text: { content: '请看 👇' } }),
        custom({ msgtype: 'image', image: { media_id: 'MEDIA_ID' } }),
      ],
      externalIds: [['unt_conformance0'], ['unt_conformance1']],
    },
    {
      name: 'links with a picture; others as text',
      message: {
        parts: [
          { type: 'link', url: 'https://shop.example', title: '店', thumbnailUrl: 'https://i/1.png' },
          { type: 'link', url: 'https://shop.example/2' },
        ],
      },
      requests: [
        custom({
          msgtype: 'link',
          link: { title: '店', description: '', url: 'https://shop.example', thumb_url: 'https://i/1.png' },
        }),
        custom({ msgtype: 'text', text: { content: 'https://shop.example/2' } }),
      ],
    },
    {
      name: 'cards as a link and as a page',
      message: { parts: [card('https://shop.example/7', { text: '七号' }), card(ORDER)] },
      requests: [
        custom({
          msgtype: 'link',
          link: { title: '订单', description: '七号', url: 'https://shop.example/7', thumb_url: fileUrl('fil_1') },
        }),
        custom({
          msgtype: 'miniprogrampage',
          miniprogrampage: { title: '订单', pagepath: 'pages/order/index?id=7&from=list', thumb_media_id: 'MEDIA_ID' },
        }),
      ],
    },
    {
      name: 'a subscribe message, whose id has 64 bits',
      message: {
        parts: [
          { type: 'template', name: 'TPL', locale: 'en-US', values: { thing1: '茶', url: 'pages/order/index?id=7' } },
        ],
      },
      requests: [
        {
          path: '/cgi-bin/message/subscribe/send',
          json: {
            touser: openid,
            template_id: 'TPL',
            miniprogram_state: 'formal',
            lang: 'en_US',
            page: 'pages/order/index?id=7',
            data: { thing1: { value: '茶' } },
          },
        },
      ],
      externalIds: [['1864323726461255680']],
    },
    {
      name: 'a subscribe message that opens nothing, or a link into this mini program',
      message: {
        parts: [
          { type: 'template', name: 'TPL', locale: 'fr', values: {} },
          { type: 'template', name: 'TPL', values: { url: ORDER } },
        ],
      },
      requests: [
        {
          path: '/cgi-bin/message/subscribe/send',
          json: { touser: openid, template_id: 'TPL', miniprogram_state: 'formal', data: {} },
        },
        {
          path: '/cgi-bin/message/subscribe/send',
          json: {
            touser: openid,
            template_id: 'TPL',
            miniprogram_state: 'formal',
            data: {},
            page: 'pages/order/index?id=7&from=list',
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
      [43101, 'window-closed'],
      [45015, 'window-closed'],
      [45047, 'window-closed'],
      [47003, 'content-refused'],
      [48001, 'content-refused'],
    ] as const
  ).map(([errcode, code]) => ({ name: `errcode ${errcode}`, answer: { body: { errcode, errmsg: 'no' } }, code })),
};

conformance(subject);

describe('a mini program', () => {
  it('takes plain JSON in plaintext mode only, and says so where it comes encrypted', () => {
    const { webhook } = wechatMiniProgram.ingress;
    if (!webhook) throw new Error('there is no webhook');
    const context = (mode: string) => {
      const config = wechatMiniProgram.config.parse({ ...safe, mode });
      return { accountId: 'a', config, publicUrl: '', now };
    };
    const plain = sign(fixture('text'), context('plain'));
    expect(receive(webhook, plain, context('plain')).kind).toBe('parsed');
    for (const mode of ['safe', 'compatible']) expect(receive(webhook, plain, context(mode)).kind).toBe('reject');
    expect(() => receive(webhook, sign(fixture('text'), context('safe')), context('plain'))).toThrow(/set the mode/);
  });

  it.each([
    ['a link without a picture', { type: 'link', url: 'https://a' }, false],
    ['a card without a picture', card('https://a', { media: undefined }), false],
    ['a card with two things', card('', { actions: [{ label: 'a', url: 'https://a' }, { label: 'b' }] }), false],
    ['a card with a button of ours', card('', { actions: [{ label: 'a', id: 'a' }] }), false],
    ['a picture', photo, true],
  ])('sends as it is: %s: %#', (_what, part, native) => expect(wechatMiniProgram.native?.(part as Part)).toBe(native));

  it('can be answered for as long, and as often, as its settings say after somebody came', () => {
    const { webhook } = wechatMiniProgram.ingress;
    const config = wechatMiniProgram.config.parse({ ...safe, actionSeconds: 120, actionMessages: 1 });
    const context = { accountId: 'a', config, publicUrl: '', now };
    expect(receive(webhook!, sign(fixture('enter'), context), context)).toMatchObject({
      parsed: { events: [{ window: { seconds: 120, messages: 1 } }] },
    });
  });

  it('sends no page of another mini program', async () => {
    const unit = { parts: [card(ORDER.replace(safe.appId, other.appId))], thread: { externalId: openid } };
    const ctx = { config: wechatMiniProgram.config.parse(safe) };
    await expect(wechatMiniProgram.send?.(unit as never, ctx as never)).rejects.toMatchObject({
      code: 'content-refused',
    });
  });
});

import { readFileSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';
import type { InboundEventInput, MediaPart, Part } from '#normalizer';
import { receive, type RawRequest } from '#transport';
import {
  conformance,
  loadFixture,
  sealed,
  type ChannelSubject,
  type ExpectedRequest,
  type LoggedRequest,
} from '../testing/index.js';
import { wecomKf } from './wecom-kf.adapter.js';
import { guardOf, type WecomKfConfig } from './wecom-kf.config.js';

const now = Date.parse('2026-11-21T09:30:00Z');
const at = (name: string): URL => new URL(`./fixtures/${name}.json`, import.meta.url);
const fixture = (name: string): RawRequest => loadFixture(at(name));
const page = (name: string): string => readFileSync(at(name), 'utf8');
const openKfId = 'wkAJ2GCAAAZSfhHCt7IFSvLKtMPxyJTw';
const customer = 'wmAJ2GCAAAme1XQRC-NI-q0_ZM9ukoAw';
const shop = {
  corpId: 'ww1a2b3c4d5e6f7890',
  secret: 'EjtZ3mjoKCJ1YZgAWsKTYdZfBDpqmmFmbKlOl3AjzCs',
  token: 'QDG6eK',
  encodingAESKey: 'jWmYm7qr5nMoAUwZRjGtBxmz3KA1tkAj3ykkR6q2B2C',
  openKfId,
};
const club = {
  corpId: 'wx5823bf96d3bd56c7',
  secret: 'KlOl3AjzCsEjtZ3mjoKCJ1YZgAWsKTYdZfBDpqmmFmb',
  token: 'pamtest',
  encodingAESKey: 'kWxPEV2UEDyxWpmPdKC3F4dgPDmOvfKX1HGnEUDS1aR',
  openKfId: 'wkBBBB',
};

const common = (n: number, name?: string) => ({
  dedupeKey: `message:4A3sXDLs9ME2iLEeNJFi${String(n).padStart(2, '0')}`,
  thread: customer,
  sender: {
    handles: [{ scheme: 'wecom-external-userid', scope: shop.corpId, value: customer }],
    ...(name && { name }),
  },
  occurredAt: new Date((1_615_478_585 + n) * 1_000).toISOString(),
});
const idOf = (n: number) => ({ externalIds: [`4A3sXDLs9ME2iLEeNJFi${String(n).padStart(2, '0')}`] });
const message = (n: number, part: object, more: object = {}) =>
  ({ kind: 'message', ...common(n), ...idOf(n), parts: [part], ...more }) as InboundEventInput;
const agents = (n: number, part: object) =>
  ({ kind: 'message', ...common(n, 'zhangsan'), ...idOf(n), from: 'agent', parts: [part] }) as InboundEventInput;
const automated = (n: number, part: object, more: object = {}) => message(n, part, { automated: true, ...more });
const held = ([kind, mimeType]: readonly [string, string], ref: string) =>
  ({ type: 'media', kind, mimeType, ref, state: 'pending' }) as MediaPart;
const picture = (ref: string) => held(['image', 'image/jpeg'], ref);
const failed = (n: number, externalId: string, failure: object) => {
  const { dedupeKey, occurredAt } = common(n);
  return { kind: 'receipt', dedupeKey, occurredAt, externalId, status: 'failed', failure } as InboundEventInput;
};

const MESSAGES: readonly InboundEventInput[] = [
  message(1, { type: 'text', text: '报表导不出来 👋 🙂' }),
  message(2, { type: 'choice', optionId: '101', label: '满意' }),
  message(3, picture('2iSLeVyqzk4eX0IB5kTi9Ljfa2rt9dwfq5WKRQ4Nvvgw')),
  message(4, held(['voice', 'audio/amr'], 'VOICE_ID')),
  message(5, held(['video', 'video/mp4'], 'VIDEO_ID')),
  message(6, held(['file', 'application/octet-stream'], 'FILE_ID')),
  message(7, {
    type: 'location',
    latitude: 23.106021881103501,
    longitude: 113.320503234863,
    name: '广州国际媒体港(广州市海珠区)',
    address: '广东省广州市海珠区滨江东路',
  }),
  message(8, {
    type: 'link',
    url: 'https://shop.example/7',
    title: 'TITLE',
    description: 'DESC',
    thumbnailUrl: 'http://wework.qpic.cn/1',
  }),
  message(9, { type: 'contact-card', name: 'lisi', handles: [{ scheme: 'wecom-userid', value: 'lisi' }] }),
  message(10, {
    type: 'card',
    title: '我的订单',
    media: picture('THUMB_ID'),
    actions: [
      {
        label: '我的订单',
        url: 'weixin://dl/business/?appid=wx0123456789abcdef&path=pages%2Forder&query=id%3D7',
      },
    ],
  }),
  message(11, {
    type: 'card',
    title: '春装',
    text: '¥99.00\n小店\n100001',
    media: picture(' https://example.com/p.jpg'),
    actions: [],
  }),
  message(12, {
    type: 'card',
    title: '春装',
    text: '￥99.00\n待发货\n小店\n200001',
    media: picture(' https://example.com/o.jpg'),
    actions: [],
  }),
  message(13, { type: 'text', text: '张三和李四的聊天记录\n张三: 发货了吗\n李四: [image]' }),
  message(14, { type: 'card', title: '新品发布', text: '视频号', actions: [] }),
  message(15, { type: 'unsupported', providerType: 'meeting' }),
  message(16, { type: 'unsupported', providerType: 'note' }),
];

const AGENT: readonly InboundEventInput[] = [
  agents(17, { type: 'text', text: '您好，我是张三' }),
  agents(18, {
    type: 'choices',
    text: '您对本次服务是否满意呢? \n欢迎再次光临',
    options: [
      { id: '101', label: '满意' },
      { id: '102', label: '不满意' },
    ],
  }),
  agents(19, { type: 'text', text: '更多：\n人工\n点击跳转 https://work.weixin.qq.com\n小程序\n纯文本' }),
  automated(20, { type: 'text', text: '系统消息' }, { from: 'agent' }),
];

const WINDOW = 'the customer has not written within the reply window';
const EVENTS: readonly InboundEventInput[] = [
  automated(
    21,
    { type: 'choice', optionId: 'enter_session', label: 'from%3Dorder' },
    { metadata: { scene: '123', sceneParam: 'from%3Dorder' } },
  ),
  automated(22, { type: 'unsupported', providerType: 'event:enter_session' }),
  failed(23, 'unt_0197f2d8a0b07c3e8f1122334455aabb', {
    code: 'window-closed',
    providerCode: 'fail_type 4',
    message: WINDOW,
  }),
  failed(24, 'SOMEBODY_ELSES', {
    code: 'opted-out',
    providerCode: 'fail_type 10',
    message: 'the customer takes no messages of the account',
  }),
  automated(26, { type: 'unsupported', providerType: 'event:session_status_change:2:lisi' }),
  { kind: 'deleted', ...common(27), externalId: 'AZUS3nsFE5b48MhaA4NxaBg6gN' },
  { kind: 'deleted', ...common(28), externalId: 'AZUS3nsFE5b48MhaA4NxaBg6gO' },
  automated(29, { type: 'unsupported', providerType: 'event:reject_customer_msg_switch_change:1' }),
];

const provider = ({ path }: LoggedRequest) => {
  if (path === '/cgi-bin/gettoken')
    return { body: { errcode: 0, errmsg: 'ok', access_token: 'ACCESS_TOKEN', expires_in: 7_200 } };
  if (path === '/cgi-bin/media/upload')
    return { body: { errcode: 0, errmsg: '', type: 'image', media_id: 'MEDIA_ID', created_at: '1380000000' } };
  if (path === '/cgi-bin/kf/account/list')
    return { body: { errcode: 0, errmsg: 'ok', account_list: [{ open_kfid: openKfId }, { open_kfid: 'wkBBBB' }] } };
  if (path === '/cgi-bin/kf/service_state/trans') return { body: { errcode: 0, errmsg: 'ok', msg_code: 'MSG_CODE' } };
  return { body: { errcode: 0, errmsg: 'ok', msgid: 'MSG_ID' } };
};
const answering = (name: string) => (request: LoggedRequest) =>
  request.path === '/cgi-bin/kf/sync_msg' ? { body: page(name) } : provider(request);

const photo: MediaPart = {
  type: 'media',
  kind: 'image',
  fileId: 'fil_1',
  mimeType: 'image/png',
  bytes: 70,
  state: 'ready',
};
const media = (kind: MediaPart['kind'], mimeType: string): MediaPart => ({ ...photo, kind, mimeType });
const sent = (content: object, index = 0): ExpectedRequest => ({
  method: 'POST',
  path: '/cgi-bin/kf/send_msg',
  query: { access_token: 'ACCESS_TOKEN' },
  json: { touser: customer, open_kfid: openKfId, msgid: `conformance${index}`, ...content },
});
const card = (over: object): Part => ({ type: 'card', title: '春装', actions: [], ...over }) as Part;
const MINI = 'weixin://dl/business/?appid=wx0123456789abcdef&path=pages/order&query=id%3D7';
const template = (name: string, values: Record<string, string>): Part => ({ type: 'template', name, values });
const change = (state: number, more: object = {}): ExpectedRequest => ({
  path: '/cgi-bin/kf/service_state/trans',
  json: { open_kfid: openKfId, external_userid: customer, service_state: state, ...more },
});

const subject: ChannelSubject<WecomKfConfig> = {
  adapter: wecomKf,
  now,
  accounts: [
    { id: 'kf', config: (base) => ({ ...shop, apiBase: base }) },
    { id: 'club', config: (base) => ({ ...club, apiBase: base }) },
  ],
  sign: (request, { config, now: when }) => sealed(request, guardOf(config), when),
  inbound: [
    {
      name: 'test of the address',
      request: fixture('verify'),
      challenge: { status: 200, body: '1616140317555161061' },
    },
    ...['doorbell', 'doorbell-of-another', 'account-added'].map((name) => ({
      name,
      request: fixture(name),
      events: [],
      reply: { status: 200 },
    })),
  ],
  polls: [
    { name: 'messages', cursor: null, provider: answering('messages'), events: MESSAGES, next: `${openKfId}:4gw7MepFLfgF2VC5npN` },
    { name: 'what agents write in WeCom', cursor: `${openKfId}:A`, provider: answering('agent'), events: AGENT, next: `${openKfId}:AGENT` },
    { name: 'events', cursor: `${openKfId}:B`, provider: answering('events'), events: EVENTS, next: `${openKfId}:EVENTS` },
    { name: 'an empty page', cursor: `${openKfId}:C`, provider: answering('empty'), events: [], next: `${openKfId}:BEHIND_NOTHING` },
  ], // prettier-ignore
  twins: [fixture('doorbell'), fixture('doorbell')],
  outbound: [
    {
      name: 'a text, in UTF-8',
      message: { parts: [{ type: 'text', text: '你好 "👋"\n\u0007' }] },
      requests: [
        {
          ...sent({ msgtype: 'text', text: { content: '你好 "👋"\n' } }),
          body: `{"touser":"${customer}","open_kfid":"${openKfId}","msgid":"conformance0","msgtype":"text","text":{"content":"你好 \\"👋\\"\\n"}}`,
        },
      ],
      externalIds: [['unt_conformance0']],
    },
    {
      name: 'choices as a menu',
      message: { parts: [{ type: 'choices', text: '满意吗？', options: [{ id: '101', label: '满意' }] }] },
      requests: [
        sent({
          msgtype: 'msgmenu',
          msgmenu: { head_content: '满意吗？', list: [{ type: 'click', click: { id: '101', content: '满意' } }] },
        }),
      ],
    },
    {
      name: 'a place',
      message: { parts: [{ type: 'location', latitude: 23.1, longitude: 113.3, name: '店', address: '路1号' }] },
      requests: [
        sent({ msgtype: 'location', location: { name: '店', address: '路1号', latitude: 23.1, longitude: 113.3 } }),
      ],
    },
    {
      name: 'a link by which to add a contact',
      message: { parts: [{ type: 'link', url: 'https://work.weixin.qq.com/ca/abc' }] },
      requests: [sent({ msgtype: 'ca_link', ca_link: { link_url: 'https://work.weixin.qq.com/ca/abc' } })],
    },
    {
      name: 'cards as a link, as a page of a mini program and as a menu',
      message: {
        parts: [
          card({ text: '新到', media: photo, actions: [{ label: '看看', url: 'https://shop.example/spring' }] }),
          card({ media: photo, actions: [{ label: '看看', url: MINI }] }),
          card({
            text: '新到',
            actions: [
              { label: '看看', url: 'https://shop.example/spring' },
              { label: '订单', url: MINI },
              { label: '人工', id: 'human' },
            ],
          }),
        ],
      },
      requests: [
        sent({
          msgtype: 'link',
          link: { title: '春装', desc: '新到', url: 'https://shop.example/spring', thumb_media_id: 'MEDIA_ID' },
        }),
        sent(
          {
            msgtype: 'miniprogram',
            miniprogram: {
              appid: 'wx0123456789abcdef',
              title: '春装',
              thumb_media_id: 'MEDIA_ID',
              pagepath: 'pages/order.html?id=7',
            },
          },
          1,
        ),
        sent(
          {
            msgtype: 'msgmenu',
            msgmenu: {
              head_content: '春装\n新到',
              list: [
                { type: 'view', view: { url: 'https://shop.example/spring', content: '看看' } },
                {
                  type: 'miniprogram',
                  miniprogram: { appid: 'wx0123456789abcdef', pagepath: 'pages/order.html?id=7', content: '订单' },
                },
                { type: 'click', click: { id: 'human', content: '人工' } },
              ],
            },
          },
          2,
        ),
      ],
    },
    {
      name: 'files, uploaded',
      message: {
        parts: [photo, media('voice', 'audio/amr'), media('video', 'video/mp4'), media('file', 'application/pdf')],
      },
      requests: ['image', 'voice', 'video', 'file'].map((msgtype, i) =>
        sent({ msgtype, [msgtype]: { media_id: 'MEDIA_ID' } }, i),
      ),
    },
    {
      name: 'a session given to an agent, with words',
      message: { parts: [template('session:servicer', { servicer: 'zhangsan', text: '张三马上为您服务' })] },
      requests: [
        change(3, { servicer_userid: 'zhangsan' }),
        {
          path: '/cgi-bin/kf/send_msg_on_event',
          json: { code: 'MSG_CODE', msgid: 'conformance0', msgtype: 'text', text: { content: '张三马上为您服务' } },
        },
      ],
      externalIds: [['unt_conformance0']],
    },
    {
      name: 'sessions: to the API, to those who wait, ended',
      message: { parts: ['session:assistant', 'session:pool', 'session:end'].map((name) => template(name, {})) },
      requests: [change(1), change(2), change(4)],
    },
  ],
  provider,
  isSend: ({ path }) => /\/kf\/(send_msg|service_state\/trans)/.test(path),
  refusals: (
    [
      [-1, 'unavailable'],
      [40001, 'unauthorized'],
      [40003, 'recipient-gone'],
      [40096, 'recipient-gone'],
      [45002, 'content-refused'],
      [45009, 'throttled'],
      [45033, 'throttled'],
      [48002, 'content-refused'],
      [60020, 'unauthorized'],
      [95000, 'config-invalid'],
      [95001, 'window-closed'],
      [95002, 'window-closed'],
      [95013, 'window-closed'],
      [95018, 'window-closed'],
      [99999, 'content-refused'],
    ] as const
  ).map(([errcode, code]) => ({ name: `errcode ${errcode}`, answer: { body: { errcode, errmsg: 'no' } }, code })),
  waivers: [
    {
      check: 'gives two messages of the same text different dedupe keys',
      reason: 'callbacks hold no messages; the same is tested of those that are polled, below',
    },
  ],
};

conformance(subject);

const { webhook } = wecomKf.ingress;
const take = (name: string) => {
  const ctx = { accountId: 'a', config: wecomKf.config.parse(shop), publicUrl: '', now };
  return receive(webhook!, subject.sign!(fixture(name), ctx), ctx);
};

describe('callbacks', () => {
  it.each([
    ['doorbell', 'ENCApHxnGDNAVNY4AaSJKj4Tb5mwsEMzxhFmHVGcra996NR'],
    ['doorbell-of-another', undefined],
    ['account-added', undefined],
  ])('%s wakes with %s', (name, wake) => {
    const taken = take(name);
    expect(taken.kind === 'parsed' && taken.parsed).toEqual({ events: [], ...(wake && { wake }) });
  });
});

describe('settings', () => {
  it.each([
    ['corpId', 'ww'],
    ['openKfId', 'wk x'],
    ['encodingAESKey', undefined],
    ['secret', undefined],
    ['welcome', { text: '中'.repeat(342) }],
    ['farewell', { text: 'Bye', options: Array.from({ length: 11 }, String) }],
  ])('refuse %s %j', (name, value) => expect(wecomKf.config.safeParse({ ...shop, [name]: value }).success).toBe(false));

  it('decide the window', () => {
    const config = wecomKf.config.parse({ ...shop, windowHours: 24, windowMessages: 20 });
    expect(wecomKf.capabilitiesOf?.(config)).toMatchObject({ window: { hours: 24, messages: 20 } });
  });
});

describe('travels as it is', () => {
  const action = { label: 'a', url: 'https://a' };
  const link = (over: object): Part => ({ type: 'link', url: 'https://a', thumbnailUrl: 'https://i', ...over }) as Part;
  it.each<[string, Part, boolean]>([
    ['a link with a picture', link({}), true],
    ['a link without one', link({ thumbnailUrl: undefined }), false],
    ['a title of 128 bytes', link({ title: `${'中'.repeat(42)}ab` }), true],
    ['a title of 129 bytes', link({ title: '中'.repeat(43) }), false],
    ['a long description', link({ description: 'x'.repeat(513) }), false],
    ['a long question', { type: 'choices', text: 'x'.repeat(1_025), options: [{ id: 'a', label: 'a' }] }, false],
    ['a long id', { type: 'choices', text: 'x', options: [{ id: 'x'.repeat(129), label: 'a' }] }, false],
    ['a card with a picture and one link', card({ media: photo, actions: [action] }), true],
    ['with a film', card({ media: media('video', 'video/mp4'), actions: [action] }), false],
    ['with a picture and two links', card({ media: photo, actions: [action, action] }), false],
    ['with two links', card({ actions: [action, action] }), true],
    ['with nothing to tap', card({}), false],
    ['with a button that has neither', card({ actions: [{ label: 'a' }] }), false],
    ['a page of a mini program with words', card({ text: 'w', media: photo, actions: [{ label: 'a', url: MINI }] }), false],
  ])('%s: %#', (_what, part, native) => expect(wecomKf.native?.(part)).toBe(native)); // prettier-ignore
});

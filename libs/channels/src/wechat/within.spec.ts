import { describe, expect, it } from '@jest/globals';
import { parseInbound, type InboundEventInput, type InboundMessage, type Part } from '#normalizer';
import { receive } from '#transport';
import { rawRequest } from '#transport/testing';
import { wechatMiniProgram } from '../wechat-mini-program/wechat-mini-program.adapter.js';
import { wechatOfficial } from '../wechat-official/wechat-official.adapter.js';
import { eventsOf } from '../wecom-kf/wecom-kf.events.js';
import { wecomKfConfig } from '../wecom-kf/wecom-kf.config.js';
import { fieldsOf } from './json.js';
import { sealed, xmlOf } from './testing/index.js';
import { within } from './within.js';

const now = Date.parse('2026-11-21T09:30:00Z');
const app = {
  appId: 'wx2c2769f8efd9abc2',
  appSecret: 'f0e1d2c3b4a5968778695a4b3c2d1e0f',
  token: 'spamtest',
  mode: 'plain',
};
const kf = wecomKfConfig.parse({
  ...{
    corpId: 'ww1a2b3c4d5e6f7890',
    secret: 'secret',
    token: 'QDG6eK',
    encodingAESKey: 'a'.repeat(43),
    openKfId: 'wk1',
  },
});
/** A text that nothing else holds. */
const long = (length: number, name = 'x'): string => `${name}${'长'.repeat(length - 2)}!`;
const address = (length: number): string => `https://a.example/${'p'.repeat(length)}!`;

function official(fields: Record<string, string | number>, adapter = wechatOfficial): InboundMessage[] {
  const common = {
    ToUserName: 'gh_1',
    FromUserName: 'openid',
    CreateTime: 1_409_735_668,
    MsgId: '6054768590064713728',
  };
  const config = adapter.config.parse(app);
  const guard = { token: app.token, receiverId: app.appId };
  const request = sealed(rawRequest({ method: 'POST', body: xmlOf({ ...common, ...fields }) }), guard, now);
  const taken = receive(adapter.ingress.webhook!, request, {
    accountId: 'a',
    config: config as never,
    publicUrl: '',
    now,
  });
  if (taken.kind !== 'parsed') throw new Error(taken.kind);
  return taken.parsed.events.map(modelled);
}
const wecom = (item: object): InboundMessage[] =>
  eventsOf(fieldsOf({ msgid: 'M', external_userid: 'wm1', origin: 3, send_time: 1, ...item }), kf).map(modelled);
/** What the gateway stores of it; what it would set aside is a fault. */
const modelled = (event: InboundEventInput) => parseInbound(event) as InboundMessage;
const partsOf = (messages: readonly InboundMessage[]): Part[] => messages.flatMap(({ parts }) => parts);
const textsIn = (parts: readonly Part[]): string =>
  parts.map((part) => (part.type === 'text' ? part.text : '')).join('\n');

describe('what is too long for its place', () => {
  it.each<[string, () => InboundMessage[], readonly [Part['type'], ...string[]]]>([
    ['description of a link', () => official({ MsgType: 'link', Url: 'https://a', Title: 't', Description: long(1_001) }), ['link', long(1_001)]],
    ['title and description of a link', () => official({ MsgType: 'link', Url: 'https://a', Title: long(1_500, 't'), Description: long(1_001) }), ['link', long(1_500, 't'), long(1_001)]],
    ['address of a link', () => official({ MsgType: 'link', Url: address(5_000), Title: '标题', Description: long(1_001) }), ['text', address(5_000), '标题', long(1_001)]],
    ['name of a place', () => official({ MsgType: 'location', Location_X: '23.1', Location_Y: '113.3', Label: long(1_200) }), ['location', long(1_200)]],
    ['a place that is nowhere', () => official({ MsgType: 'location', Location_X: '', Location_Y: '999', Label: long(1_200) }), ['unsupported', long(1_200)]],
    ['label of a choice', () => official({ MsgType: 'text', bizmsgmenuid: long(300, 'i'), Content: long(1_200) }), ['choice', long(1_200), long(300, 'i')]],
    ['key of a menu', () => official({ MsgType: 'event', Event: 'CLICK', EventKey: long(1_200) }), ['choice', long(1_200)]],
    ['page that was opened', () => official({ MsgType: 'event', Event: 'VIEW', EventKey: address(5_000) }), ['text', address(5_000)]],
    ['address of a picture', () => official({ MsgType: 'image', MediaId: 'm', PicUrl: address(5_000) }), ['media', address(5_000)]],
    ['address of a picture without an id', () => official({ MsgType: 'image', PicUrl: address(5_000) }), ['media', address(5_000)]],
    ['title of a page', () => official({ MsgType: 'miniprogrampage', Title: long(1_200), AppId: 'wx1', PagePath: 'p' }, wechatMiniProgram as never), ['card', long(1_200)]],
    ['page of a mini program', () => official({ MsgType: 'miniprogrampage', Title: 't', AppId: 'wx1', PagePath: 'p'.repeat(5_000) }, wechatMiniProgram as never), ['card', 'p'.repeat(5_000)]],
    ['where somebody came from', () => official({ MsgType: 'event', Event: 'user_enter_tempsession', SessionFrom: long(1_200) }, wechatMiniProgram as never), ['choice', long(1_200)]],
    ['name of an event', () => official({ MsgType: 'event', Event: 'e'.repeat(9_000) }), ['unsupported']],
    ['description of a link in WeCom', () => wecom({ msgtype: 'link', link: { url: 'https://a', title: long(1_100, 't'), desc: long(1_001), pic_url: address(5_000) } }), ['link', long(1_100, 't'), long(1_001), address(5_000)]],
    ['name of a member', () => wecom({ msgtype: 'business_card', business_card: { userid: long(1_200) } }), ['contact-card', long(1_200)]],
    ['title of a product', () => wecom({ msgtype: 'channels_shop_product', channels_shop_product: { title: long(1_200), head_image: address(5_000) } }), ['card', long(1_200), address(5_000)]],
    ['label of an option', () => wecom({ msgtype: 'msgmenu', msgmenu: { head_content: '?', list: [{ type: 'click', click: { id: '1', content: long(1_200) } }] } }), ['text', long(1_200)]],
    ['question', () => wecom({ msgtype: 'msgmenu', msgmenu: { head_content: long(30_000), list: [{ type: 'click', click: { id: '1', content: 'a' } }] } }), ['text', long(30_000)]],
    ['more options than a question has', () => wecom({ msgtype: 'msgmenu', msgmenu: { list: Array.from({ length: 51 }, (_, i) => ({ type: 'click', click: { id: `${i}`, content: `option ${i}.` } })) } }), ['text', 'option 0.', 'option 50.']],
    ['where somebody came from in WeCom', () => wecom({ msgtype: 'event', event: { event_type: 'enter_session', external_userid: 'wm1', scene: 's', scene_param: long(1_200) } }), ['choice', long(1_200)]],
  ])('stands whole in a text behind: %s', (_what, read, [type, ...whole]) => {
    const messages = read();
    const parts = partsOf(messages);
    expect(messages).toHaveLength(1);
    expect(parts[0]?.type).toBe(type);
    for (const text of whole) expect(textsIn(parts).split(text)).toHaveLength(2);
  }); // prettier-ignore

  it('of a forwarded chat goes on in further messages, each word once', () => {
    const said = Array.from({ length: 300 }, (_, i) => `第${i}句：${'话'.repeat(900)}`);
    const item = said.map((content) => ({ sender_name: '李四', msgtype: 'text', msg_content: JSON.stringify({ text: { content } }) }));
    const messages = wecom({ msgtype: 'merged_msg', merged_msg: { title: '聊天记录', item } });
    expect(messages.length).toBeGreaterThan(1);
    expect(new Set(messages.map(({ dedupeKey }) => dedupeKey)).size).toBe(messages.length);
    expect(messages.map(({ externalIds }) => externalIds.length)).toEqual([1, ...messages.slice(1).map(() => 0)]);
    const text = textsIn(partsOf(messages)).replace(/\n/g, '');
    for (const line of said) expect(text.split(line)).toHaveLength(2);
  }); // prettier-ignore

  it('is all that changes', () => {
    const parts: Part[] = [
      { type: 'link', url: address(4_000), title: 't'.repeat(1_000), description: 'd'.repeat(1_000) },
      { type: 'card', title: 't'.repeat(1_000), text: 'w'.repeat(40_000), actions: [{ label: 'a', url: 'https://a' }] },
      { type: 'location', latitude: -90, longitude: 180, name: 'n' },
      { type: 'choice', optionId: 'i'.repeat(200), label: 'l'.repeat(1_000) },
      { type: 'text', text: 'x'.repeat(40_000) },
    ];
    for (const part of parts) expect(within(part)).toEqual([part]);
  });
});

it('reads a menu with very many rows, all of them', () => {
  const list = Array.from({ length: 200_000 }, (_, i) => ({ type: 'text', text: { content: `${i}` } }));
  const messages = wecom({ msgtype: 'msgmenu', msgmenu: { list } });
  expect(textsIn(partsOf(messages))).toContain('199999');
});

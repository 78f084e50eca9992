import type { InboundEventInput, Part } from '#normalizer';
import type { VerifiedRequest } from '#transport';
import type { ParsedRequest, VerifyContext } from '../core/adapter.js';
import { openCallback, type CallbackGuard } from '../wechat/callback.js';
import { withEmoji } from '../wechat/emoji.js';
import type { Fields } from '../wechat/fields.js';
import { heldMedia, messageOf, unsupported } from '../wechat/inbound.js';
import { eventOf } from './wechat-official.events.js';
import type { WechatOfficialConfig } from './wechat-official.config.js';

/** What guards the callbacks of an account. In compatible mode a message comes plain and encrypted: only the encrypted one is signed. */
export function guardOf({ token, encodingAESKey, appId, mode }: WechatOfficialConfig): CallbackGuard {
  return {
    token,
    receiverId: appId,
    family: 'wechat',
    ...(mode !== 'plain' && { encodingAESKey }),
  };
}

/** One message or event per callback. `success` is what WeChat wants to hear within 5 seconds; anything else it repeats, twice. */
export function parse(request: VerifiedRequest, { config }: VerifyContext<WechatOfficialConfig>): ParsedRequest {
  const fields = openCallback(request, guardOf(config));
  return {
    events: [inboundOf(fields, config.appId)],
    reply: { status: 200, headers: { 'content-type': 'text/plain; charset=utf-8' }, body: 'success' },
  };
}

function inboundOf(fields: Fields, appId: string): InboundEventInput {
  const { MsgType: type = '' } = fields;
  if (type === 'event') return eventOf(fields, appId);
  const read = Object.hasOwn(MESSAGES, type) ? MESSAGES[type] : undefined;
  return messageOf(fields, appId, { parts: [read?.(fields) ?? unsupported(type || 'message')] });
}

/** What WeChat writes in place of messages that it does not hand out, stickers among them. */
const NOT_HANDED_OUT = /^(?:【收到不支持的消息类型，暂无法显示】|\[Unsupported Message\])$/;

const MESSAGES: Readonly<Record<string, (fields: Fields) => Part>> = {
  text({ Content: content = '', bizmsgmenuid: optionId }) {
    if (optionId) return { type: 'choice', optionId, label: content };
    if (content === '' || NOT_HANDED_OUT.test(content)) return unsupported('text', 'not handed out by WeChat');
    return { type: 'text', text: withEmoji(content) };
  },
  image: ({ MediaId: id, PicUrl: url }) => heldMedia('image', 'image/jpeg', { id, url }),
  voice: ({ MediaId: id, Format: format, Recognition: caption }) =>
    heldMedia('voice', format === 'speex' ? 'audio/speex' : 'audio/amr', { id, caption }),
  video: ({ MediaId: id }) => heldMedia('video', 'video/mp4', { id }),
  shortvideo: ({ MediaId: id }) => heldMedia('video', 'video/mp4', { id }),
  location: ({ Location_X: latitude, Location_Y: longitude, Label: name }) => ({
    type: 'location',
    latitude: Number(latitude),
    longitude: Number(longitude),
    ...(name && { name }),
  }),
  link({ Url: url, Title: title, Description: description }) {
    if (!url) return unsupported('link');
    return { type: 'link', url, ...(title && { title }), ...(description && { description }) };
  },
};

import type { Part } from '#normalizer';
import { miniProgramLink } from './custom-message.js';
import { withEmoji } from './emoji.js';
import type { Fields } from './fields.js';
import { heldMedia, unsupported } from './inbound.js';

/** What WeChat writes in place of messages that it does not hand out, stickers among them. */
const NOT_HANDED_OUT = /^(?:【收到不支持的消息类型，暂无法显示】|\[Unsupported Message\])$/;

/** What a message of a customer says, by its `MsgType`; a type that is not known is `unsupported`. Source: "接收普通消息", developers.weixin.qq.com. */
export function partOf(fields: Fields): Part {
  const { MsgType: type = '' } = fields;
  const read = Object.hasOwn(MESSAGES, type) ? MESSAGES[type] : undefined;
  return read?.(fields) ?? unsupported(type || 'message');
}

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
  miniprogrampage: miniProgramCard,
};

function miniProgramCard({ Title, AppId: appId, PagePath: path, ThumbMediaId: id, ThumbUrl: url }: Fields): Part {
  const title = Title || 'Mini program';
  const media = id || url ? heldMedia('image', 'image/jpeg', { id, url }) : undefined;
  return {
    type: 'card',
    title,
    ...(media?.type === 'media' && { media }),
    actions: appId && path ? [{ label: title, url: miniProgramLink({ appId, path }) }] : [],
  };
}

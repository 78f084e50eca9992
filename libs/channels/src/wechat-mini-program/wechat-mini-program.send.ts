import { ProviderFailure, type MediaPart, type OutboundUnit, type Part, type ThreadRef } from '#normalizer';
import type { Health, MediaStream } from '#transport';
import type { AdapterContext, SendReceipt } from '../core/adapter.js';
import { ApiClient, type ApiCall } from '../wechat/api.js';
import { miniProgramPage, sendCustom, showTyping, uploaded, type CustomMessage } from '../wechat/custom-message.js';
import { wechatErrcodes } from '../wechat/errcodes.js';
import { openHeld } from '../wechat/held.js';
import { stableToken } from '../wechat/stable-token.js';
import type { WechatMiniProgramConfig } from './wechat-mini-program.config.js';

type Context = AdapterContext<WechatMiniProgramConfig>;
type Card = Extract<Part, { type: 'card' }>;
type Template = Extract<Part, { type: 'template' }>;

const api = new ApiClient(stableToken, wechatErrcodes);

/** Largest picture, bytes. Source: uploadTempMedia of mini programs, developers.weixin.qq.com. */
export const MAX_IMAGE = 2_097_152;
/** Languages of a subscribe message. */
const LANGUAGES = new Set(['zh_CN', 'en_US', 'zh_HK', 'zh_TW']);
/** The value under this name is no keyword of the template: it is what a tap opens. */
const TARGET = 'url';

/** Sends one customer service message or subscribe message. Only the latter gets an id of WeChat's. */
export async function send(unit: OutboundUnit, ctx: Context): Promise<SendReceipt> {
  const [part] = unit.parts;
  const openid = unit.thread.externalId;
  if (part?.type === 'template') {
    const { msgid } = await api.call(templateCall(part, openid, ctx.config), ctx);
    return { externalIds: [msgid === undefined ? unit.id : String(msgid)] };
  }
  const message = part ? await messageOf(part, ctx) : null;
  await sendCustom(api, { openid, message: message ?? text(unit.text) }, ctx);
  return { externalIds: [unit.id] };
}

/** Links and cards need a picture, and a card exactly one thing to open. */
export function native(part: Part): boolean {
  if (part.type === 'link') return part.thumbnailUrl !== undefined;
  if (part.type !== 'card') return true;
  return part.actions.length === 1 && part.actions[0]?.url !== undefined && part.media?.kind === 'image';
}

export function typing(thread: ThreadRef, on: boolean, ctx: Context): Promise<void> {
  return showTyping(api, { openid: thread.externalId, on }, ctx);
}

export function check(ctx: Context): Promise<Health> {
  return api.check(ctx);
}

export function fetchMedia(ref: string, ctx: Context): Promise<MediaStream> {
  return openHeld(api, ref, ctx);
}

async function messageOf(part: Part, ctx: Context): Promise<CustomMessage | null> {
  if (part.type === 'text') return text(part.text);
  if (part.type === 'media' && part.kind === 'image')
    return { msgtype: 'image', image: { media_id: await imageId(part, ctx) } };
  if (!native(part)) return null;
  if (part.type === 'link') {
    const { url, title = url, description = '', thumbnailUrl = '' } = part;
    return link({ title, description, url, thumb_url: thumbnailUrl });
  }
  return part.type === 'card' ? cardMessage(part, ctx) : null;
}

function text(content: string): CustomMessage {
  return { msgtype: 'text', text: { content } };
}

function link(content: Readonly<Record<string, string>>): CustomMessage {
  return { msgtype: 'link', link: content };
}

/** Only pages of this very mini program can be sent as such. */
async function cardMessage(
  { title, text: description = '', media, actions }: Card,
  ctx: Context,
): Promise<CustomMessage> {
  const url = actions[0]?.url ?? '';
  const page = miniProgramPage(url);
  if (!page) {
    const picture = media?.fileId === undefined ? media?.url : ctx.fileUrl(media.fileId);
    return link({ title, description, url, thumb_url: picture ?? '' });
  }
  if (page.appId !== ctx.config.appId)
    throw new ProviderFailure('content-refused', 'a mini program can send no pages of another one');
  const thumb = await imageId(media as MediaPart, ctx);
  return { msgtype: 'miniprogrampage', miniprogrampage: { title, pagepath: page.path, thumb_media_id: thumb } };
}

function imageId(part: MediaPart, ctx: Context): Promise<string> {
  return uploaded(api, { part, type: 'image', maxBytes: MAX_IMAGE }, ctx);
}

/** A subscribe message (订阅消息): its template is the name, `url` among the values a path or a link into this mini program. */
function templateCall(
  { name, values, locale = '' }: Template,
  openid: string,
  { state }: WechatMiniProgramConfig,
): ApiCall {
  const { [TARGET]: target, ...keywords } = values;
  const page = target === undefined ? undefined : (miniProgramPage(target)?.path ?? target);
  const lang = locale.replace('-', '_');
  return {
    path: '/cgi-bin/message/subscribe/send',
    handsOver: true,
    body: {
      touser: openid,
      template_id: name,
      miniprogram_state: state,
      data: Object.fromEntries(Object.entries(keywords).map(([keyword, value]) => [keyword, { value }])),
      ...(page !== undefined && { page }),
      ...(LANGUAGES.has(lang) && { lang }),
    },
  };
}

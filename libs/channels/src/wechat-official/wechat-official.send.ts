import {
  ProviderFailure,
  type Handle,
  type MediaPart,
  type OutboundUnit,
  type Part,
  type ThreadRef,
} from '#normalizer';
import type { Health, MediaStream } from '#transport';
import type { AdapterContext, Profile, SendReceipt } from '../core/adapter.js';
import { ApiClient } from '../wechat/api.js';
import { miniProgramPage, sendCustom, showTyping, uploaded, type CustomMessage } from '../wechat/custom-message.js';
import { wechatErrcodes } from '../wechat/errcodes.js';
import { openHeld } from '../wechat/held.js';
import { bytesOf, mediaForm } from '../wechat/media.js';
import { stableToken } from '../wechat/stable-token.js';
import { templateCall } from './wechat-official.templates.js';
import type { WechatOfficialConfig } from './wechat-official.config.js';

type Context = AdapterContext<WechatOfficialConfig>;
type Card = Extract<Part, { type: 'card' }>;

const api = new ApiClient(stableToken, wechatErrcodes);

/** Sizes that `media/upload` takes, bytes. Source: uploadTempMedia, developers.weixin.qq.com. */
export const MAX_BYTES = { image: 10_485_760, voice: 2_097_152, video: 10_485_760 } as const;
/** Largest picture of an article that WeChat keeps (`media/uploadimg`), bytes. */
const MAX_ARTICLE_IMAGE = 1_048_576;

/** Sends one customer service message, template or notice. Only templates get an id of WeChat's; others go by ours. */
export async function send(unit: OutboundUnit, ctx: Context): Promise<SendReceipt> {
  const [part] = unit.parts;
  const openid = unit.thread.externalId;
  if (part?.type === 'template') {
    const answer = await api.call(templateCall(part, { openid, key: unit.idempotencyKey }), ctx);
    const { msgid } = answer;
    return { externalIds: [msgid === undefined ? unit.id : String(msgid)] };
  }
  const message = part ? await messageOf(part, ctx) : null;
  await sendCustom(api, { openid, message: message ?? text(unit.text) }, ctx);
  return { externalIds: [unit.id] };
}

/** Can a card travel as one article or page of a mini program? It has exactly one thing to open, and no picture but an image. */
export function native(part: Part): boolean {
  if (part.type !== 'card') return true;
  const [action, ...more] = part.actions;
  if (!action?.url || more.length > 0 || (part.media && part.media.kind !== 'image')) return false;
  return miniProgramPage(action.url) === null || part.media !== undefined;
}

export function typing(thread: ThreadRef, on: boolean, ctx: Context): Promise<void> {
  return showTyping(api, { openid: thread.externalId, on }, ctx);
}

/**
 * The unionid of a follower, by which all accounts of one Open Platform account know a person. WeChat tells it where the account is bound to one, and no name and no
 * picture since 2021. An account without the permission (48001) tells nothing.
 */
export async function profile({ value: openid }: Handle, ctx: Context): Promise<Profile> {
  const query = { openid, lang: 'zh_CN' };
  const answer = await api.call({ method: 'GET', path: '/cgi-bin/user/info', query }, ctx).catch((error: unknown) => {
    if (error instanceof ProviderFailure && error.providerCode === '48001') return { unionid: undefined };
    throw error;
  });
  const { unionid } = answer;
  if (typeof unionid !== 'string' || unionid === '') return { handles: [] };
  return { handles: [{ scheme: 'wechat-unionid', scope: ctx.config.openPlatform, value: unionid, proof: 'channel' }] };
}

export function check(ctx: Context): Promise<Health> {
  return api.check(ctx);
}

export function fetchMedia(ref: string, ctx: Context): Promise<MediaStream> {
  return openHeld(api, ref, ctx);
}

/** The part as WeChat takes it; null where it has nothing but the plain rendering. */
async function messageOf(part: Part, ctx: Context): Promise<CustomMessage | null> {
  switch (part.type) {
    case 'text':
      return text(part.text);
    case 'choices':
      return {
        msgtype: 'msgmenu',
        msgmenu: {
          head_content: part.text,
          list: part.options.map(({ id, label }) => ({ id, content: label })),
          tail_content: '',
        },
      };
    case 'link': {
      const { url, title = url, description = '', thumbnailUrl: picurl } = part;
      return article({ title, description, url, ...(picurl && { picurl }) });
    }
    case 'card':
      return native(part) ? cardMessage(part, ctx) : null;
    case 'media':
      return mediaMessage(part, ctx);
    default:
      return null;
  }
}

function text(content: string): CustomMessage {
  return { msgtype: 'text', text: { content } };
}

/** WeChat takes one article a message (45008). */
function article(content: Readonly<Record<string, string>>): CustomMessage {
  return { msgtype: 'news', news: { articles: [content] } };
}

async function mediaMessage(part: MediaPart, ctx: Context): Promise<CustomMessage | null> {
  if (part.kind === 'file' || part.kind === 'sticker') return null;
  const type = part.kind === 'audio' ? 'voice' : part.kind;
  const id = await uploaded(api, { part, type, maxBytes: MAX_BYTES[type] }, ctx);
  // The documented example names the video itself as its cover.
  return { msgtype: type, [type]: { media_id: id, ...(type === 'video' && { thumb_media_id: id }) } };
}

async function cardMessage(card: Card, ctx: Context): Promise<CustomMessage> {
  const { title, text: description = '', media, actions } = card;
  const url = actions[0]?.url ?? '';
  const page = miniProgramPage(url);
  if (page && media) {
    const thumb = await uploaded(api, { part: media, type: 'image', maxBytes: MAX_BYTES.image }, ctx);
    const shown = { title, appid: page.appId, pagepath: page.path, thumb_media_id: thumb };
    return { msgtype: 'miniprogrampage', miniprogrampage: shown };
  }
  return article({ title, description, url, ...(media && { picurl: await pictureUrl(media, ctx) }) });
}

/** An address of the picture that lasts: WeChat's own where it takes the file, else ours, which ends after an hour. */
async function pictureUrl(media: MediaPart, ctx: Context): Promise<string> {
  if (media.fileId === undefined) return media.url ?? '';
  try {
    const body = mediaForm(await bytesOf(media, MAX_ARTICLE_IMAGE, ctx));
    const { url } = await api.call({ path: '/cgi-bin/media/uploadimg', body }, ctx);
    if (typeof url === 'string') return url;
  } catch (error) {
    if (!(error instanceof ProviderFailure) || error.code !== 'content-refused') throw error;
  }
  return ctx.fileUrl(media.fileId);
}

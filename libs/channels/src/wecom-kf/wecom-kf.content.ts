import { ProviderFailure, measure, type MediaPart, type Part } from '#normalizer';
import { miniProgramPage, type CustomMessage } from '../wechat/custom-message.js';
import { bytesOf, upload } from '../wechat/media.js';
import { api, type Context } from './wecom-kf.api.js';
import { pagePath } from './wecom-kf.pages.js';

type Card = Extract<Part, { type: 'card' }>;
type Choices = Extract<Part, { type: 'choices' }>;
type Link = Extract<Part, { type: 'link' }>;

/** Sizes that `media/upload` takes, bytes. Source: path/90253, developer.work.weixin.qq.com. */
export const MAX_BYTES = { image: 10_485_760, voice: 2_097_152, video: 10_485_760, file: 20_971_520 } as const;
/** Longest texts, bytes of UTF-8. Source: path/94677, developer.work.weixin.qq.com. */
const MAX = { title: 128, pageTitle: 64, description: 512, url: 2_048, head: 1_024, option: 128, view: 1_024 } as const;
/** Most items of a menu (95008). */
export const MAX_OPTIONS = 10;
/** Pictures that WeCom takes. */
export const PICTURES = ['image/png', 'image/jpeg'];
/** Links by which a customer adds somebody of the company as a contact (获客链接). */
const ACQUISITION = /^https:\/\/work\.weixin\.qq\.com\/ca\//;

/** Can it travel as it is? A link needs a picture, a card one too or a menu's form, and every text must be within its limit. */
export function native(part: Part): boolean {
  switch (part.type) {
    case 'link':
      return ACQUISITION.test(part.url) || (part.thumbnailUrl !== undefined && isLink(part));
    case 'choices':
      return fits(part.text, MAX.head) && part.options.every(({ id }) => fits(id, MAX.option));
    case 'card':
      return isLinkCard(part) || isMenuCard(part);
    default:
      return true;
  }
}

/** The part as WeCom takes it; null where it has nothing but the plain rendering. */
export async function contentOf(part: Part, ctx: Context): Promise<CustomMessage | null> {
  switch (part.type) {
    case 'text':
      return text(part.text);
    case 'media':
      return mediaMessage(part, ctx);
    case 'choices':
      return menuOfChoices(part);
    case 'location': {
      const { latitude, longitude, name, address } = part;
      const shown = { ...(name && { name }), ...(address && { address }) };
      return { msgtype: 'location', location: { ...shown, latitude, longitude } };
    }
    case 'link':
      return native(part) ? linkMessage(part, ctx) : null;
    case 'card':
      return native(part) ? cardMessage(part, ctx) : null;
    default:
      return null;
  }
}

export function text(content: string): CustomMessage {
  return { msgtype: 'text', text: { content } };
}

async function mediaMessage(part: MediaPart, ctx: Context): Promise<CustomMessage | null> {
  const { kind } = part;
  if (kind === 'audio' || kind === 'sticker') return null;
  return { msgtype: kind, [kind]: { media_id: await uploaded(part, kind, ctx) } };
}

function menuOfChoices({ text: head, options }: Choices): CustomMessage {
  const list = options.map(({ id, label: content }) => ({ type: 'click', click: { id, content } }));
  return { msgtype: 'msgmenu', msgmenu: { head_content: head, list } };
}

async function linkMessage(part: Link, ctx: Context): Promise<CustomMessage | null> {
  const { url, title = url, description, thumbnailUrl } = part;
  if (ACQUISITION.test(url)) return { msgtype: 'ca_link', ca_link: { link_url: url } };
  const thumb = await thumbnailOf(thumbnailUrl, ctx);
  return thumb === null ? null : linkOf({ title, url, ...(description && { desc: description }) }, thumb);
}

/** The picture at an address, uploaded. Null where none can be had: what the link leads to is what matters. */
async function thumbnailOf(url: string | undefined, ctx: Context): Promise<string | null> {
  const part = { type: 'media', kind: 'image', url, mimeType: '', bytes: null, state: 'ready' } as const;
  try {
    const file = await bytesOf(part, MAX_BYTES.image, ctx);
    return PICTURES.includes(file.mimeType) ? await upload(api, { type: 'image', file }, ctx) : null;
  } catch (error) {
    if (error instanceof ProviderFailure && error.code === 'content-refused') return null;
    throw error;
  }
}

function linkOf(shown: { readonly title: string; readonly url: string; readonly desc?: string }, thumb: string) {
  return { msgtype: 'link', link: { ...shown, thumb_media_id: thumb } };
}

async function cardMessage(card: Card, ctx: Context): Promise<CustomMessage> {
  if (!isLinkCard(card)) return menuOfCard(card);
  const { title, text: desc, media, actions } = card;
  const url = actions[0]?.url ?? '';
  const thumb = await uploaded(media as MediaPart, 'image', ctx);
  const page = miniProgramPage(url);
  if (!page) return linkOf({ title, url, ...(desc && { desc }) }, thumb);
  const shown = { appid: page.appId, title, thumb_media_id: thumb, pagepath: pagePath(page) };
  return { msgtype: 'miniprogram', miniprogram: shown };
}

function menuOfCard({ title, text: more, actions }: Card): CustomMessage {
  const list = actions.map(({ label: content, url, id }) => {
    const page = url === undefined ? null : miniProgramPage(url);
    if (page) return { type: 'miniprogram', miniprogram: { appid: page.appId, pagepath: pagePath(page), content } };
    return url === undefined ? { type: 'click', click: { id, content } } : { type: 'view', view: { url, content } };
  });
  return { msgtype: 'msgmenu', msgmenu: { head_content: headOf(title, more), list } };
}

async function uploaded(part: MediaPart, type: keyof typeof MAX_BYTES, ctx: Context): Promise<string> {
  return upload(api, { type, file: await bytesOf(part, MAX_BYTES[type], ctx) }, ctx);
}

function isLink({ url, title = url, description = '' }: Pick<Link, 'url' | 'title' | 'description'>): boolean {
  return fits(title, MAX.title) && fits(description, MAX.description) && fits(url, MAX.url);
}

/** One thing to open, and a picture that WeCom takes: a link, or a page of a mini program. */
function isLinkCard({ title, text: description = '', media, actions }: Card): boolean {
  const [action, ...more] = actions;
  if (!action?.url || more.length > 0 || media?.kind !== 'image') return false;
  if (media.bytes !== null && media.bytes > MAX_BYTES.image) return false;
  if (!miniProgramPage(action.url)) return isLink({ url: action.url, title, description });
  return fits(title, MAX.pageTitle) && description === '';
}

/** Things to tap and no picture: a menu. */
function isMenuCard({ title, text: more, media, actions }: Card): boolean {
  if (media || actions.length === 0 || actions.length > MAX_OPTIONS) return false;
  const tappable = actions.every(({ label, url, id }) =>
    url === undefined
      ? id !== undefined && id !== '' && fits(id, MAX.option) && fits(label, MAX.option)
      : fits(url, MAX.url) && fits(label, MAX.view),
  );
  return tappable && fits(headOf(title, more), MAX.head);
}

function headOf(title: string, more: string | undefined): string {
  return more ? `${title}\n${more}` : title;
}

function fits(given: string, bytes: number): boolean {
  return measure(given, 'utf8-bytes') <= bytes;
}

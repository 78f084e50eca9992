import { LIMITS, type Part } from '#normalizer';
import { withEmoji } from '../wechat/emoji.js';
import { newFields, type Fields } from '../wechat/fields.js';
import { heldMedia, unsupported } from '../wechat/inbound.js';
import { readJson } from '../wechat/json.js';
import { pageLink } from './wecom-kf.pages.js';

/** What the options of a question may hold at most; a menu beyond that is a text. */
const MAX_MENU = { text: 10_000, options: LIMITS.options, id: 200, label: LIMITS.label } as const;

/** What a message says, by its `msgtype`; a type that is not known is `unsupported`. Source: path/94670, developer.work.weixin.qq.com. */
export function partOf(item: Fields): Part {
  const { msgtype: type = '' } = item;
  const read = Object.hasOwn(MESSAGES, type) ? MESSAGES[type] : undefined;
  return read?.(item) ?? unsupported(type || 'message');
}

const MESSAGES: Readonly<Record<string, (item: Fields) => Part>> = {
  text({ 'text.content': content = '', 'text.menu_id': optionId }) {
    if (optionId) return { type: 'choice', optionId, label: content };
    return content === '' ? unsupported('text') : { type: 'text', text: withEmoji(content) };
  },
  image: ({ 'image.media_id': id }) => heldMedia('image', 'image/jpeg', { id }),
  voice: ({ 'voice.media_id': id }) => heldMedia('voice', 'audio/amr', { id }),
  video: ({ 'video.media_id': id }) => heldMedia('video', 'video/mp4', { id }),
  file: ({ 'file.media_id': id }) => heldMedia('file', 'application/octet-stream', { id }),
  location: ({ 'location.name': name, 'location.address': address, ...item }) => ({
    type: 'location',
    latitude: Number(item['location.latitude']),
    longitude: Number(item['location.longitude']),
    ...(name && { name }),
    ...(address && { address }),
  }),
  link({ 'link.url': url, 'link.title': title, 'link.desc': description, 'link.pic_url': thumbnailUrl }) {
    if (!url) return unsupported('link');
    const shown = { ...(title && { title }), ...(description && { description }) };
    return { type: 'link', url, ...shown, ...(thumbnailUrl && { thumbnailUrl }) };
  },
  business_card({ 'business_card.userid': user, 'business_card.user_id': other }) {
    const value = user || other;
    if (!value) return unsupported('business_card');
    return { type: 'contact-card', name: value, handles: [{ scheme: 'wecom-userid', value }] };
  },
  miniprogram({ 'miniprogram.title': title, 'miniprogram.appid': appId, 'miniprogram.pagepath': path, ...item }) {
    const id = item['miniprogram.thumb_media_id'];
    const label = title || 'Mini program';
    const actions = appId && path ? [{ label, url: pageLink({ appId, path }) }] : [];
    return { type: 'card', title: label, ...(id && pictureOf({ id })), actions };
  },
  msgmenu: menu,
  merged_msg: mergedChat,
  channels_shop_product({ 'channels_shop_product.title': title, ...item }) {
    const price = Number(item['channels_shop_product.sales_price'] ?? NaN);
    return card(title || 'Product', {
      lines: [
        Number.isFinite(price) ? `¥${(price / 100).toFixed(2)}` : undefined,
        item['channels_shop_product.shop_nickname'],
        item['channels_shop_product.product_id'],
      ],
      picture: item['channels_shop_product.head_image'],
    });
  },
  channels_shop_order: ({ 'channels_shop_order.product_titles': title, ...item }) =>
    card(title || 'Order', {
      lines: ['price_wording', 'state', 'shop_nickname', 'order_id'].map((name) => item[`channels_shop_order.${name}`]),
      picture: item['channels_shop_order.image_url'],
    }),
  channels: ({ 'channels.title': title, 'channels.nickname': name }) =>
    title || name ? card(title || name || '', { lines: title ? [name] : [] }) : unsupported('channels'),
};

function card(
  title: string,
  { lines, picture }: { lines: readonly (string | undefined)[]; picture?: string | undefined },
): Part {
  const text = lines.filter((line) => line).join('\n');
  const shown = picture && /^https?:/.test(picture) ? pictureOf({ id: undefined, url: picture }) : {};
  return { type: 'card', title, ...(text && { text }), ...shown, actions: [] };
}

function pictureOf(held: { readonly id: string | undefined; readonly url?: string }) {
  const media = heldMedia('image', 'image/jpeg', held);
  return media.type === 'media' ? { media } : {};
}

/** A menu of answers is a choice; one that leads elsewhere as well is its text. */
function menu(item: Fields): Part {
  const head = item['msgmenu.head_content'] ?? '';
  const tail = item['msgmenu.tail_content'] ?? '';
  const rows = rowsOf(item, 'msgmenu.list', 'type');
  const options = rows.flatMap(({ 'click.id': id, 'click.content': label }) =>
    id && label && id.length <= MAX_MENU.id && label.length <= MAX_MENU.label ? [{ id, label }] : [],
  );
  const short = head.length + tail.length < MAX_MENU.text && options.length <= MAX_MENU.options;
  if (options.length > 0 && options.length === rows.length && short)
    return { type: 'choices', text: [head, tail].filter((text) => text).join('\n'), options };
  const lines = rows.map(({ type = '', ...row }) =>
    [row[`${type}.content`], row[`${type}.url`]].filter((text) => text).join(' '),
  );
  const text = [head, ...lines, tail].filter((line) => line).join('\n');
  return text === '' ? unsupported('msgmenu') : { type: 'text', text };
}

/** A chat that was forwarded: who said what, a line each; what is no text by its type. */
function mergedChat(item: Fields): Part {
  const lines = rowsOf(item, 'merged_msg.item', 'msgtype').map(
    ({ sender_name: name = '', msgtype: type = '', msg_content: content = '' }) =>
      `${name ? `${name}: ` : ''}${quoted(type, content)}`,
  );
  const text = [item['merged_msg.title'] ?? '', ...lines].filter((line) => line).join('\n');
  return text === '' ? unsupported('merged_msg') : { type: 'text', text };
}

/** `msg_content` is JSON of the form of the messages here, as a text. */
function quoted(type: string, content: string): string {
  try {
    const fields: Fields = readJson(content);
    const said = fields['text.content'] ?? fields['content'] ?? fields['link.url'];
    return said ? withEmoji(said) : `[${type}]`;
  } catch {
    return `[${type}]`;
  }
}

/** Rows of a list within fields, in order, each with the names below its place, up to the first one without `mark`. One pass over the fields. */
function rowsOf(item: Fields, path: string, mark: string): Fields[] {
  const rows: Partial<Record<string, string>>[] = [];
  for (const [name, value] of Object.entries(item)) {
    const dot = name.startsWith(`${path}.`) ? name.indexOf('.', path.length + 1) : -1;
    const place = dot < 0 ? NaN : Number(name.slice(path.length + 1, dot));
    // Lists come in their order: nobody can make room for rows that are not there.
    if (place === rows.length) rows.push(newFields());
    if (place === rows.length - 1) rows[place]![name.slice(dot + 1)] = value;
  }
  const end = rows.findIndex((row) => row[mark] === undefined);
  return end < 0 ? rows : rows.slice(0, end);
}

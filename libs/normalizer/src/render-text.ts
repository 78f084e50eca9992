import { numberedChoices } from './choices.js';
import { markdownToText } from './markdown.js';
import type { MediaPart, Part } from './parts.js';

const ENGLISH = {
  image: 'image',
  audio: 'audio',
  voice: 'voice message',
  video: 'video',
  file: 'file',
  sticker: 'sticker',
  location: 'location',
  contact: 'contact',
  template: 'template',
  unsupported: 'unsupported',
};
type Words = typeof ENGLISH;
const CHINESE: Words = {
  image: '图片',
  audio: '音频',
  voice: '语音',
  video: '视频',
  file: '文件',
  sticker: '表情',
  location: '位置',
  contact: '名片',
  template: '模板',
  unsupported: '不支持的内容',
};

/**
 * The plain rendering of parts, one after the other on lines of their own; `message.text` is this. Words follow `locale` (`zh...` is
 * Chinese, all else English).
 *
 * - text, html: the text; of markdown what it says (`markdownToText`)
 * - media: `[image: name] url`, then the caption; the URL only of a ready file that the gateway does not hold itself (a signed URL
 *   expires, the text stays); nothing for the original of a message
 * - location: `[location: name, address (31.2304, 121.4737)]`
 * - contact card: `[contact: name, phone +8613800138000]`
 * - link: title, description and URL, a line each
 * - choices: the text and a line `1. label` per option; choice: its label
 * - card: title, text, media, then a line `- label: url` per action
 * - template: `[template name: key=value, ...]`; unsupported: `[unsupported: type]`
 */
export function renderText(parts: readonly Part[], locale = 'en'): string {
  const words = /^zh\b/i.test(locale) ? CHINESE : ENGLISH;
  return lines(parts.map((part) => renderPart(part, words)));
}

/** One media part as a line, with the URL under which the reader can fetch it, then its caption. */
export function renderMedia(part: MediaPart, url: string | undefined, locale = 'en'): string {
  return mediaLines(part, url, /^zh\b/i.test(locale) ? CHINESE : ENGLISH);
}

function renderPart(part: Part, words: Words): string {
  switch (part.type) {
    case 'text':
      return part.format === 'markdown' ? markdownToText(part.text) : part.text;
    case 'html':
      return part.text;
    case 'media':
      return part.purpose === 'original' ? '' : mediaLines(part, lastingUrl(part), words);
    case 'location':
      return tag(words.location, place(part));
    case 'contact-card':
      return tag(words.contact, [part.name, ...part.handles.map((h) => `${h.scheme} ${h.value}`)]);
    case 'link':
      return lines([part.title, part.description, part.url]);
    case 'choices':
      return numberedChoices(part);
    case 'choice':
      return part.label || part.optionId;
    case 'card':
      return renderCard(part, words);
    case 'template':
      return tag(`${words.template} ${part.name}`, Object.entries(part.values).map(([key, value]) => `${key}=${value}`)); // prettier-ignore
    case 'unsupported':
      return tag(words.unsupported, [part.providerType]);
  }
}

function renderCard(card: Extract<Part, { type: 'card' }>, words: Words): string {
  const actions = card.actions.map(({ label, url }) => (url ? `- ${label}: ${url}` : `- ${label}`));
  return lines([card.title, card.text, card.media && renderPart(card.media, words), ...actions]);
}

function mediaLines(part: MediaPart, url: string | undefined, words: Words): string {
  const label = tag(words[part.kind], [part.name]);
  return lines([url ? `${label} ${url}` : label, part.caption]);
}

function lastingUrl(part: MediaPart): string | undefined {
  return part.state === 'ready' && part.fileId === undefined ? part.url : undefined;
}

function place({ name, address, latitude, longitude }: Extract<Part, { type: 'location' }>): string[] {
  const named = [name, address].filter(Boolean).join(', ');
  return [named ? `${named} (${latitude}, ${longitude})` : `${latitude}, ${longitude}`];
}

function tag(word: string, details: readonly (string | undefined)[]): string {
  const detail = details.filter(Boolean).join(', ');
  return detail ? `[${word}: ${detail}]` : `[${word}]`;
}

function lines(texts: readonly (string | undefined)[]): string {
  return texts.filter(Boolean).join('\n');
}

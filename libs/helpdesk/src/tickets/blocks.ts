import { renderMedia, renderText, type MediaPart, type Part } from '#normalizer';
import { escapeHtml, link, paragraph } from './html.js';
import type { Words } from './words.js';

/** A piece of an entry: rendered, or a file of which is not known yet whether it travels along. */
export type Block = Rendered | { readonly media: MediaPart };
export interface Rendered {
  readonly text: string;
  readonly html: string;
}

/** Parts of a message as blocks, in their order. */
export function blocksOf(parts: readonly Part[], language: string): Block[] {
  return shown(parts).flatMap((part): Block[] => {
    if (part.type === 'media') return [{ media: part }];
    if (part.type === 'card' && part.media) {
      const { media, ...card } = part;
      return [said(renderText([card], language)), { media }];
    }
    const text = renderText([part], language);
    if (part.type === 'link') return [{ text, html: `<p>${link(part.url, text)}</p>` }];
    return part.type === 'location' ? [place(part, text)] : text ? [said(text)] : [];
  });
}

/** Parts that a ticket tells of: the original of a mail only where something of it cannot be read otherwise. */
export function shown(parts: readonly Part[]): readonly Part[] {
  if (parts.some(({ type }) => type === 'unsupported')) return parts;
  return parts.filter((part) => part.type !== 'media' || part.purpose !== 'original');
}

export function said(text: string): Rendered {
  return { text, html: paragraph(text) };
}

/** A line set off from what follows. */
export function heading(text: string): Rendered {
  return { text, html: `<p><b>${escapeHtml(text)}</b></p>` };
}

/** A file as words: with the address where it does not travel along. */
export function mediaWords(
  media: MediaPart,
  { url, language, words }: { url?: string | undefined; language: string; words: Words },
): Rendered {
  const state = media.state === 'pending' ? words.follows : media.state === 'unavailable' ? words.gone : undefined;
  const { caption, ...bare } = media;
  const label = renderMedia(bare, undefined, language) + (state ? ` (${state})` : '');
  const lines = { text: url ? `${label} ${url}` : label, html: `<p>${url ? link(url, label) : escapeHtml(label)}</p>` };
  return caption ? { text: `${lines.text}\n${caption}`, html: lines.html + paragraph(caption) } : lines;
}

function place(part: Extract<Part, { type: 'location' }>, text: string): Rendered {
  const { latitude, longitude } = part;
  const url = `https://www.openstreetmap.org/?mlat=${latitude}&mlon=${longitude}#map=16/${latitude}/${longitude}`;
  return { text: `${text} ${url}`, html: `<p>${link(url, text)}</p>` };
}

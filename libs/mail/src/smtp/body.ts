import { markdownToHtml, renderText, type MediaPart, type Part } from '#normalizer';
import { cidsIn, escapeHtml, sanitize, textOf } from './html.js';

/** What the parts of a mail become that are no attachments. */
export interface Body {
  readonly text: string;
  /** Only where a part is html or markdown: plain text travels as plain text alone. */
  readonly html?: string;
}

type Links = ReadonlyMap<MediaPart, string>;

/** Markdown is made html once, however often it is asked for. */
const made = new WeakMap<Part, string>();

/** The html of a part that has some: what its writer made it of is made safe by `sanitize`. */
function htmlOf(part: Part): string | undefined {
  if (part.type === 'html') return part.html;
  if (part.type !== 'text' || part.format !== 'markdown') return undefined;
  const html = made.get(part) ?? markdownToHtml(part.text);
  made.set(part, html);
  return html;
}

/** Ids of pictures that the html of these parts shows. */
export function referredIn(parts: readonly Part[]): ReadonlySet<string> {
  return new Set(parts.flatMap((part) => cidsIn(htmlOf(part) ?? '')));
}

/** The texts of a mail. `links` says what stands in place of files that are not in it, `shown` which pictures the html may show. */
export function bodyOf(parts: readonly Part[], links: Links, shown: ReadonlySet<string>): Body {
  const text = paragraphs(parts.map((part) => textPart(part, links)));
  if (parts.every((part) => htmlOf(part) === undefined)) return { text };
  const inner = parts.map((part) => htmlPart(part, links, shown)).join('\n');
  const html = `<!DOCTYPE html>\n<html><head><meta charset="utf-8"></head><body>\n${inner}\n</body></html>\n`;
  return { text, html };
}

function textPart(part: Part, links: Links): string {
  if (part.type === 'html') return part.text.trim() === '' ? textOf(part.html) : part.text;
  return part.type === 'media' ? mediaText(part, links) : renderText([part]);
}

function htmlPart(part: Part, links: Links, shown: ReadonlySet<string>): string {
  const html = htmlOf(part);
  if (html !== undefined) return `<div>${sanitize(html, shown)}</div>`;
  const text = textPart(part, links);
  return text === '' ? '' : `<p>${escapeHtml(text).replaceAll('\n', '<br>\n')}</p>`;
}

function mediaText(part: MediaPart, links: Links): string {
  return [links.get(part), part.caption].filter(Boolean).join('\n');
}

function paragraphs(texts: readonly string[]): string {
  const said = texts.filter((text) => text.trim() !== '');
  return said.length === 0 ? '' : `${said.join('\n\n')}\n`;
}

import { measure, renderMedia, type MediaKind, type MediaPart } from '#normalizer';
import type { Capabilities } from './capabilities.js';
import type { FitOptions } from './fit-piece.js';
import { refuse, textPieces, type Piece, type Placed } from './fit-piece.js';

/** As what a kind may travel, best first. */
const KINDS: Readonly<Record<MediaKind, readonly MediaKind[]>> = {
  image: ['image', 'file'],
  audio: ['audio', 'file'],
  voice: ['voice', 'audio', 'file'],
  video: ['video', 'file'],
  sticker: ['sticker', 'image', 'file'],
  file: ['file'],
};

/**
 * What becomes of a file: native as the best kind whose MIME types and size take it (a size not known yet is taken), else a line of text
 * with its URL. A caption stays with the file where that kind carries captions and it is within `text.max` and `maxCaption`; else it follows as text.
 * Throws `content-refused` for a file that is gone or that nobody could fetch.
 */
export function fitMedia(placed: Placed<MediaPart>, capabilities: Capabilities, options: FitOptions): Piece[] {
  const { part } = placed;
  if (part.state === 'unavailable') throw refuse(placed, 'the file is no longer available');
  const kind = KINDS[part.kind].find((candidate) => carries(part, capabilities.media[candidate]));
  if (kind) return native({ ...part, kind }, capabilities);
  const url = part.fileId !== undefined && options.fileUrl ? options.fileUrl(part.fileId) : part.url;
  if (!url) throw refuse(placed, `the channel carries no ${part.kind} of type ${part.mimeType}, and it has no URL`);
  return textPieces(renderMedia(part, url, options.locale), capabilities);
}

function native(part: MediaPart, capabilities: Capabilities): Piece[] {
  const { caption, ...bare } = part;
  const { max, unit } = capabilities.text;
  const rule = capabilities.media[part.kind];
  if (!caption || (rule?.caption && measure(caption, unit) <= Math.min(max, rule.maxCaption ?? max))) return [{ part }];
  return [{ part: bare }, ...textPieces(caption, capabilities)];
}

type MediaRule = Capabilities['media'][MediaKind];

function carries(part: MediaPart, rule: MediaRule): boolean {
  if (!rule) return false;
  const type = (part.mimeType.split(';')[0] ?? '').trim().toLowerCase();
  const matches = rule.mimeTypes.some((pattern) =>
    pattern === '*/*' || pattern.endsWith('/*')
      ? pattern === '*/*' || type.startsWith(pattern.slice(0, -1))
      : pattern === type,
  );
  return matches && (part.bytes ?? 0) <= rule.maxBytes;
}

import type { MediaKind } from '#normalizer';
import { fileTypeFromBuffer } from 'file-type';
import { imageSize } from 'image-size';

export interface Sniffed {
  readonly mimeType: string;
  readonly kind: MediaKind;
  readonly width?: number;
  readonly height?: number;
}

const TEXT_TYPES = new Set(['text/csv', 'text/markdown', 'text/calendar', 'text/vcard', 'application/json']);
/** Containers that carry sound alone as often as pictures: here, and only here, the sender's word chooses between two true answers. */
const SOUND_ALONE: Readonly<Record<string, string>> = {
  'video/webm': 'audio/webm',
  'video/mp4': 'audio/mp4',
  'video/ogg': 'audio/ogg',
  'video/3gpp': 'audio/3gpp',
};

/**
 * What a file is, by its first bytes. The declared type is no evidence: it only tells apart what the bytes cannot (a table from other text,
 * sound from video in the same container).
 */
export async function sniff(head: Buffer, declared?: string): Promise<Sniffed> {
  const type = declared?.split(';')[0]?.trim().toLowerCase() ?? '';
  const mimeType = (await byMagic(head, type)) ?? byText(head, type);
  return { mimeType, kind: kindOf(mimeType), ...pictureSize(mimeType, head) };
}

/** The media kind under which a type is shown. What may run scripts is a file, whatever it calls itself. */
export function kindOf(mimeType: string): MediaKind {
  const family = mimeType.split('/')[0];
  if (mimeType === 'image/svg+xml') return 'file';
  return family === 'image' || family === 'audio' || family === 'video' ? family : 'file';
}

async function byMagic(head: Buffer, declared: string): Promise<string | undefined> {
  const found = (await fileTypeFromBuffer(head).catch(() => undefined))?.mime;
  if (!found) return undefined;
  if (found === 'application/xml') return markupType(head.toString('latin1')) ?? 'application/xml';
  const sound = SOUND_ALONE[found];
  return sound && declared.startsWith('audio/') ? sound : found;
}

function byText(head: Buffer, declared: string): string {
  const text = asText(head);
  if (text === undefined) return 'application/octet-stream';
  return markupType(text) ?? (TEXT_TYPES.has(declared) ? declared : 'text/plain');
}

/** The text of UTF-8 or BOM-marked UTF-16 bytes without binary controls; undefined for anything else. */
function asText(head: Buffer): string | undefined {
  const utf16 =
    head[0] === 0xff && head[1] === 0xfe ? 'utf-16le' : head[0] === 0xfe && head[1] === 0xff ? 'utf-16be' : '';
  try {
    const text = new TextDecoder(utf16 || 'utf-8', { fatal: true }).decode(head, { stream: true });
    return /[\x00-\x08\x0e-\x1a\x1c-\x1f]/.test(text) ? undefined : text;
  } catch {
    return undefined;
  }
}

function markupType(text: string): string | undefined {
  const start = text.slice(0, 65_536).toLowerCase();
  if (/<svg[\s>]/.test(start)) return 'image/svg+xml';
  if (
    /<(?:!doctype html|html|head|body|script|iframe|style|title|a |img|b>|h1|table|div|p>)/.test(
      start.trimStart().slice(0, 4_096),
    )
  ) {
    return 'text/html';
  }
  return start.trimStart().startsWith('<?xml') ? 'application/xml' : undefined;
}

function pictureSize(mimeType: string, head: Buffer): { width?: number; height?: number } {
  if (kindOf(mimeType) !== 'image') return {};
  try {
    const { width, height, orientation = 1 } = imageSize(head);
    if (!width || !height) return {};
    return orientation >= 5 ? { width: height, height: width } : { width, height };
  } catch {
    return {};
  }
}

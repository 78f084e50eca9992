import { Readable } from 'node:stream';
import { renderMedia, type MediaPart } from '#normalizer';
import type { MediaStream } from '#transport';
import type { MailComposerAttachment } from 'nodemailer/lib/mail-composer';
import { fileNameOf, mediaTypeOf } from './file-name.js';
import { encodedBytes } from './sizes.js';

/** How the files of a mail are had: what the context of an adapter offers. */
export interface FileSource {
  openFile(fileId: string): Promise<MediaStream>;
  fileUrl(fileId: string, seconds?: number): string;
}

/** How long the address is good that stands in place of a file, seconds. */
const LINK_S = 30 * 24 * 3_600;
const CONTENT_ID = /^[!-;=?-~]{1,200}$/;

/** How the files of a mail travel. */
export interface Carried {
  readonly attachments: readonly MailComposerAttachment[];
  /** What the text says where a file is not in the mail, by its part. */
  readonly links: ReadonlyMap<MediaPart, string>;
  /** Ids under which html can show pictures of the mail. */
  readonly shown: ReadonlySet<string>;
  readonly bytes: number;
}

/**
 * Attaches files in order while there is room, and puts the address of what does not fit into the text. A picture that the html refers to
 * by its `contentId` is shown there. Bytes are read when their turn comes, one file after the other.
 */
export function carry(
  media: readonly MediaPart[],
  { room, referred, ctx }: { readonly room: number; readonly referred: ReadonlySet<string>; readonly ctx: FileSource },
): Carried {
  const attachments: MailComposerAttachment[] = [];
  const links = new Map<MediaPart, string>();
  const shown = new Set<string>();
  let bytes = 0;
  for (const part of media) {
    const size = encodedBytes(part.bytes ?? Infinity);
    const { fileId, contentId } = part;
    if (fileId === undefined || bytes + size > room) {
      links.set(part, renderMedia({ ...part, caption: undefined }, addressOf(part, ctx)));
      continue;
    }
    bytes += size;
    const inline =
      contentId !== undefined && CONTENT_ID.test(contentId) && referred.has(contentId) && !shown.has(contentId);
    if (inline) shown.add(contentId);
    attachments.push({
      content: Readable.from(bytesOf(fileId, ctx)),
      filename: fileNameOf(part),
      contentType: mediaTypeOf(part.mimeType),
      ...(inline ? { cid: contentId, contentDisposition: 'inline' } : { contentDisposition: 'attachment' }),
    });
  }
  return { attachments, links, shown, bytes };
}

function addressOf({ fileId, url }: MediaPart, ctx: FileSource): string | undefined {
  return fileId === undefined ? url : ctx.fileUrl(fileId, LINK_S);
}

async function* bytesOf(fileId: string, ctx: FileSource): AsyncGenerator<Uint8Array> {
  try {
    const { stream } = await ctx.openFile(fileId);
    yield* stream as AsyncIterable<Uint8Array>;
  } catch (error) {
    throw new FileUnread(error);
  }
}

/** A file of the mail could not be read. */
export class FileUnread extends Error {
  constructor(override readonly cause: unknown) {
    super('a file of the mail cannot be read');
  }
}

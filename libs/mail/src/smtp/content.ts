import type { MediaPart, Part } from '#normalizer';
import { bodyOf, referredIn } from './body.js';
import { carry, type FileSource } from './carry.js';
import type { MailContent } from './compose.js';
import { fileNameOf, mediaTypeOf } from './file-name.js';
import { encodedBytes, textBytes } from './sizes.js';

/** Parts of a message as the content of a mail of at most `maxBytes`: files that do not fit become addresses in its text. */
export function contentOf(parts: readonly Part[], files: FileSource, maxBytes: number): MailContent {
  const media = parts.filter((part): part is MediaPart => part.type === 'media');
  const referred = referredIn(parts);
  // The longest that the texts can get: with an address in place of every file.
  const none = carry(media, { room: 0, referred, ctx: files });
  const longest = bodyOf(parts, none.links, referred);
  const room = maxBytes - textBytes(longest.text, longest.html ?? '');
  const { attachments, links, shown, bytes } = carry(media, { room, referred, ctx: files });
  const { text, html } = bodyOf(parts, links, shown);
  return { attachments, text, html, bytes: bytes + textBytes(text, html ?? '') };
}

/** A file whose octets are at hand. */
export interface ReadFile {
  readonly name: string;
  readonly mimeType: string;
  readonly content: Buffer;
}

/** Texts that are ready and files that are read as the content of a mail, however large that gets. */
export function contentWith(
  body: { readonly text: string; readonly html?: string },
  files: readonly ReadFile[],
): MailContent {
  const attachments = files.map(({ name, mimeType, content }) => ({
    content,
    filename: fileNameOf({ name, kind: 'file', mimeType }),
    contentType: mediaTypeOf(mimeType),
    contentDisposition: 'attachment' as const,
  }));
  const sizes = files.map(({ content }) => encodedBytes(content.length));
  return {
    ...body,
    attachments,
    bytes: sizes.reduce((sum, size) => sum + size, textBytes(body.text, body.html ?? '')),
  };
}

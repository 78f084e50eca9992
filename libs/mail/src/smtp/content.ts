import type { MediaPart, Part } from '#normalizer';
import { bodyOf, referredIn } from './body.js';
import { carry, type FileSource } from './carry.js';
import type { MailContent } from './compose.js';
import { textBytes } from './sizes.js';

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

import type { MediaKind, PartInput } from '#normalizer';
import type { Message } from './telegram.update.js';

/** How Telegram names files, by what they are, with their type where it tells none. */
const FILES = [
  ['voice', 'voice', 'audio/ogg'],
  ['audio', 'audio', 'audio/mpeg'],
  ['video', 'video', 'video/mp4'],
  ['video_note', 'video', 'video/mp4'],
  ['animation', 'video', 'video/mp4'],
  ['document', 'file', 'application/octet-stream'],
] as const satisfies readonly (readonly [keyof Message, MediaKind, string])[];

/** The parts of a message; one that is of no kind we know is kept as such. */
export function partsOf(message: Message): PartInput[] {
  const { text, venue, location, contact } = message;
  if (text !== undefined) return [{ type: 'text', text }];
  if (venue) return [{ type: 'location', ...venue.location, name: venue.title, address: venue.address }];
  if (location) return [{ type: 'location', ...location }];
  if (contact) {
    const name = [contact.first_name, contact.last_name].join(' ').trim();
    return [{ type: 'contact-card', name, handles: [{ scheme: 'phone', value: contact.phone_number }] }];
  }
  return [mediaOf(message) ?? { type: 'unsupported', providerType: 'a message of another kind' }];
}

function mediaOf(message: Message): PartInput | null {
  const { photo, sticker, caption } = message;
  const words = caption ? { caption } : {};
  // Sizes of one photo, smallest first.
  const largest = photo?.at(-1);
  if (largest) return { ...pending(largest, 'image', 'image/jpeg'), ...words };
  if (sticker) return pending(sticker, 'sticker', sticker.is_video ? 'video/webm' : sticker.is_animated ? 'application/x-tgsticker' : 'image/webp'); // prettier-ignore
  for (const [name, kind, type] of FILES) {
    const found = message[name];
    if (!found) continue;
    const { mime_type: mimeType = type, file_name: called, duration } = found;
    const more = {
      ...(called && { name: called }),
      ...(duration !== undefined && { durationMs: Math.round(duration * 1_000) }),
    };
    return { ...pending(found, kind, mimeType), ...more, ...words };
  }
  return null;
}

function pending(file: { file_id: string; file_size?: number | undefined }, kind: MediaKind, mimeType: string) {
  return { type: 'media', kind, ref: file.file_id, mimeType, bytes: file.file_size ?? null, state: 'pending' } as const;
}

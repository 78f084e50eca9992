import type { MediaPart } from '#normalizer';

const LONGEST = 150;
/** What could make a name something else than it looks like, or than a name: controls, invisible ones too (bidi), and what paths are made of. */
const UNSAFE = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\\/:*?"<>|]+/gu;
const ENDINGS: Readonly<Record<string, string>> = {
  'image/jpeg': '.jpg',
  'image/png': '.png',
  'image/gif': '.gif',
  'image/webp': '.webp',
  'application/pdf': '.pdf',
  'audio/mpeg': '.mp3',
  'audio/amr': '.amr',
  'audio/ogg': '.ogg',
  'video/mp4': '.mp4',
  'text/plain': '.txt',
};

/** A name under which a file can be saved anywhere, its ending kept; one by its kind where it has none. */
export function fileNameOf({ name, kind, mimeType }: Pick<MediaPart, 'name' | 'kind' | 'mimeType'>): string {
  const clean = (name ?? '')
    .toWellFormed()
    .replace(UNSAFE, '_')
    .replace(/^[\s.]+|[\s.]+$/g, '');
  if (clean === '' || /^_+$/.test(clean)) return `${kind}${ENDINGS[mimeType] ?? ''}`;
  const characters = [...clean];
  if (characters.length <= LONGEST) return clean;
  const ending = /\.[A-Za-z0-9]{1,10}$/.exec(clean)?.[0] ?? '';
  return `${characters.slice(0, LONGEST - ending.length).join('')}${ending}`;
}

/** The media type under which it travels: a part that is a mail, or has parts, is a file like others. */
export function mediaTypeOf(mimeType: string): string {
  const type = (mimeType.split(';')[0] ?? '').trim().toLowerCase();
  const plain = /^[a-z0-9][a-z0-9!#$&^_.+-]{0,100}\/[a-z0-9][a-z0-9!#$&^_.+-]{0,100}$/.test(type);
  return plain && !/^(?:message|multipart)\//.test(type) ? type : 'application/octet-stream';
}

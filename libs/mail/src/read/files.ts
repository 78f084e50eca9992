import type { MediaKind } from '#normalizer';
import { fileNameOf } from '../smtp/file-name.js';
import type { Found } from './mime.js';
import type { MailFile } from './reading.js';

const NAMES: Readonly<Record<string, string>> = {
  'message/rfc822': 'message.eml',
  'message/global': 'message.eml',
  'text/calendar': 'invite.ics',
  'text/vcard': 'contact.vcf',
  'text/html': 'text.html',
  'application/ms-tnef': 'winmail.dat',
  'application/pkcs7-mime': 'smime.p7m',
  'application/x-pkcs7-mime': 'smime.p7m',
  'application/pkcs7-signature': 'smime.p7s',
  'application/x-pkcs7-signature': 'smime.p7s',
  'application/pgp-signature': 'signature.asc',
  'application/pgp-encrypted': 'version.asc',
  'message/delivery-status': 'delivery-status.txt',
  'text/rfc822-headers': 'headers.txt',
};
const PICTURES = /^image\/(?:png|jpe?g|gif|webp|bmp|heic|heif|avif|tiff)$/;

/** A file as its part of the message names it. What programs call it is a claim: the store looks at the octets. */
export function mailFile(found: Found, index: number, shown: ReadonlySet<string>): MailFile {
  const mimeType = cleanType(found.mimeType);
  const kind = kindOf(mimeType);
  const contentId = found.contentId?.replace(/[\s<>]/g, '').slice(0, 400);
  return {
    ...{ index, kind, mimeType, name: nameOf(found, { kind, mimeType }), bytes: found.content.byteLength },
    ...(contentId && { contentId }),
    inline: contentId !== undefined && shown.has(contentId),
  };
}

/** A name under which the file can be saved anywhere. */
export function nameOf(
  found: Pick<Found, 'filename'>,
  { kind, mimeType }: { kind: MediaKind; mimeType: string },
): string {
  const given = found.filename?.trim();
  return fileNameOf({ name: given ? given : NAMES[mimeType], kind, mimeType });
}

export function kindOf(mimeType: string): MediaKind {
  if (PICTURES.test(mimeType)) return 'image';
  return mimeType.startsWith('audio/') ? 'audio' : mimeType.startsWith('video/') ? 'video' : 'file';
}

export function cleanType(mimeType: string): string {
  const type = mimeType.trim().toLowerCase();
  return /^[a-z0-9][\w.+!#$&^-]{0,90}\/[a-z0-9][\w.+!#$&^-]{0,90}$/.test(type) ? type : 'application/octet-stream';
}

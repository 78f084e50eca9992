import type { ByteRange, FileRow } from '#conversations';

/** What browsers may show in place; everything else is saved. */
const SHOWN = new Set([
  ...['image/png', 'image/apng', 'image/jpeg', 'image/gif', 'image/webp', 'image/avif', 'image/bmp'],
  ...['audio/mpeg', 'audio/mp4', 'audio/x-m4a', 'audio/aac', 'audio/ogg', 'audio/ogg; codecs=opus', 'audio/opus', 'audio/wav', 'audio/webm', 'audio/amr', 'audio/flac', 'audio/x-flac'],
  ...['video/mp4', 'video/webm', 'video/ogg', 'video/quicktime', 'video/3gpp'],
]); // prettier-ignore
/** Types that say no more to a browser than "bytes". Documents that run scripts lose their type. */
const PLAIN = new Set(['application/pdf', 'application/zip', 'application/json']);

/** Headers under which a stored file is harmless, whatever is in it. `expiresInS` is how long its address is still good. */
export function fileHeaders(row: FileRow, expiresInS: number): Record<string, string> {
  const shown = SHOWN.has(row.mimeType);
  return {
    'content-type': shown ? row.mimeType : safeType(row.mimeType),
    'content-disposition': disposition(shown ? 'inline' : 'attachment', row.name ?? 'file'),
    'x-content-type-options': 'nosniff',
    'content-security-policy':
      "sandbox; default-src 'none'; img-src 'self'; media-src 'self'; style-src 'unsafe-inline'",
    'cross-origin-resource-policy': 'cross-origin',
    'referrer-policy': 'no-referrer',
    'cache-control': `private, max-age=${Math.max(0, Math.floor(expiresInS))}, immutable`,
    'accept-ranges': 'bytes',
    etag: etagOf(row),
  };
}

export function etagOf(row: FileRow): string {
  return `"${row.sha256 ?? row.id}"`;
}

function safeType(mimeType: string): string {
  if (PLAIN.has(mimeType) || mimeType.startsWith('application/vnd.openxmlformats')) return mimeType;
  return mimeType.startsWith('text/') && mimeType !== 'text/html'
    ? 'text/plain; charset=utf-8'
    : 'application/octet-stream';
}

/** RFC 6266: an ASCII name for the old, and the real one. */
function disposition(kind: 'inline' | 'attachment', name: string): string {
  const ascii = name.replace(/[^\x20-\x7e]/g, '_').replace(/["\\%]/g, '_');
  const encoded = encodeURIComponent(name.toWellFormed()).replace(
    /['()*]/g,
    (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`,
  );
  return `${kind}; filename="${ascii}"; filename*=UTF-8''${encoded}`;
}

/** The one range that was asked for; null for the whole file (none, several, or not understood); `outside` where there are no such bytes. */
export function rangeOf(header: string | undefined, size: number): ByteRange | null | 'outside' {
  const match = /^bytes=(\d{0,15})-(\d{0,15})$/.exec(header ?? '');
  if (!match || (match[1] === '' && match[2] === '')) return null;
  const start = match[1] === '' ? Math.max(0, size - Number(match[2])) : Number(match[1]);
  const end = match[1] === '' || match[2] === '' ? size - 1 : Math.min(Number(match[2]), size - 1);
  return start > end || start >= size ? 'outside' : { start, end };
}

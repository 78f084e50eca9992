const MAX_CODE_POINTS = 120;
/** Controls, and all that makes a name read otherwise than it is: bidi marks, embeddings, overrides and isolates, invisible separators. */
const INVISIBLE =
  /[\p{Cc}\u061C\u180E\u200B\u200E\u200F\u2028-\u202E\u2060-\u206F\uFEFF\uFFF9-\uFFFB]|[\u{E0000}-\u{E007F}]/gu;
const FORBIDDEN = /[<>:"|?*]/g;
/** Names that Windows takes for devices, with or without an extension. */
const DEVICE = /^(?:con|prn|aux|nul|com\d|lpt\d)(?=\.|$)/i;

/**
 * A name under which a file can be saved anywhere: the last segment of a path, without controls and bidi tricks, without leading or trailing
 * dots and spaces, at most 120 code points with the extension kept. Letters of every script stay. Empty input gives `fallback`.
 */
export function safeFileName(name: string | undefined, fallback = 'file'): string {
  const segment = (name ?? '').slice(-4_000).toWellFormed().normalize('NFC').split(/[/\\]/).at(-1) ?? '';
  const clean = segment
    .replace(INVISIBLE, '')
    .replace(FORBIDDEN, '_')
    .replace(/\s+/g, ' ')
    .replace(/^[. ]+|[. ]+$/g, '');
  const named = DEVICE.test(clean) ? `_${clean}` : clean;
  return shorten(named) || fallback;
}

function shorten(name: string): string {
  const points = [...name];
  if (points.length <= MAX_CODE_POINTS) return name;
  const extension = /\.[A-Za-z0-9]{1,10}$/.exec(name)?.[0] ?? '';
  return (
    points
      .slice(0, MAX_CODE_POINTS - extension.length)
      .join('')
      .trimEnd() + extension
  );
}

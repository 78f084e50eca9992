/** GSM 03.38 default alphabet and its extension table (3GPP TS 23.038 section 6.2.1). ESC itself stands for no character. */
const BASIC =
  '@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !"#¤%&\'()*+,-./0123456789:;<=>?' +
  '¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà';
const EXTENSION = '\f^{}\\[~]|€';
/** Where the characters of `EXTENSION` stand in their table. */
const EXTENSION_CODES = [0x0a, 0x14, 0x28, 0x29, 0x2f, 0x3c, 0x3d, 0x3e, 0x40, 0x65];
const ESC = 0x1b;
/** Octets of user data in one SMS (3GPP TS 23.040). */
const USER_DATA = 140;
const LATIN1 = /^[\x20-\x7e\n\r\xa0-\xff]*$/;

const SEPTETS = new Uint8Array(0x10000);
for (const char of BASIC) SEPTETS[char.charCodeAt(0)] = 1;
for (const char of EXTENSION) SEPTETS[char.charCodeAt(0)] = 2;

/** Septets of one UTF-16 unit in GSM-7: 1, 2 (escape pair) or 0 where the alphabet does not have it. */
export function septets(codeUnit: number): number {
  return SEPTETS[codeUnit] ?? 0;
}

/** Can the whole text travel in GSM-7? One character outside sends the whole message as UCS-2. */
export function isGsm7(text: string): boolean {
  for (let i = 0; i < text.length; i += 1) if (septets(text.charCodeAt(i)) === 0) return false;
  return true;
}

/** Can the whole text travel in Latin-1 (ISO 8859-1)? */
export function isLatin1(text: string): boolean {
  return LATIN1.test(text);
}

/** How a text travels as SMS. `units` are septets in `gsm7`, UTF-16 units in `ucs2`. */
export interface SegmentCount {
  readonly encoding: 'gsm7' | 'ucs2';
  readonly units: number;
  readonly segments: number;
}

/** How a provider makes SMS of a text. */
export interface Carriage {
  /** `gsm7`: UCS-2 only where a character is outside that alphabet; `latin1`: or outside of Latin-1, which carries it. `ucs2`: always, as providers in China do. */
  readonly alphabet: 'gsm7' | 'latin1' | 'ucs2';
  /** Characters that the provider itself puts before the text: a signature, a template's wording. */
  readonly added?: number;
  /** Octets of the header by which several segments name each other: 6, or 7 with references of 16 bits. */
  readonly header?: number;
}

/**
 * Counts the segments that a carrier bills: 160 septets or 70 UCS-2 units in one segment; 153 or 67 in each of several, where neither an
 * escape pair nor a surrogate pair is divided. A longer header takes its octets of each. An empty text is one segment. National shift tables are
 * not used: what only they have (`ş`, `ç`, `ő`) travels as UCS-2.
 */
export function countSegments(
  given: string,
  { alphabet, added = 0, header = 6 }: Carriage = { alphabet: 'gsm7' },
): SegmentCount {
  const text = 'x'.repeat(added) + given;
  const gsm = alphabet !== 'ucs2' && isGsm7(text) && (alphabet === 'gsm7' || isLatin1(text));
  const single = gsm ? 160 : 70;
  const each = gsm ? Math.floor(((USER_DATA - header) * 8) / 7) : (USER_DATA - header) >> 1;
  let segments = 1;
  let inSegment = 0;
  let units = 0;
  for (let i = 0; i < text.length;) {
    const width = (text.codePointAt(i) ?? 0) > 0xffff ? 2 : 1;
    const cost = gsm ? septets(text.charCodeAt(i)) : width;
    if (inSegment + cost > each) {
      segments += 1;
      inSegment = 0;
    }
    inSegment += cost;
    units += cost;
    i += width;
  }
  return { encoding: gsm ? 'gsm7' : 'ucs2', units, segments: units <= single ? 1 : segments };
}

/** A text in GSM-7, one septet an octet, as carriers take it unpacked. What is outside the alphabet becomes `?`. */
export function toGsm7(text: string): Buffer {
  const octets: number[] = [];
  for (const char of text) {
    const at = BASIC.indexOf(char);
    const extended = EXTENSION.indexOf(char);
    if (at >= 0) octets.push(at < ESC ? at : at + 1);
    else if (extended >= 0) octets.push(ESC, EXTENSION_CODES[extended]!);
    else octets.push(0x3f);
  }
  return Buffer.from(octets);
}

/** The text of unpacked septets. An escape to what the extension table does not have follows a space (3GPP TS 23.038 section 6.2.1.1). */
export function fromGsm7(octets: Buffer): string {
  let text = '';
  for (let i = 0; i < octets.length; i += 1) {
    const code = octets[i]! & 0x7f;
    const extended = code === ESC ? EXTENSION_CODES.indexOf((octets[i + 1] ?? 0) & 0x7f) : -1;
    if (extended >= 0) {
      text += EXTENSION[extended];
      i += 1;
    } else text += code === ESC ? ' ' : BASIC[code < ESC ? code : code - 1];
  }
  return text;
}

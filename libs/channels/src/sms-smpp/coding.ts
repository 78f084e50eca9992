import { fromGsm7, isGsm7, isLatin1, toGsm7 } from '#normalizer';
import { fromNational, type NationalTables } from './national.js';

/** What data_coding 0, the default of the message centre, stands for. */
export type DefaultAlphabet = 'gsm7' | 'latin1';

/** How a text travels: its data_coding, and its octets as pieces that no message may divide. */
export interface Coded {
  readonly dataCoding: number;
  readonly pieces: readonly Piece[];
  /** Most of a message that has a header of so many octets, as `cost` counts; of one that has none with 0. */
  readonly room: (header: number) => number;
}

/** One character: its octets, and how much of a message it takes, in septets or octets. */
interface Piece {
  readonly octets: Buffer;
  readonly cost: number;
}

const UCS2 = 8;
/** Octets of user data in one SMS (3GPP TS 23.040). */
const USER_DATA = 140;

/**
 * Puts a text into the default alphabet where that has every character, else into UCS-2. A message centre makes GSM-7 of Latin-1, so what GSM-7 has not
 * travels as UCS-2 there, too.
 */
export function encode(text: string, alphabet: DefaultAlphabet): Coded {
  const gsm = isGsm7(text) && (alphabet === 'gsm7' || isLatin1(text));
  const chars = [...text];
  if (!gsm)
    return {
      dataCoding: UCS2,
      pieces: chars.map((char) => ({ octets: Buffer.from(char, 'utf16le').swap16(), cost: char.length * 2 })),
      room: (header) => (USER_DATA - header) & ~1,
    };
  return {
    dataCoding: 0,
    // The radio packs eight septets into seven octets, whatever we hand over.
    pieces: chars.map((char) => {
      const septets = toGsm7(char);
      return { octets: alphabet === 'gsm7' ? septets : Buffer.from(char, 'latin1'), cost: septets.length };
    }),
    room: (header) => Math.floor(((USER_DATA - header) * 8) / 7),
  };
}

/** Names of alphabets that `TextDecoder` knows, by data_coding (SMPP section 5.2.19). */
const LABELS: Readonly<Record<number, string>> = {
  5: 'shift_jis',
  6: 'iso-8859-5',
  7: 'iso-8859-8',
  13: 'euc-jp',
  14: 'euc-kr',
};

/** The text of user data; null where it is binary, or in a national alphabet that is not known. */
export function decode(
  octets: Buffer,
  dataCoding: number,
  { alphabet, tables }: { alphabet: DefaultAlphabet; tables?: NationalTables | undefined },
): string | null {
  switch (alphabetOf(dataCoding)) {
    case 'default':
      if (alphabet === 'latin1') return octets.toString('latin1');
      return tables ? fromNational(octets, tables) : fromGsm7(octets);
    case 'ascii':
      return octets.toString('latin1');
    case 'ucs2':
      return Buffer.from(octets.subarray(0, octets.length & ~1))
        .swap16()
        .toString('utf16le');
    case 'binary':
      return null;
    default:
      return new TextDecoder(LABELS[dataCoding]).decode(octets);
  }
}

/** Which alphabet a data_coding names: those of SMPP, and the groups of 3GPP TS 23.038 section 4 that carriers pass on. */
function alphabetOf(dataCoding: number): 'default' | 'ascii' | 'ucs2' | 'binary' | 'other' {
  if (dataCoding in LABELS) return 'other';
  if (dataCoding === 0) return 'default';
  if (dataCoding === 1 || dataCoding === 3) return 'ascii';
  if (dataCoding === UCS2) return 'ucs2';
  if (dataCoding >= 0xf0) return dataCoding & 0x04 ? 'binary' : 'default';
  if (dataCoding >= 0xe0) return 'ucs2';
  if (dataCoding >= 0xc0) return 'default';
  if (dataCoding < 0x10 || dataCoding >= 0x40) return 'binary';
  return (['default', 'binary', 'ucs2', 'binary'] as const)[(dataCoding >> 2) & 3]!;
}

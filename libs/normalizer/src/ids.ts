import { uuidv7 } from 'uuidv7';

const ALPHABET = '0123456789abcdefghjkmnpqrstvwxyz';

/** Prefixes of every kind of id; ids of one kind sort by the time at which they were made. */
export type IdPrefix =
  | 'evt' | 'msg' | 'cnv' | 'con' | 'cmp' | 'thr' | 'hdl' | 'unt' | 'fil' | 'key' | 'acc' | 'dst' | 'mrg' | 'cfl' | 'jrn' | 'vis' | 'req'; // prettier-ignore

/** A new id: `prefix_` + 26 lower-case Crockford base-32 digits of a UUIDv7 (48-bit milliseconds, then random bits). */
export function newId(prefix: IdPrefix): string {
  let rest = BigInt(`0x${uuidv7().replaceAll('-', '')}`);
  let digits = '';
  for (let i = 0; i < 26; i += 1) {
    digits = ALPHABET[Number(rest & 31n)] + digits;
    rest >>= 5n;
  }
  return `${prefix}_${digits}`;
}

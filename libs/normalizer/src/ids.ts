import { uuidv7obj } from 'uuidv7';

/** Prefixes of every kind of id; ids of one kind sort by the time at which they were made. */
export type IdPrefix =
  | 'ers' | 'evt' | 'msg' | 'cnv' | 'con' | 'cmp' | 'thr' | 'hdl' | 'unt' | 'fil' | 'key' | 'acc' | 'dst' | 'mrg' | 'cfl' | 'vis' | 'req' | 'imp' | 'ntc' | 'cod'; // prettier-ignore

/** A new id: `prefix_` + the 32 hex digits of a UUIDv7 (48-bit milliseconds first). The store makes the same form in SQL. */
export function newId(prefix: IdPrefix): string {
  return `${prefix}_${uuidv7obj().toHex()}`;
}

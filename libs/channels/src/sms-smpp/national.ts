import { fromGsm7 } from '#normalizer';

/** Tables that the header of user data names in place of those of GSM-7 (3GPP TS 23.040 sections 9.2.3.24.15 and .16); 0 or absent: the usual one. */
export interface NationalTables {
  readonly single?: number;
  readonly locking?: number;
}

const ESC = 0x1b;

/** Locking shift: every character but ESC (3GPP TS 23.038 annex A.3), by language. Spanish has none. */
const LOCKING: Readonly<Record<number, string>> = {
  1: '@£$¥€éùıòÇ\nĞğ\rÅåΔ_ΦΓΛΩΠΨΣΘΞ\x1bŞşßÉ !"#¤%&\'()*+,-./0123456789:;<=>?İABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§çabcdefghijklmnopqrstuvwxyzäöñüà',
  3: '@£$¥êéúíóç\nÔô\rÁáΔ_ªÇÀ∞^\\€Ó|\x1bÂâÊÉ !"#º%&\'()*+,-./0123456789:;<=>?ÍABCDEFGHIJKLMNOPQRSTUVWXYZÃÕÚÜ§~abcdefghijklmnopqrstuvwxyzãõ`üà',
};

/** What all single shift tables here have, and what each adds (annex A.2): characters, and where they stand. */
const COMMON: readonly (readonly [string, readonly number[]])[] = [
  ['\f^{}\\[~]|€', [0x0a, 0x14, 0x28, 0x29, 0x2f, 0x3c, 0x3d, 0x3e, 0x40, 0x65]],
];
const SINGLE: Readonly<Record<number, readonly (readonly [string, readonly number[]])[]>> = {
  1: [...COMMON, ['ĞİŞçğış', [0x47, 0x49, 0x53, 0x63, 0x67, 0x69, 0x73]]],
  2: [...COMMON, ['çÁÍÓÚáíóú', [0x09, 0x41, 0x49, 0x4f, 0x55, 0x61, 0x69, 0x6f, 0x75]]],
  3: [
    ...COMMON,
    ['êçÔôÁáΦΓΩΠΨΣΘÊ', [0x05, 0x09, 0x0b, 0x0c, 0x0e, 0x0f, 0x12, 0x13, 0x15, 0x16, 0x17, 0x18, 0x19, 0x1f]],
    ['ÀÍÓÚÃÕÂíóúãõâ', [0x41, 0x49, 0x4f, 0x55, 0x5b, 0x5c, 0x61, 0x69, 0x6f, 0x75, 0x7b, 0x7c, 0x7f]],
  ],
};

/** The text of unpacked septets in a national alphabet: Turkish (1), Spanish (2), Portuguese (3). Null for those of other languages. */
export function fromNational(octets: Buffer, { single = 0, locking = 0 }: NationalTables): string | null {
  const known = (table: number, tables: object) => table === 0 || table in tables;
  if (!known(single, SINGLE) || !known(locking, LOCKING)) return null;
  const shifted = new Map(
    (SINGLE[single] ?? []).flatMap(([chars, codes]) => [...chars].map((char, i) => [codes[i]!, char] as const)),
  );
  let text = '';
  for (let i = 0; i < octets.length; i += 1) {
    const code = octets[i]! & 0x7f;
    const next = code === ESC ? octets[i + 1] : undefined;
    if (next !== undefined) {
      i += 1;
      text += single === 0 ? fromGsm7(Buffer.from([ESC, next])) : (shifted.get(next & 0x7f) ?? plain(next, locking));
    } else text += code === ESC ? ' ' : plain(code, locking);
  }
  return text;
}

/** What a table does not have stands for what the locking shift has there (section 6.2.1.2.3). */
function plain(code: number, locking: number): string {
  return LOCKING[locking]?.[code & 0x7f] ?? fromGsm7(Buffer.from([code]));
}

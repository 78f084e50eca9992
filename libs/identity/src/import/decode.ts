import { isUtf8 } from 'node:buffer';

/** So many bytes are looked at to tell an encoding by. */
const SAMPLE = 262_144;

/**
 * The text of a file that a spreadsheet wrote: UTF-8 with or without its mark, UTF-16 with one, or GB18030 (Excel in China writes it as "CSV", with no mark).
 * The first bytes beyond ASCII decide, which are the same in no two of them for long; GB18030 is what is no UTF-8. Bytes that are not of the encoding become U+FFFD.
 */
export async function* decodeText(bytes: AsyncIterable<Uint8Array>): AsyncGenerator<string> {
  let decoder: InstanceType<typeof TextDecoder> | undefined;
  let held: Buffer = Buffer.alloc(0);
  for await (const chunk of bytes) {
    if (decoder) {
      yield decoder.decode(chunk, { stream: true });
      continue;
    }
    held = Buffer.concat([held, chunk]);
    if (held.every((byte) => byte < 0x80)) {
      yield held.toString('latin1');
      held = Buffer.alloc(0);
    } else if (held.length >= SAMPLE) {
      decoder = new TextDecoder(encodingOf(held, false));
      yield decoder.decode(held, { stream: true });
    }
  }
  if (decoder) yield decoder.decode();
  else yield new TextDecoder(encodingOf(held, true)).decode(held);
}

function encodingOf(sample: Buffer, isWhole: boolean): string {
  if (sample[0] === 0xff && sample[1] === 0xfe) return 'utf-16le';
  if (sample[0] === 0xfe && sample[1] === 0xff) return 'utf-16be';
  const cuts = isWhole ? [0] : [0, 1, 2, 3]; // the sample may end within a character
  return cuts.some((cut) => isUtf8(sample.subarray(0, sample.length - cut))) ? 'utf-8' : 'gb18030';
}

const HIGH = /[\x80-\xff]/;
/** Labels that senders write without looking: what is under them is tried as what people send in truth. */
const CARELESS = new Set(['utf-8', 'windows-1252', 'iso-8859-1']);
const CHINESE = new Set(['gbk', 'gb18030']);

/**
 * Text of a mail in the charset it names, read with what is known of senders: `gb2312` and `gbk` mean GB18030 (which they are part of,
 * and which is what is sent under their names); UTF-8 stands under other labels, and GB18030 under that of UTF-8 or none. A label that
 * names nothing is read as UTF-8, then as GB18030, then as windows-1252, whichever is valid. Never throws.
 */
export function decodeText(bytes: Uint8Array, label = 'utf-8'): string {
  const decoder = decoderOf(label);
  const name = decoder?.encoding ?? 'windows-1252';
  if (decoder && !CARELESS.has(name)) return (CHINESE.has(name) ? new NativeDecoder('gb18030') : decoder).decode(bytes);
  return strict(bytes, 'utf-8') ?? (isChinese(bytes) ? strict(bytes, 'gb18030') : undefined) ?? (decoder ?? new NativeDecoder('windows-1252')).decode(bytes); // prettier-ignore
}

const NativeDecoder = globalThis.TextDecoder;

/**
 * `TextDecoder` as `decodeText` reads. The thread in which mails are parsed has it in place of the built-in one, which the parser asks.
 */
export class MailDecoder extends NativeDecoder {
  readonly #label: string | undefined;

  constructor(label?: string, options?: ConstructorParameters<typeof NativeDecoder>[1]) {
    super(label, options);
    this.#label = options === undefined ? (label ?? 'utf-8') : undefined;
  }

  override decode(input?: Parameters<InstanceType<typeof NativeDecoder>['decode']>[0], options?: { stream?: boolean }): string {
    if (this.#label === undefined || input === undefined || input === null || options?.stream) return super.decode(input, options);
    const bytes = ArrayBuffer.isView(input) ? new Uint8Array(input.buffer, input.byteOffset, input.byteLength) : new Uint8Array(input as ArrayBuffer);
    return decodeText(bytes, this.#label);
  }
} // prettier-ignore

function decoderOf(label: string): InstanceType<typeof NativeDecoder> | undefined {
  try {
    return new NativeDecoder(label.trim().replace(/^["']|["']$/g, ''));
  } catch {
    return undefined;
  }
}

function strict(bytes: Uint8Array, label: string): string | undefined {
  try {
    return new NativeDecoder(label, { fatal: true }).decode(bytes);
  } catch {
    return undefined;
  }
}

/** Bytes of windows-1252 are often valid GB18030, too: Chinese text is mostly pairs of high bytes, that of Europe single ones. */
function isChinese(bytes: Uint8Array): boolean {
  let [pairs, singles] = [0, 0];
  for (let i = 0; i < Math.min(bytes.length, 65_536); i += 1) {
    if (bytes[i]! < 0x81) continue;
    if (bytes[i]! < 0xff && (bytes[i + 1] ?? 0) >= 0xa1) {
      pairs += 1;
      i += 1;
    } else singles += 1;
  }
  return pairs > singles;
}

/** Does a text hold anything but ASCII, one unit a byte? */
export const hasHighBytes = (latin1: string): boolean => HIGH.test(latin1);

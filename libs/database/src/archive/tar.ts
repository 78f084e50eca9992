/**
 * Archives in the ustar form, which every tar reads: plain files and folders, names of at most 100 bytes.
 * https://pubs.opengroup.org/onlinepubs/9799919799/utilities/pax.html (ustar Interchange Format)
 */
const BLOCK = 512;
const MOST_BYTES = 8 * 2 ** 30 - 1;
const FOLDER = '5';
const FILE = '0';

/** A file, or a folder where the name ends with a slash. */
export interface TarEntry {
  readonly name: string;
  /** Bytes. */
  readonly size: number;
  /** To be read before the next entry is asked for; what is not read is skipped. */
  readonly body: AsyncIterable<Buffer>;
}

/** The archive is damaged, or ends too early. */
export class DamagedArchive extends Error {
  override readonly name = 'DamagedArchive';
}

/** The bytes of one entry. Throws where `body` does not have the size that was said. */
export async function* tarEntry({ name, size, body }: TarEntry): AsyncGenerator<Buffer> {
  yield header(name, size);
  let written = 0;
  for await (const bytes of body) {
    written += bytes.length;
    yield bytes;
  }
  if (written !== size) throw new Error(`${name} has ${written} bytes in place of ${size}`);
  yield Buffer.alloc(padding(size));
}

/** What stands behind the last entry. */
export function tarEnd(): Buffer {
  return Buffer.alloc(2 * BLOCK);
}

/** The entries of an archive, one after another, in bounded memory. Throws `DamagedArchive`. */
export async function* readTar(source: AsyncIterable<Buffer>): AsyncGenerator<TarEntry> {
  const bytes = new Bytes(source);
  for (;;) {
    const head = await bytes.take(BLOCK);
    if (head.every((byte) => byte === 0)) return;
    const { name, size } = parse(head);
    const body = bytes.pass(size);
    yield { name, size, body };
    for await (const skipped of body) void skipped;
    await bytes.take(padding(size));
  }
}

function header(name: string, size: number): Buffer {
  if (Buffer.byteLength(name) > 100) throw new RangeError(`a name is too long for an archive: ${name}`);
  if (size > MOST_BYTES) throw new RangeError(`${name} is too large for an archive`);
  const head = Buffer.alloc(BLOCK);
  const folder = name.endsWith('/');
  const field = (value: number, width: number): string => `${value.toString(8).padStart(width - 1, '0')}\0`;
  head.write(name, 0);
  head.write(field(folder ? 0o700 : 0o600, 8) + field(0, 8) + field(0, 8) + field(size, 12) + field(0, 12), 100);
  head.write(`        ${folder ? FOLDER : FILE}`, 148);
  head.write('ustar\x0000', 257);
  head.write(`${sum(head).toString(8).padStart(6, '0')}\0 `, 148);
  return head;
}

function parse(head: Buffer): { readonly name: string; readonly size: number } {
  const text = (from: number, width: number): string => head.toString('utf8', from, from + width).split('\0')[0]!;
  const number = (from: number, width: number): number => parseInt(text(from, width).trim(), 8);
  const stored = number(148, 8);
  head.fill(' ', 148, 156);
  const size = number(124, 12);
  if (stored !== sum(head) || !Number.isSafeInteger(size) || ![FILE, FOLDER].includes(text(156, 1)))
    throw new DamagedArchive('the archive is damaged');
  return { name: text(0, 100), size };
}

function sum(head: Buffer): number {
  return head.reduce((total, byte) => total + byte, 0);
}

function padding(size: number): number {
  return (BLOCK - (size % BLOCK)) % BLOCK;
}

/** A stream of bytes, read in pieces of wanted lengths. */
class Bytes {
  readonly #source: AsyncIterator<Buffer>;
  #held: Buffer = Buffer.alloc(0);

  constructor(source: AsyncIterable<Buffer>) {
    this.#source = source[Symbol.asyncIterator]();
  }

  async take(length: number): Promise<Buffer> {
    const pieces: Buffer[] = [];
    for await (const piece of this.pass(length)) pieces.push(piece);
    return Buffer.concat(pieces);
  }

  async *pass(length: number): AsyncGenerator<Buffer> {
    for (let left = length; left > 0;) {
      if (this.#held.length === 0) this.#held = await this.#next();
      const piece = this.#held.subarray(0, left);
      this.#held = this.#held.subarray(piece.length);
      left -= piece.length;
      yield piece;
    }
  }

  async #next(): Promise<Buffer> {
    const { value, done } = await this.#source.next();
    if (done) throw new DamagedArchive('the archive ends too early');
    return value;
  }
}

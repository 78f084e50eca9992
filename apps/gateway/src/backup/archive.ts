import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { buffer } from 'node:stream/consumers';
import { createGunzip } from 'node:zlib';
import { DamagedArchive, readTar, tarEntry, type TarEntry } from '#database';
import { FORMAT, Manifest, MANIFEST } from './manifest.js';

/** An archive cannot be restored; the message says why, and what to do. */
export class Unusable extends Error {
  override readonly name = 'Unusable';
}

type Entries = Record<string, { bytes: number; sha256: string }>;

/** Makes entries and notes what they are made of. */
export class Recorder {
  readonly entries: Entries = {};

  /** The bytes of one entry of the archive. */
  async *entry(name: string, size: number, body: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
    const hash = createHash('sha256');
    async function* hashed(): AsyncGenerator<Buffer> {
      for await (const bytes of body) {
        hash.update(bytes);
        yield bytes;
      }
    }
    yield* tarEntry({ name, size, body: hashed() });
    this.entries[name] = { bytes: size, sha256: hash.digest('hex') };
  }

  whole(name: string, bytes: Buffer): AsyncGenerator<Buffer> {
    return this.entry(name, bytes.length, once(bytes));
  }
}

async function* once(bytes: Buffer): AsyncGenerator<Buffer> {
  if (bytes.length > 0) yield bytes;
}

/** The entries of the archive in a file. */
export async function* readArchive(file: string): AsyncGenerator<TarEntry> {
  const packed = createReadStream(file);
  const plain = packed.pipe(createGunzip());
  packed.once('error', (error) => plain.destroy(error));
  try {
    yield* readTar(plain);
  } finally {
    packed.destroy();
  }
}

/** Reads the whole archive and compares every byte with its checksums. Throws `Unusable`. */
export async function verify(file: string): Promise<Manifest> {
  const { manifest, found } = await digest(file).catch((error: NodeJS.ErrnoException) => {
    if (error instanceof DamagedArchive || error.code?.startsWith('Z_'))
      throw new Unusable(`${file} is damaged or not whole: ${error.message}`, { cause: error });
    throw error;
  });
  if (!manifest) throw new Unusable(`${file} has no ${MANIFEST}: it is not a whole backup`);
  for (const name of new Set([...Object.keys(manifest.entries), ...Object.keys(found)]))
    if (found[name]?.sha256 !== manifest.entries[name]?.sha256 || found[name]?.bytes !== manifest.entries[name]?.bytes)
      throw new Unusable(`${file} is damaged: ${name} is not what was written`);
  return manifest;
}

async function digest(file: string): Promise<{ readonly manifest: Manifest | undefined; readonly found: Entries }> {
  const found: Entries = {};
  let manifest: Manifest | undefined;
  for await (const { name, size, body } of readArchive(file)) {
    if (name === MANIFEST) {
      manifest = parse(file, await buffer(body));
      continue;
    }
    const hash = createHash('sha256');
    for await (const bytes of body) hash.update(bytes);
    found[name] = { bytes: size, sha256: hash.digest('hex') };
  }
  return { manifest, found };
}

function parse(file: string, bytes: Buffer): Manifest {
  try {
    return Manifest.parse(JSON.parse(bytes.toString()));
  } catch (error) {
    throw new Unusable(`${file} is not a backup of format ${FORMAT}, which this version reads`, { cause: error });
  }
}

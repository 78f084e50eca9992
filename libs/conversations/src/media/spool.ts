import { createHash, randomBytes } from 'node:crypto';
import { mkdir, open, readdir, rm, stat, type FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { FileRefused } from './file-refused.js';

/** Enough to tell the type of any file, and the size of a picture behind the largest block of camera data. */
const HEAD_BYTES = 262_144;

const STALE_MS = 24 * 3_600_000;

export type Content = Readable | Buffer;

/** A file that has been received whole and is safe on the disk, not yet in the store. */
export interface Spooled {
  readonly path: string;
  readonly bytes: number;
  readonly sha256: string;
  readonly head: Buffer;
}

/**
 * Writes content to a new file in `folder`, through to the disk. Throws `FileRefused` beyond `maxBytes` (having read no more than one chunk
 * over it) and for no bytes at all; whatever is thrown, nothing is left behind and the source is destroyed.
 */
export async function spool(content: Content, folder: string, maxBytes: number): Promise<Spooled> {
  await mkdir(folder, { recursive: true });
  const path = join(folder, randomBytes(16).toString('hex'));
  const handle = await open(path, 'wx', 0o600);
  try {
    const written = await copy(content, handle, maxBytes);
    await handle.sync();
    return { path, ...written };
  } catch (error) {
    await rm(path, { force: true });
    throw error;
  } finally {
    await handle.close();
  }
}

async function copy(content: Content, handle: FileHandle, maxBytes: number): Promise<Omit<Spooled, 'path'>> {
  const hash = createHash('sha256');
  const head: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of Buffer.isBuffer(content) ? [content] : (content as AsyncIterable<Buffer>)) {
    if (bytes < HEAD_BYTES) head.push(chunk.subarray(0, HEAD_BYTES - bytes));
    bytes += chunk.length;
    if (bytes > maxBytes) throw new FileRefused('too-large', `a file may have at most ${maxBytes} bytes`);
    hash.update(chunk);
    await handle.writeFile(chunk);
  }
  if (bytes === 0) throw new FileRefused('empty', 'the file is empty');
  return { bytes, sha256: hash.digest('hex'), head: Buffer.concat(head) };
}

/** Removes from `folder` what a crash left half received more than a day before `now` (milliseconds since 1970). */
export async function sweepIncoming(folder: string, now: number): Promise<void> {
  for (const name of await readdir(folder).catch(() => [])) {
    const path = join(folder, name);
    const age = now - (await stat(path).then((s) => s.mtimeMs, () => now)); // prettier-ignore
    if (age > STALE_MS) await rm(path, { force: true });
  }
}

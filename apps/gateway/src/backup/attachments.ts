import { FileMissing, isStorageKey, type KeptFile, type LocalFileStore } from '#conversations';
import type { Recorder } from './archive.js';
import { fileName, type Manifest } from './manifest.js';

type Told = Manifest['files'];

/**
 * The entries of all attachments. One that is gone is left out, and so is one whose size is not what was stored; one with other bytes is in the archive and
 * is not restored. A file that this user may not read ends the backup: that can be put right.
 */
export async function* attachmentsOf(
  files: readonly KeptFile[],
  store: LocalFileStore | 's3',
  recorder: Recorder,
): AsyncGenerator<Buffer, Told> {
  const [missing, damaged]: [string[], string[]] = [[], []];
  let [count, bytes] = [0, 0];
  if (store === 's3') return { store, count, bytes, missing, damaged };
  for (const file of files.filter(({ key }) => isStorageKey(key))) {
    const name = fileName(file.key);
    const body = await open(store, file);
    if (typeof body === 'string') {
      (body === 'missing' ? missing : damaged).push(file.key);
      continue;
    }
    yield* recorder.entry(name, file.bytes, exactly(file.bytes, body));
    if (recorder.entries[name]!.sha256 !== file.sha256) damaged.push(file.key);
    count += 1;
    bytes += file.bytes;
  }
  return { store: 'dir', count, bytes, missing, damaged };
}

/** A file of the local store never changes; it may be gone, when what it belonged to was erased. */
async function open(
  store: LocalFileStore,
  { key, bytes }: KeptFile,
): Promise<AsyncIterable<Buffer> | 'missing' | 'damaged'> {
  try {
    return (await store.size(key)) === bytes ? await store.open(key) : 'damaged';
  } catch (error) {
    if (error instanceof FileMissing) return 'missing';
    throw error;
  }
}

/** So many bytes, whatever becomes of the file while it is read: its entry has begun. What cannot be read is zeros, which its checksum tells. */
async function* exactly(size: number, body: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  let left = size;
  try {
    for await (const bytes of body) {
      yield bytes.subarray(0, left);
      left -= Math.min(left, bytes.length);
    }
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EIO') throw error;
  }
  for (; left > 0; left -= Math.min(left, ZEROS.length)) yield ZEROS.subarray(0, left);
}

const ZEROS = Buffer.alloc(65_536);

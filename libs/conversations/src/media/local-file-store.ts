import { createReadStream } from 'node:fs';
import { mkdir, open, rename, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Readable } from 'node:stream';
import { FileMissing, type ByteRange, type FileStore } from './file-store.js';

/** Files on the local disk, under one folder. A file appears under its key whole or not at all. */
export class LocalFileStore implements FileStore {
  readonly incoming: string;

  constructor(private readonly folder: string) {
    this.incoming = join(folder, '.incoming');
  }

  async put(key: string, path: string): Promise<void> {
    const target = join(this.folder, key);
    await mkdir(dirname(target), { recursive: true });
    await rename(path, target);
    await syncFolders(dirname(target), this.folder);
  }

  async open(key: string, range?: ByteRange): Promise<Readable> {
    const handle = await open(join(this.folder, key), 'r').catch((error: NodeJS.ErrnoException) => {
      throw error.code === 'ENOENT' ? new FileMissing(key) : error;
    });
    return createReadStream('', { fd: handle, ...range });
  }

  /** Bytes of a file. Throws `FileMissing`. */
  async size(key: string): Promise<number> {
    const { size } = await stat(join(this.folder, key)).catch((error: NodeJS.ErrnoException) => {
      throw error.code === 'ENOENT' ? new FileMissing(key) : error;
    });
    return size;
  }

  async remove(key: string): Promise<void> {
    await rm(join(this.folder, key), { force: true });
  }
}

/** A rename survives a power cut only once the folder itself is on the disk, and so up to the first one that was there before. */
async function syncFolders(from: string, to: string): Promise<void> {
  for (let folder = from; folder.startsWith(to); folder = dirname(folder)) {
    const handle = await open(folder, 'r');
    await handle.sync().finally(() => handle.close());
  }
}

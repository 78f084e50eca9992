import type { Readable } from 'node:stream';

/** First and last byte of a part of a file, both included. */
export interface ByteRange {
  readonly start: number;
  readonly end: number;
}

/** Where the bytes of files are kept. Keys are made by `storageKey` and never hold anything that a caller wrote. */
export interface FileStore {
  /** Folder for files on their way in; on the same file system as the store where that is a disk. */
  readonly incoming: string;
  /**
   * Takes over a complete file at `path` (which may be moved away) under `key`. Resolves once the bytes survive a crash. `sha256` is in hex,
   * `bytes` the exact size. A second call with the same key replaces.
   */
  put(key: string, path: string, about: { bytes: number; sha256: string }): Promise<void>;
  /** The bytes, all or a range. Throws `FileMissing`. */
  open(key: string, range?: ByteRange): Promise<Readable>;
  /** Forgets the bytes; nothing happens where there are none. */
  remove(key: string): Promise<void>;
}

/** The row is there and its bytes are not: somebody emptied the store. */
export class FileMissing extends Error {
  override readonly name = 'FileMissing';
  constructor(key: string) {
    super(`no bytes are stored under ${key}`);
  }
}

/** The key of a file: two levels of folders from the random end of its id, so that no folder holds more than a few thousand. */
export function storageKey(fileId: string): string {
  if (!/^fil_[0-9a-f]{32}$/.test(fileId)) throw new RangeError('not the id of a file');
  return `${fileId.slice(-2)}/${fileId.slice(-4, -2)}/${fileId}`;
}

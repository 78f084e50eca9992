import type { Sql } from '#database';

/** A file whose bytes are in the store, and what is known of them. */
export interface KeptFile {
  readonly key: string;
  readonly bytes: number;
  /** In hex. */
  readonly sha256: string;
}

const KEPT = `select storage_key as key, bytes::float8 as bytes, sha256 from file
  where state = 'ready' and storage_key is not null order by storage_key`;

/** All files whose bytes are in the store. */
export function storedFiles(sql: Sql): Promise<KeptFile[]> {
  return sql.query<KeptFile>(KEPT);
}

/** Is this a key that `storageKey` makes? */
export function isStorageKey(text: string): boolean {
  return /^[0-9a-f]{2}\/[0-9a-f]{2}\/fil_[0-9a-f]{32}$/.test(text);
}

import type { Sql } from '#database';

const KEYS = `select storage_key as key from file where state = 'ready' and storage_key is not null order by storage_key`;

/** The keys of all files whose bytes are in the store. */
export async function storedFiles(sql: Sql): Promise<string[]> {
  return (await sql.query<{ key: string }>(KEYS)).map(({ key }) => key);
}

/** Is this a key that `storageKey` makes? */
export function isStorageKey(text: string): boolean {
  return /^[0-9a-f]{2}\/[0-9a-f]{2}\/fil_[0-9a-f]{32}$/.test(text);
}

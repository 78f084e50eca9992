import { z } from 'zod';

/** The form of the archive. A restore refuses one that it does not know. */
export const FORMAT = 1;
export const MANIFEST = 'manifest.json';
export const SECRET_KEY = 'secret.key';

const count = z.int().nonnegative();

/** The last entry of an archive: what is in it. */
export const Manifest = z.object({
  product: z.literal('tributary'),
  format: z.literal(FORMAT),
  /** Of the program that made it. */
  version: z.string(),
  /** The moment before which everything acknowledged is in it. */
  startedAt: z.iso.datetime(),
  database: z.enum(['embedded', 'postgres']),
  migrations: z.array(z.string()),
  /** In the order in which they can be filled. */
  tables: z.array(z.object({ name: z.string(), columns: z.array(z.string()), rows: count })),
  sequences: z.array(z.object({ name: z.string(), value: z.string(), called: z.boolean() })),
  files: z.object({
    /** `s3`: the bytes stay in their bucket and are not in the archive. */
    store: z.enum(['dir', 's3']),
    count,
    bytes: count,
    /** Files that are known and whose bytes were gone when they were to be copied. */
    missing: z.array(z.string()),
    /** Files whose bytes were not what was stored when they were to be copied. They are not restored. */
    damaged: z.array(z.string()).default([]),
  }),
  /** Is the key that reads stored credentials in it? */
  secretKey: z.boolean(),
  /** Every other entry: size, and SHA-256 in hex. */
  entries: z.record(z.string(), z.object({ bytes: count, sha256: z.string() })),
});
export type Manifest = z.infer<typeof Manifest>;

/** Names of entries: rows of a table, piece by piece, and files by their keys. */
export const pieceName = (table: string, piece: number): string =>
  `tables/${table}/${String(piece).padStart(6, '0')}.copy`;
export const fileName = (key: string): string => `files/${key}`;

/** What an entry is, by its name; undefined for none of ours. */
export function entryOf(name: string): { readonly table: string } | { readonly file: string } | undefined {
  const table = /^tables\/([^/]+)\/\d+\.copy$/.exec(name)?.[1];
  if (table !== undefined) return { table };
  const file = /^files\/(.+)$/.exec(name)?.[1];
  return file === undefined ? undefined : { file };
}

import type { Sql, Statement } from '#database';
import { InvalidInput, type MediaKind, type MediaPart, type Part } from '#normalizer';
import type { FileRow } from './files.js';
import { kindOf } from './sniff.js';

const FIND: Statement = {
  name: 'file_of_message',
  text: `select id, mime_type as "mimeType", bytes::float8 as bytes, name, width, height, state, owner from file where id = any ($1::text[])`,
};
const TIE: Statement = {
  name: 'file_tie',
  text: `with tied as (update file set message_id = $1 where id = any ($2::text[]) and message_id is null returning id)
    insert into file_use (file_id, message_id) select f.id, $1 from file f where f.id = any ($2::text[]) and f.message_id <> $1 on conflict do nothing`,
};
/** Kinds that the bytes cannot tell, and what the bytes must be for them. */
const NARROWER: Readonly<Partial<Record<MediaKind, MediaKind>>> = { voice: 'audio', sticker: 'image' };

/**
 * Parts with the truth about stored files in place of what the writer said of them: type, size, name. With `owner`, only files of that owner are
 * taken. Throws `InvalidInput` for a file that is unknown, another's, or has no bytes.
 */
export async function resolveFiles(sql: Sql, parts: readonly Part[], owner?: string): Promise<readonly Part[]> {
  const ids = fileIds(parts);
  if (ids.length === 0) return parts;
  const rows = new Map((await sql.query<FileRow & Record<string, unknown>>(FIND, [ids])).map((row) => [row.id, row]));
  const resolve = (part: MediaPart, path: string): MediaPart => {
    if (!part.fileId) return part;
    const row = rows.get(part.fileId);
    if (!row || row.state === 'unavailable' || (owner !== undefined && row.owner !== owner)) {
      throw new InvalidInput([{ path: `${path}.fileId`, message: 'there is no such file' }]);
    }
    return describe(part, row);
  };
  return parts.map((part, i) => {
    if (part.type === 'media') return resolve(part, `parts.${i}`);
    return part.type === 'card' && part.media ? { ...part, media: resolve(part.media, `parts.${i}.media`) } : part;
  });
}

/** Ties uploads to the message that carries them, in its transaction, and notes further messages that do; uploads that nothing ties are swept. */
export async function tieFiles(sql: Sql, messageId: string, parts: readonly Part[]): Promise<void> {
  const ids = fileIds(parts);
  if (ids.length > 0) await sql.query(TIE, [messageId, ids]);
}

function fileIds(parts: readonly Part[]): string[] {
  const media = parts.map((part) => (part.type === 'media' ? part : part.type === 'card' ? part.media : undefined));
  return media.flatMap((part) => part?.fileId ?? []);
}

function describe({ url: _url, ref: _ref, ...part }: MediaPart, row: FileRow): MediaPart {
  const kind = kindOf(row.mimeType);
  return {
    ...part,
    kind: part.kind === 'file' || NARROWER[part.kind] === kind ? part.kind : kind,
    mimeType: row.mimeType,
    bytes: row.bytes,
    state: row.state,
    ...(row.name !== null && { name: row.name }),
    ...(row.width && row.height && { width: row.width, height: row.height }),
  };
}

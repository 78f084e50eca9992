import type { Sql, Statement } from '#database';
import { newId, type MediaPart, type Part } from '#normalizer';
import { safeFileName } from './file-name.js';

/** A file whose bytes are still at the provider. `ref` says where: `ref:` + the adapter's own reference, or `url:` + an address. */
export interface PendingFile {
  readonly id: string;
  readonly accountId: string;
  readonly ref: string;
  readonly mimeType: string;
  readonly name: string | null;
}

const REGISTER: Statement = {
  name: 'file_register_pending',
  text: `insert into file (id, mime_type, name, state, account_id, ref, due_at)
    select x->>'id', x->>'mimeType', x->>'name', 'pending', x->>'accountId', x->>'ref', now() from jsonb_array_elements($1::jsonb) x`,
};

/**
 * Takes the media that is not ours yet out of a message: parts with a `ref`, or with a `url` and no `fileId`, get a file of their own and are
 * `pending`; refs and foreign URLs leave the part. Pure. Parts without such media are returned as they are, with no files.
 */
export function extractPending(
  accountId: string,
  parts: readonly Part[],
): { parts: readonly Part[]; files: PendingFile[] } {
  const files: PendingFile[] = [];
  const take = (part: MediaPart): MediaPart => {
    const source = part.fileId ? undefined : part.ref ? `ref:${part.ref}` : part.url ? `url:${part.url}` : undefined;
    if (!source) return part;
    const { ref: _ref, url: _url, ...rest } = part;
    const name = part.name === undefined ? null : safeFileName(part.name);
    const file = { id: newId('fil'), accountId, ref: source, mimeType: part.mimeType, name };
    files.push(file);
    return { ...rest, fileId: file.id, state: 'pending', ...(name !== null && { name }) };
  };
  const taken = parts.map((part) => {
    if (part.type === 'media') return take(part);
    return part.type === 'card' && part.media ? { ...part, media: take(part.media) } : part;
  });
  return files.length === 0 ? { parts, files } : { parts: taken, files };
}

/**
 * Makes the rows of `extractPending`, in the transaction that stores the message (before `intake(...)`, which ties them to it). What no message
 * takes up is swept as an orphan. Afterwards `database.hint('files')` starts the fetcher at once.
 */
export async function registerPending(sql: Sql, files: readonly PendingFile[]): Promise<void> {
  if (files.length > 0) await sql.query(REGISTER, [JSON.stringify(files)]);
}

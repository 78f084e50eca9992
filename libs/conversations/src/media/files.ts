import type { Sql, Statement } from '#database';
import { newId, type MediaKind } from '#normalizer';
import { rm } from 'node:fs/promises';
import type { Readable } from 'node:stream';
import { NotFound } from '../ports.js';
import { safeFileName } from './file-name.js';
import { FileRefused } from './file-refused.js';
import { storageKey, type ByteRange, type FileStore } from './file-store.js';
import type { FileUrls } from './file-urls.js';
import { sniff } from './sniff.js';
import { spool, type Content, type Spooled } from './spool.js';

/** A file as the API answers it. */
export interface StoredFile {
  readonly id: string;
  readonly url: string;
  readonly mimeType: string;
  readonly bytes: number;
  readonly name: string;
  readonly kind: MediaKind;
  readonly width?: number;
  readonly height?: number;
}

/** What the sender says of a file, and whose it is. */
export interface AboutFile {
  readonly name?: string | undefined;
  /** The sender's word on the type: never trusted. */
  readonly declaredType?: string | undefined;
  /** Who may put it into a message (`visitor:vis_...`); absent: whoever may call the API. */
  readonly owner?: string | undefined;
  readonly accountId?: string | undefined;
  /** Lower than the installation's own limit. */
  readonly maxBytes?: number | undefined;
  /** Types that are taken, by what the bytes are: exact or `image/*`. Absent or empty: all. */
  readonly mimeTypes?: readonly string[] | undefined;
}

/** A row of table `file`. */
export interface FileRow {
  readonly id: string;
  readonly mimeType: string;
  readonly bytes: number | null;
  readonly name: string | null;
  readonly width: number | null;
  readonly height: number | null;
  readonly sha256: string | null;
  readonly state: 'pending' | 'ready' | 'unavailable';
  readonly accountId: string | null;
  readonly messageId: string | null;
  readonly owner: string | null;
  readonly reason: string | null;
}

/** The bytes of a file on their way out, with what is known of them. */
export interface OpenFile {
  readonly stream: Readable;
  readonly mimeType: string;
  readonly bytes: number;
  readonly name: string;
}

/** Bytes that are safe in the store, and not yet known to the database. */
export interface ReceivedFile extends Omit<StoredFile, 'url'> {
  readonly key: string;
  readonly sha256: string;
}

const INSERT: Statement = {
  name: 'file_insert',
  text: `insert into file (id, storage_key, mime_type, bytes, name, width, height, sha256, account_id, owner)
    values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)`,
};
const FIND: Statement = {
  name: 'file_find',
  text: `select id, mime_type as "mimeType", bytes::float8 as bytes, name, width, height, sha256, state, account_id as "accountId",
    message_id as "messageId", owner, reason from file where id = any ($1::text[])`,
};
const ORPHANS: Statement = {
  name: 'file_orphans',
  text: `delete from file where id in (
      select id from file where message_id is null and created_at < now() - make_interval(secs => $1) order by created_at limit 500)
    returning storage_key as key`,
};

const REMOVALS: Statement = {
  name: 'file_removals',
  text: 'select key from file_removal where due_at <= now() order by due_at limit $1',
};
/** Bytes that may have been on their way when they were to be deleted are deleted once more. */
const REMOVED: Statement = {
  name: 'file_removed',
  text: `with again as (update file_removal set due_at = again_at, again_at = null where key = $1 and again_at is not null returning key)
    delete from file_removal where key = $1 and again_at is null and key not in (select key from again)`,
};
const [yes, no] = [() => true, () => false];

/** The media room: takes bytes in, says what they are, keeps them, gives them out. */
export class Files {
  /** Largest file taken, bytes. */
  readonly maxBytes: number;
  private readonly database: Sql;
  private readonly keeper: FileStore;
  private readonly urls: FileUrls;

  constructor(parts: { database: Sql; store: FileStore; urls: FileUrls; maxBytes: number }) {
    this.database = parts.database;
    this.keeper = parts.store;
    this.urls = parts.urls;
    this.maxBytes = parts.maxBytes;
  }

  /** Stores a file and its row. Throws `FileRefused`. Never call it inside a transaction with a stream that waits for the network. */
  async store(sql: Sql, content: Content, about: AboutFile = {}): Promise<StoredFile> {
    const file = await this.receive(content, about);
    await this.recordOrDiscard(sql, file, about);
    return this.present(file);
  }

  /** The first half of `store`: the bytes, without the row. */
  async receive(content: Content, about: AboutFile = {}, id: string = newId('fil')): Promise<ReceivedFile> {
    const limit = Math.min(about.maxBytes ?? this.maxBytes, this.maxBytes);
    const spooled = await spool(content, this.keeper.incoming, limit);
    try {
      return await this.keep(id, spooled, about);
    } catch (error) {
      await rm(spooled.path, { force: true });
      throw error;
    }
  }

  /** The second half: makes the file known, in the caller's transaction. */
  async record(sql: Sql, file: ReceivedFile, about: Pick<AboutFile, 'accountId' | 'owner'> = {}): Promise<void> {
    const { id, key, mimeType, bytes, name, width = null, height = null, sha256 } = file;
    await sql.query(INSERT, [
      id,
      key,
      mimeType,
      bytes,
      name,
      width,
      height,
      sha256,
      about.accountId ?? null,
      about.owner ?? null,
    ]);
  }

  /** `record` for a caller who has no more to do: where it fails, the bytes are removed again. */
  async recordOrDiscard(sql: Sql, file: ReceivedFile, about?: Pick<AboutFile, 'accountId' | 'owner'>): Promise<void> {
    try {
      await this.record(sql, file, about);
    } catch (error) {
      await this.discard(file).catch(() => undefined);
      throw error;
    }
  }

  /** Forgets what `receive` took, where it is not recorded after all. */
  async discard(file: ReceivedFile): Promise<void> {
    await this.keeper.remove(file.key);
  }

  present({ id, mimeType, bytes, name, kind, width, height }: Omit<StoredFile, 'url'>): StoredFile {
    return { id, url: this.urls.sign(id), mimeType, bytes, name, kind, ...(width && height && { width, height }) };
  }

  /** The rows of these files, in no order; unknown ids are left out. */
  async find(ids: readonly string[], sql: Sql = this.database): Promise<FileRow[]> {
    return ids.length === 0 ? [] : sql.query<FileRow & Record<string, unknown>>(FIND, [ids]);
  }

  /** Opens a file that is ready, whole or a range. Throws `NotFound` (no such file, or its bytes never came), `FileMissing`. */
  async open(fileId: string, range?: ByteRange): Promise<OpenFile> {
    const [row] = await this.find([fileId]);
    if (row?.state !== 'ready') throw new NotFound('no such file');
    return this.openRow(row, range);
  }

  /** As `open`, for a row that was read before. */
  async openRow(row: FileRow, range?: ByteRange): Promise<OpenFile> {
    const stream = await this.keeper.open(storageKey(row.id), range);
    return { stream, mimeType: row.mimeType, bytes: row.bytes ?? 0, name: row.name ?? 'file' };
  }

  /** Removes uploads that no message took up within `olderThanS` seconds, 500 at a time. Returns how many. */
  async removeOrphans(olderThanS = 86_400): Promise<number> {
    const gone = await this.database.query<{ key: string | null }>(ORPHANS, [olderThanS]);
    for (const { key } of gone) if (key) await this.keeper.remove(key);
    return gone.length;
  }

  /**
   * Deletes the bytes of files that were erased, at most `limit`. What the store does not delete now stays noted, and is tried again at the next call. Returns how many are gone.
   */
  async removeErased(limit = 500): Promise<number> {
    const due = await this.database.query<{ key: string }>(REMOVALS, [limit]);
    let gone = 0;
    for (const { key } of due) {
      if (await this.keeper.remove(key).then(yes, no)) {
        await this.database.query(REMOVED, [key]);
        gone += 1;
      }
    }
    return gone;
  }

  private async keep(id: string, spooled: Spooled, about: AboutFile): Promise<ReceivedFile> {
    const sniffed = await sniff(spooled.head, about.declaredType);
    if (!typeAllowed(sniffed.mimeType, about.mimeTypes)) {
      throw new FileRefused('type-refused', `files of type ${sniffed.mimeType} are not taken here`);
    }
    const key = storageKey(id);
    await this.keeper.put(key, spooled.path, spooled);
    return { id, key, bytes: spooled.bytes, sha256: spooled.sha256, name: safeFileName(about.name), ...sniffed };
  }
}

/** Is the type on the list (`image/png`, `image/*`)? SVG is a document and no `image/*`. An empty or absent list admits everything. */
export function typeAllowed(mimeType: string, allowed: readonly string[] | undefined): boolean {
  if (!allowed?.length) return true;
  return allowed.some(
    (a) =>
      a === '*/*' ||
      a === mimeType ||
      (a.endsWith('/*') && mimeType !== 'image/svg+xml' && mimeType.startsWith(a.slice(0, -1))),
  );
}

import { createWriteStream } from 'node:fs';
import { mkdir, open, rename, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { createGzip } from 'node:zlib';
import { FileMissing, isStorageKey, storedFiles, type LocalFileStore } from '#conversations';
import { openSnapshot, tarEnd, type DatabasePlace, type Snapshot } from '#database';
import { Recorder } from './archive.js';
import { fileName, FORMAT, MANIFEST, pieceName, SECRET_KEY, type Manifest } from './manifest.js';

export interface BackupOptions {
  readonly database: DatabasePlace;
  /** The archive to be written, or a folder, in which it gets a name with the time. */
  readonly target: string;
  /** Where the bytes of attachments are; those in a bucket stay there. */
  readonly files: LocalFileStore | 's3';
  /** The key that reads stored credentials, where it is to be in the archive. */
  readonly secretKey?: string | undefined;
  /** Of this program. */
  readonly version: string;
}

export interface Backup {
  readonly path: string;
  readonly bytes: number;
  readonly manifest: Manifest;
}

/**
 * Writes everything that was committed before the call into one archive, while the gateway may be running. The archive gets its name when it is whole
 * and on the disk. Beside it there must be room for a copy of the embedded database for as long as it takes.
 */
export async function backUp(options: BackupOptions): Promise<Backup> {
  const startedAt = new Date();
  const path = await pathOf(options.target, startedAt);
  const scratch = `${path}.unfinished-${process.pid}`;
  await mkdir(scratch, { recursive: true, mode: 0o700 });
  try {
    const unfinished = join(scratch, 'archive');
    const written: { manifest?: Manifest } = {};
    const content = contentOf({ ...options, scratch, startedAt, written });
    await pipeline(content, createGzip({ level: 4 }), createWriteStream(unfinished, { mode: 0o600, flush: true }));
    await rename(unfinished, path);
    await syncFolder(dirname(path));
    return { path, bytes: (await stat(path)).size, manifest: written.manifest! };
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}

async function pathOf(target: string, at: Date): Promise<string> {
  const folder = await stat(target).then((found) => found.isDirectory(), () => false); // prettier-ignore
  if (!folder) return target;
  return join(target, `tributary-${at.toISOString().replaceAll(':', '-').slice(0, 19)}Z.tar.gz`);
}

interface Job extends BackupOptions {
  readonly scratch: string;
  readonly startedAt: Date;
  /** Where the manifest is left. */
  readonly written: { manifest?: Manifest };
}

/** The database first, so that no transaction stays open while files are read: those that it knows are in the store already. */
async function* contentOf(job: Job): AsyncGenerator<Buffer> {
  const recorder = new Recorder();
  const snapshot = await openSnapshot(job.database, job.scratch);
  let tables: Manifest['tables'];
  let keys: string[];
  try {
    tables = yield* tablesOf(snapshot, recorder);
    keys = await storedFiles(snapshot.sql);
  } finally {
    await snapshot.close();
  }
  const files = yield* filesOf(keys, job.files, recorder);
  if (job.secretKey !== undefined) yield* recorder.whole(SECRET_KEY, Buffer.from(`${job.secretKey}\n`));
  const { kind: database, migrations, sequences } = snapshot;
  const manifest: Manifest = {
    ...{ product: 'tributary', format: FORMAT, version: job.version, startedAt: job.startedAt.toISOString() },
    ...{ database, migrations: [...migrations], tables, sequences: [...sequences], files },
    ...{ secretKey: job.secretKey !== undefined, entries: recorder.entries },
  };
  yield* new Recorder().whole(MANIFEST, Buffer.from(JSON.stringify(manifest, null, 1)));
  yield tarEnd();
  job.written.manifest = manifest;
}

async function* tablesOf(snapshot: Snapshot, recorder: Recorder): AsyncGenerator<Buffer, Manifest['tables']> {
  const tables: Manifest['tables'] = [];
  for (const table of snapshot.tables) {
    let [rows, pieces] = [0, 0];
    for await (const piece of snapshot.rows(table)) {
      yield* recorder.whole(pieceName(table.name, ++pieces), piece.bytes);
      rows += piece.rows;
    }
    tables.push({ name: table.name, columns: [...table.columns], rows });
  }
  return tables;
}

async function* filesOf(
  keys: readonly string[],
  store: BackupOptions['files'],
  recorder: Recorder,
): AsyncGenerator<Buffer, Manifest['files']> {
  const missing: string[] = [];
  let [count, bytes] = [0, 0];
  if (store === 's3') return { store, count, bytes, missing };
  for (const key of keys.filter(isStorageKey)) {
    const found = await whole(store, key);
    if (!found) {
      missing.push(key);
      continue;
    }
    yield* recorder.entry(fileName(key), found.size, found.body);
    count += 1;
    bytes += found.size;
  }
  return { store: 'dir', count, bytes, missing };
}

interface OpenFile {
  readonly size: number;
  readonly body: AsyncIterable<Buffer>;
}

/** A file of the local store never changes; it may be gone, when what it belonged to was erased. */
async function whole(store: LocalFileStore, key: string): Promise<OpenFile | undefined> {
  try {
    const size = await store.size(key);
    return { size, body: (await store.open(key)) as AsyncIterable<Buffer> };
  } catch (error) {
    if (error instanceof FileMissing) return undefined;
    throw error;
  }
}

/** Windows cannot open a folder. */
async function syncFolder(folder: string): Promise<void> {
  if (process.platform === 'win32') return;
  const handle = await open(folder, 'r');
  await handle.sync().finally(() => handle.close());
}

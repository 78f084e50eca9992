import { createWriteStream } from 'node:fs';
import { open, rename, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { createGzip } from 'node:zlib';
import { storedFiles, type KeptFile, type LocalFileStore } from '#conversations';
import { openSnapshot, tarEnd, type DatabasePlace, type Snapshot } from '#database';
import { Recorder } from './archive.js';
import { attachmentsOf } from './attachments.js';
import { FORMAT, MANIFEST, pieceName, SECRET_KEY, type Manifest } from './manifest.js';
import { openScratch } from './scratch.js';

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
  const inFolder = await isFolder(options.target);
  const path = inFolder ? join(options.target, nameOf(startedAt)) : options.target;
  const scratch = await openScratch(path, (name) => (inFolder ? NAMED.test(name) : name === basename(path)));
  try {
    const unfinished = join(scratch.folder, 'archive');
    const written: { manifest?: Manifest } = {};
    const content = contentOf({ ...options, scratch: scratch.folder, startedAt, written });
    await pipeline(content, createGzip({ level: 4 }), createWriteStream(unfinished, { mode: 0o600, flush: true }));
    await rename(unfinished, path);
    await syncFolder(dirname(path));
    return { path, bytes: (await stat(path)).size, manifest: written.manifest! };
  } finally {
    await scratch.remove();
  }
}

function isFolder(target: string): Promise<boolean> {
  return stat(target).then((found) => found.isDirectory(), () => false); // prettier-ignore
}

const NAMED = /^tributary-[-0-9T]+Z\.tar\.gz$/;

function nameOf(at: Date): string {
  return `tributary-${at.toISOString().replaceAll(':', '-').slice(0, 19)}Z.tar.gz`;
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
  let kept: KeptFile[];
  try {
    tables = yield* tablesOf(snapshot, recorder);
    kept = await storedFiles(snapshot.sql);
  } finally {
    await snapshot.close();
  }
  const files = yield* attachmentsOf(kept, job.files, recorder);
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

/** Windows cannot open a folder. */
async function syncFolder(folder: string): Promise<void> {
  if (process.platform === 'win32') return;
  const handle = await open(folder, 'r');
  await handle.sync().finally(() => handle.close());
}

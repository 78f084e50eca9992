import { createHash } from 'node:crypto';
import { rm } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { FileMissing, isStorageKey, spool, type FileStore, type Spooled } from '#conversations';
import { fill, openDatabase, type DatabaseOptions, type DatabasePlace, type EmptyDatabase } from '#database';
import { buffer } from 'node:stream/consumers';
import { readArchive, Unusable, verify } from './archive.js';
import { entryOf, fileName, SECRET_KEY, type Manifest } from './manifest.js';

type Migration = new () => { readonly name?: string };

export interface RestoreOptions {
  readonly archive: string;
  /** Where the database is to be: empty, or not there yet. */
  readonly database: DatabasePlace;
  readonly files: FileStore;
  /** All that this version knows, oldest first. */
  readonly migrations: readonly Migration[];
}

export interface Restored {
  readonly manifest: Manifest;
  /** The key that reads stored credentials, where the archive has it. */
  readonly secretKey: string | undefined;
}

/**
 * Fills an empty database and the file store from an archive, of either kind of database into either. Nothing is stored where it fails or is killed: it can be
 * repeated then. An archive of an older version gets the tables of that version, to be brought up to date by the next start.
 * @throws Unusable (damaged, or made by a newer version), NotEmpty, DataFolderBusy, DatabaseUnavailable
 */
export async function restore(options: RestoreOptions): Promise<Restored> {
  const manifest = await verify(options.archive);
  const migrations = migrationsOf(manifest, options.migrations);
  const database = await openDatabase({
    ...{ ...options.database, empty: true, entities: [] },
    migrations: migrations as DatabaseOptions['migrations'],
  });
  try {
    return await fill(database, (empty) => {
      compareTables(manifest, empty);
      return new Filling(options, manifest, empty).run();
    });
  } finally {
    await database.close();
  }
}

/** The migrations that the archive's tables were made by, in their order. */
function migrationsOf({ migrations, version }: Manifest, known: readonly Migration[]): Migration[] {
  const newer = migrations.filter((name) => !known.some((migration) => nameOf(migration) === name));
  if (newer.length > 0)
    throw new Unusable(
      `the backup was made by a newer version (${version}, with ${newer.join(', ')}): install that one`,
    );
  return known.filter((migration) => migrations.includes(nameOf(migration)));
}

/** Nothing but the tables that the backup was made of can be filled from it. */
function compareTables({ migrations, tables, version }: Manifest, database: EmptyDatabase): void {
  if (database.migrations.some((name) => !migrations.includes(name)))
    throw new Unusable(
      `the database was set up by a newer version than that of the backup (${version}): take a new one, which the restore itself sets up`,
    );
  const shape = (columns: readonly string[] = []): string => [...columns].sort().join(', ');
  for (const { name, columns } of tables) {
    const here = shape(database.tables.find((table) => table.name === name)?.columns);
    if (here !== shape(columns))
      throw new Unusable(
        `the backup was made by another version (${version}), whose table ${name} has other columns (${shape(columns)}; here: ${here || 'no such table'}): restore it with that version, then go to this one`,
      );
  }
}

function nameOf(migration: Migration): string {
  return new migration().name ?? migration.name;
}

/** One pass over an archive that was verified. */
class Filling {
  private readonly loaded = new Map<string, number>();
  private readonly stored: string[] = [];
  /** What takes the place of a damaged file, at the end. */
  private readonly whole = new Map<string, Spooled>();
  private readonly damaged: ReadonlySet<string>;
  private secretKey: string | undefined;

  constructor(
    private readonly options: RestoreOptions,
    private readonly manifest: Manifest,
    private readonly database: EmptyDatabase,
  ) {
    this.damaged = new Set(manifest.files.damaged);
  }

  async run(): Promise<Restored> {
    const { archive, files } = this.options;
    try {
      for await (const { name, body } of readArchive(archive)) await this.take(name, body);
      this.compare();
      for (const sequence of this.manifest.sequences) await this.database.setSequence(sequence);
      for (const [key, spooled] of this.whole) await files.put(key, spooled.path, spooled);
      return { manifest: this.manifest, secretKey: this.secretKey };
    } catch (error) {
      for (const key of this.stored) await files.remove(key).catch(() => undefined);
      for (const { path } of this.whole.values()) await rm(path, { force: true }).catch(() => undefined);
      throw error;
    }
  }

  private async take(name: string, body: AsyncIterable<Buffer>): Promise<void> {
    const entry = entryOf(name);
    if (name === SECRET_KEY) this.secretKey = (await buffer(body)).toString().trim();
    else if (entry && 'table' in entry) await this.load(entry.table, await buffer(body));
    else if (entry && isStorageKey(entry.file) && !this.damaged.has(entry.file)) await this.keep(entry.file, body);
  }

  private async load(name: string, rows: Buffer): Promise<void> {
    const table = this.manifest.tables.find((candidate) => candidate.name === name);
    if (!table) throw new Unusable(`the backup does not say what the table ${name} is`);
    this.loaded.set(name, (this.loaded.get(name) ?? 0) + (await this.database.load(table, rows)));
  }

  /** A key is of one file for ever: one that is in the store already is the same, or damaged. It stays where this restore fails. */
  private async keep(key: string, body: AsyncIterable<Buffer>): Promise<void> {
    const { files } = this.options;
    const there = await digestIn(files, key);
    if (there === this.manifest.entries[fileName(key)]!.sha256) return;
    const spooled = await spool(Readable.from(body), files.incoming, Number.MAX_SAFE_INTEGER);
    if (there !== undefined) return void this.whole.set(key, spooled);
    this.stored.push(key);
    await files.put(key, spooled.path, spooled);
  }

  private compare(): void {
    for (const { name, rows } of this.manifest.tables) {
      const stored = this.loaded.get(name) ?? 0;
      if (stored !== rows) throw new Error(`the table ${name} got ${stored} rows in place of ${rows}`);
    }
  }
}

/** SHA-256 in hex of what the store has under a key; undefined where it has nothing. */
async function digestIn(files: FileStore, key: string): Promise<string | undefined> {
  try {
    const hash = createHash('sha256');
    for await (const bytes of await files.open(key)) hash.update(bytes as Buffer);
    return hash.digest('hex');
  } catch (error) {
    if (error instanceof FileMissing) return undefined;
    throw error;
  }
}

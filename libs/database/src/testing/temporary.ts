import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Database, type DatabaseOptions } from '../database.js';
import { openDatabase } from '../open.js';

/** Where a database is: what a process is given to open it. */
export type Place = Pick<DatabaseOptions, 'url' | 'dataDir'>;
export type SuiteOptions = Omit<DatabaseOptions, keyof Place>;

/** A database that lives as long as one suite; made at first use. */
export interface TemporaryDatabase {
  place(): Promise<Place>;
  /** Opens it: on the embedded kind again only after a close, on a server any number of times. */
  open(options: SuiteOptions): Promise<Database>;
  /** Closes what `open` gave, then removes the database. */
  drop(): Promise<void>;
}

/** A busy machine gets more time for a connection than production does. */
const PATIENCE = { connectTimeoutMs: 15_000 };

export function temporaryDatabase(make: () => Promise<{ place: Place; remove(): Promise<void> }>): TemporaryDatabase {
  const opened: Database[] = [];
  let made: ReturnType<typeof make> | undefined;
  const place = async (): Promise<Place> => (await (made ??= make())).place;
  return {
    place,
    async open(options) {
      const database = await openDatabase({ ...PATIENCE, ...options, ...(await place()) });
      opened.push(database);
      return database;
    },
    async drop() {
      await Promise.all(opened.map((database) => database.close()));
      await (await made)?.remove();
    },
  };
}

export function temporaryFolder(): Promise<string> {
  return mkdtemp(join(tmpdir(), 'tributary-test-'));
}

export async function removeFolder(folder: string): Promise<void> {
  await rm(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 });
}

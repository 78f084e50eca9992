import { mkdir } from 'node:fs/promises';
import pg from 'pg';
import { ensureCluster } from '../embedded/cluster.js';
import { FolderLock } from '../embedded/folder-lock.js';
import { EmbeddedServer } from '../embedded/server.js';
import { asDatabaseError } from '../errors.js';

/** Which database: a server by its address, or the embedded one by its folder. */
export type DatabasePlace = { readonly url: string } | { readonly dataDir: string };

/** One connection for one long piece of work, without the time limits of the connections that serve. */
export interface LoneConnection {
  readonly client: pg.Client;
  close(): Promise<void>;
}

/** What a connection is told that does one long piece of work. */
export const UNLIMITED = `set statement_timeout = 0; set idle_in_transaction_session_timeout = 0; set lock_timeout = '10s'; set timezone = 'UTC';
  set datestyle = 'ISO'; set intervalstyle = 'postgres'; set extra_float_digits = 1; set client_encoding = 'UTF8'`;

/** @throws DataFolderBusy, DatabaseUnavailable */
export async function connectAlone(place: DatabasePlace): Promise<LoneConnection> {
  if ('dataDir' in place) return connectToFolder(place.dataDir);
  const client = new pg.Client({
    connectionString: place.url,
    application_name: 'tributary-transfer',
    connectionTimeoutMillis: 10_000,
    keepAlive: true,
  });
  await greet(client);
  return { client, close: () => client.end() };
}

async function connectToFolder(dataDir: string): Promise<LoneConnection> {
  await mkdir(dataDir, { recursive: true });
  const lock = await FolderLock.acquire(dataDir);
  let server: EmbeddedServer | undefined;
  const close = async (): Promise<void> => {
    await server?.stop();
    lock.release();
  };
  try {
    const folder = await ensureCluster(dataDir, () => undefined);
    const engine = (server = new EmbeddedServer(folder, () => undefined));
    await engine.start();
    const client = new pg.Client({ user: 'postgres', database: 'postgres', ssl: false, stream: () => engine.stream() });
    await greet(client);
    return { client, close: () => client.end().then(close, close) };
  } catch (error) {
    await close();
    throw asDatabaseError(error);
  }
}

async function greet(client: pg.Client): Promise<void> {
  client.on('error', () => {});
  try {
    await client.connect();
    await client.query(UNLIMITED);
  } catch (error) {
    throw asDatabaseError(error);
  }
}

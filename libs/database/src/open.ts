import { mkdir } from 'node:fs/promises';
import { resolve } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { type PoolConfig } from 'pg';
import { DataSource, type Logger } from 'typeorm';
import { type Database, type DatabaseOptions, type Sql, type Statement } from './database.js';
import { checkpointsAreHeld } from './embedded/checkpoint-hold.js';
import { ensureCluster } from './embedded/cluster.js';
import { FolderLock } from './embedded/folder-lock.js';
import { Maintenance } from './embedded/maintenance.js';
import { EmbeddedServer } from './embedded/server.js';
import { asDatabaseError } from './errors.js';
import { LocalHints, postgresLine, redisLine, SharedHints } from './hints/index.js';
import { migrate } from './migrate.js';
import { poolOf, poolOptions, run, withClient } from './pool.js';
import { askByConnecting, Pulse } from './pulse.js';
import { transaction } from './transaction.js';
import { refuseRows } from './transfer/fill.js';
import { tablesOf } from './transfer/shape.js';

const CLOSE_MS = 5_000;
const silent = (): void => undefined;
/** TypeORM writes of migrations to the console, whatever `logging` says. All that matters it throws or returns. */
const SILENT: Logger = {
  ...{ logQuery: silent, logQueryError: silent, logQuerySlow: silent },
  ...{ logSchemaBuild: silent, logMigration: silent, log: silent },
};
const POSTGRES = { poolSize: 10, connectTimeoutMs: 2_000 };
const EMBEDDED = { connectTimeoutMs: 10_000 };

/**
 * Opens the database and runs the pending migrations; several processes may do so at once.
 * @throws DataFolderBusy where another process uses the data folder
 * @throws DatabaseUnavailable where the server cannot be reached
 * @throws NotEmpty where it must be `empty` and has a row
 */
export async function openDatabase(options: DatabaseOptions): Promise<Database> {
  const closing: Closing = [];
  try {
    return options.url === undefined ? await openEmbedded(options, closing) : await openPostgres(options, closing);
  } catch (error) {
    await closeAll(closing).catch(() => undefined);
    throw asDatabaseError(error);
  }
}

/** What to undo, in the order in which it was done. */
type Closing = (() => Promise<unknown> | void)[];

async function closeAll(closing: Closing): Promise<void> {
  const failures: unknown[] = [];
  for (let close = closing.pop(); close !== undefined; close = closing.pop()) {
    try {
      await close();
    } catch (error) {
      failures.push(error);
    }
  }
  if (failures.length > 0) throw failures[0];
}

async function openPostgres(options: DatabaseOptions, closing: Closing): Promise<Database> {
  const {
    url = '',
    poolSize = POSTGRES.poolSize,
    connectTimeoutMs = POSTGRES.connectTimeoutMs,
    log = () => {},
  } = options;
  const extra: PoolConfig = { ...poolOptions(connectTimeoutMs), max: poolSize };
  const dataSource = await connect({ ...options, extra }, closing);
  const { redisUrl } = options;
  const hints = new SharedHints(redisUrl === undefined ? postgresLine(url) : redisLine(redisUrl), log);
  closing.push(() => hints.close());
  await hints.connect();
  const pulse = new Pulse(poolOf(dataSource), askByConnecting(url), log);
  closing.push(() => pulse.stop());
  return database({ kind: 'postgres', dataSource, hints, pulse, maintain: async () => undefined }, closing);
}

async function openEmbedded(options: DatabaseOptions, closing: Closing): Promise<Database> {
  const { dataDir, connectTimeoutMs = EMBEDDED.connectTimeoutMs, log = () => {} } = options;
  if (dataDir === undefined) throw new Error('openDatabase needs a url or a dataDir');
  const folder = resolve(dataDir);
  await mkdir(folder, { recursive: true });
  const lock = await FolderLock.acquire(folder);
  closing.push(() => lock.release());
  const server = new EmbeddedServer(await ensureCluster(folder, log), log, options.sync);
  closing.push(() => server.stop());
  await server.start();
  const extra: PoolConfig = {
    ...poolOptions(connectTimeoutMs),
    ...{ user: 'postgres', database: 'postgres', ssl: false, max: 1, idleTimeoutMillis: 0 },
    stream: () => server.stream(),
  };
  const dataSource = await connect({ ...options, extra }, closing);
  const maintenance = new Maintenance(poolOf(dataSource), log, () => checkpointsAreHeld(folder));
  closing.push(() => maintenance.stop());
  return database(
    { kind: 'embedded', dataSource, hints: new LocalHints(log), maintain: () => maintenance.maintain() },
    closing,
  );
}

async function connect(
  options: DatabaseOptions & { readonly extra: PoolConfig },
  closing: Closing,
): Promise<DataSource> {
  const { url, entities, migrations, extra, log = () => {} } = options;
  const dataSource = new DataSource({
    type: 'postgres',
    ...(url === undefined ? {} : { url }),
    ...{ entities, migrations, extra },
    ...{
      synchronize: false,
      installExtensions: false,
      logging: false,
      logger: SILENT,
      migrationsTableName: 'migration',
    },
    poolErrorHandler: (error: Error) => log(`a connection to the database was lost: ${error.message}`),
  });
  await dataSource.initialize();
  closing.push(() => Promise.race([dataSource.destroy(), delay(CLOSE_MS, undefined, { ref: false })]));
  if (options.empty) await mustBeEmpty(dataSource);
  for (const name of await migrate(dataSource, log)) log(`migrated the database: ${name}`);
  return dataSource;
}

async function mustBeEmpty(dataSource: DataSource): Promise<void> {
  await withClient(poolOf(dataSource), async (client) => refuseRows(client, await tablesOf(client)));
}

interface Parts extends Pick<Database, 'kind' | 'dataSource' | 'maintain'> {
  readonly hints: LocalHints;
  readonly pulse?: Pulse;
}

function database({ hints, pulse, ...parts }: Parts, closing: Closing): Database {
  const pool = poolOf(parts.dataSource);
  let closed: Promise<void> | undefined;
  return {
    ...parts,
    query: <R>(statement: Statement | string, values?: readonly unknown[]) =>
      withClient(pool, async (client) => (await run<R>(client, statement, { values })).rows, pulse),
    transaction: <T>(work: (sql: Sql) => Promise<T>) => transaction(pool, work, pulse),
    hint: (channel, payload = '') => hints.hint(channel, payload),
    onHint: (channel, listener) => hints.onHint(channel, listener),
    hintsArrive: () => hints.arrive(),
    close: () => (closed ??= closeAll(closing)),
  };
}

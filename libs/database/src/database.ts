import { type DataSource, type DataSourceOptions } from 'typeorm';
import { type SyncPolicy } from './embedded/syncing.js';

/** A named prepared statement: planned once per connection. One name always has one text. */
export interface Statement {
  readonly name: string;
  readonly text: string;
}

export interface Sql {
  /**
   * Runs one statement, a named prepared one (hot paths) or plain text, and returns its rows. int8 is read as a number where that is
   * exact, else as a string; timestamptz as a Date; json as its value. An array parameter is sent as a Postgres array: pass
   * JSON that may be an array as a string. Throws DatabaseUnavailable where the connection is to blame (the outcome of a
   * write is then unknown), else the driver's error with its SQLSTATE in `code`.
   */
  query<R = Record<string, unknown>>(statement: Statement | string, values?: readonly unknown[]): Promise<R[]>;
}

/** The connection to the one truth. */
export interface Database extends Sql {
  readonly kind: 'embedded' | 'postgres';
  /** TypeORM, initialised, on the same pool of connections. */
  readonly dataSource: DataSource;
  /**
   * Runs `work` in one transaction; rolled back when it throws. Retries nothing. Inside, use only the given `sql`: the embedded
   * database has a single connection, so another query of the same caller would wait for its own transaction.
   */
  transaction<T>(work: (sql: Sql) => Promise<T>): Promise<T>;
  /** Tells every process that listens, this one included, soon and at best once; repeats within some milliseconds are folded. Never throws. */
  hint(channel: string, payload?: string): void;
  /** Calls `listener` at hints; returns how to stop. A listener that throws is logged. */
  onHint(channel: string, listener: (payload: string) => void): () => void;
  /**
   * Can hints of other processes arrive at present? While not, those who look seldom because they listen look more often. When they arrive again, this process
   * hears the hint `heard-again`.
   */
  hintsArrive(): boolean;
  /** Vacuums, analyses and checkpoints the embedded database now (it also does so by itself); a server does it without us. */
  maintain(): Promise<void>;
  /** Waits for running work (5 s at most), stops everything, frees the data folder. Safe to call twice. */
  close(): Promise<void>;
}

export interface DatabaseOptions {
  /** A Postgres server: `postgres://user:password@host:port/database`. */
  readonly url?: string;
  /** A Redis server that carries the hints between processes, in place of LISTEN and NOTIFY: `redis://user:password@host:port/number`. */
  readonly redisUrl?: string;
  /** Without `url`: the folder of the embedded database, made where it is missing. */
  readonly dataDir?: string;
  /** Of the embedded database; `commit` unless told. A server has its own setting, `synchronous_commit`. */
  readonly sync?: SyncPolicy | undefined;
  readonly entities: NonNullable<DataSourceOptions['entities']>;
  readonly migrations: NonNullable<DataSourceOptions['migrations']>;
  /** Takes it only where no table has a row, and looks before it migrates. */
  readonly empty?: boolean;
  /** Connections to a server, 10 unless told. The embedded database always has one. */
  readonly poolSize?: number;
  /** How long a query may wait for a connection, in milliseconds: 500 on a server, 10,000 on the embedded database unless told. */
  readonly connectTimeoutMs?: number;
  readonly log?: (message: string) => void;
}

/** The database cannot be reached, or the connection was lost on the way: answer 503 and try again later. `cause` says why. */
export class DatabaseUnavailable extends Error {
  override readonly name = 'DatabaseUnavailable';

  constructor(cause: unknown) {
    super(`the database is unavailable: ${cause instanceof Error ? cause.message : String(cause)}`, { cause });
  }
}

/** Another process holds the data folder of the embedded database. */
export class DataFolderBusy extends Error {
  override readonly name = 'DataFolderBusy';

  constructor(
    readonly folder: string,
    readonly owner: { readonly pid: number; readonly host: string },
  ) {
    super(
      `the data folder ${folder} is in use by process ${owner.pid} on ${owner.host}: ` +
        'stop that process, or set DATA_DIR to another folder or DATABASE_URL to a Postgres server',
    );
  }
}

/**
 * Connection exceptions (class 08), shutdown and crash (57P0x), too many connections (53300).
 * https://www.postgresql.org/docs/current/errcodes-appendix.html
 */
const UNREACHABLE_STATES = /^(08...|57P0[1-5]|53300)$/;

/**
 * States in which the same statement may well succeed later: serialization and deadlock (40xxx), lock timeout, statement
 * timeout, lack of resources (53xxx, disk full among them), a server in recovery (25006), an input/output error (58030).
 */
const TRANSIENT_STATES = /^(40...|55P03|57014|53...|25006|58030)$/;

/** A statement that was prepared before another process changed the tables; a new connection prepares it anew. */
const STALE_PLAN = 'cached plan must not change result type';

const SOCKET_CODES = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'ECONNABORTED',
  'EPIPE',
  'ETIMEDOUT',
  'EHOSTUNREACH',
  'EHOSTDOWN',
  'ENETUNREACH',
  'ENETDOWN',
  'ENOTFOUND',
  'EAI_AGAIN',
]);

/** What `pg` and `pg-pool` throw without a code when a connection is lost, refused or not to be had in time. */
const DRIVER_MESSAGES =
  /^(Connection terminated|timeout expired|timeout exceeded when trying to connect|Query read timeout|Client was closed|Client has encountered a connection error|Cannot use a pool after calling end)/;

/** Whether the connection, and not the statement, is to blame; looks through the wrappers of TypeORM and `cause`. */
export function isUnavailable(error: unknown): boolean {
  return chain(error).some(
    (link) =>
      link instanceof DatabaseUnavailable ||
      UNREACHABLE_STATES.test(text(link.code)) ||
      SOCKET_CODES.has(text(link.code)) ||
      DRIVER_MESSAGES.test(text(link.message)),
  );
}

/** Whether the connection must not be used again, whatever else the error says. */
export function isBroken(error: unknown): boolean {
  return isUnavailable(error) || chain(error).some((link) => link.message === STALE_PLAN);
}

/** Whether to try again later: nothing is wrong with the data, only with the moment. */
export function isTransient(error: unknown): boolean {
  return isBroken(error) || chain(error).some((link) => TRANSIENT_STATES.test(text(link.code)));
}

/** Whether a lock was not to be had within `lock_timeout`. */
export function isLockTimeout(error: unknown): boolean {
  return chain(error).some((link) => link.code === '55P03');
}

/** The error as callers see it: connection trouble as `DatabaseUnavailable`, everything else unchanged. */
export function asDatabaseError(error: unknown): unknown {
  return isUnavailable(error) && !(error instanceof DatabaseUnavailable) ? new DatabaseUnavailable(error) : error;
}

function text(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

/** TypeORM's QueryFailedError keeps the driver's error in `driverError`. */
interface Link {
  readonly code?: unknown;
  readonly message?: unknown;
  readonly driverError?: unknown;
  readonly cause?: unknown;
}

/** The error and what it wraps. By shape, not by class: errors of the sockets are of another realm where a suite runs in one of its own. */
function chain(error: unknown): Link[] {
  const links: Link[] = [];
  let link = error as Link | null | undefined;
  for (; typeof link === 'object' && link !== null && links.length < 8; link = (link.driverError ?? link.cause) as Link)
    links.push(link);
  return links;
}

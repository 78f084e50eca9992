import { afterAll, describe, it } from '@jest/globals';
import { type Database } from '../database.js';
import { temporaryEmbedded } from './embedded-suite.js';
import { postgresMissing, temporaryPostgres } from './postgres-suite.js';
import { type Place, type SuiteOptions, type TemporaryDatabase } from './temporary.js';

export { temporaryEmbedded } from './embedded-suite.js';
export { postgresMissing, startPostgres, temporaryPostgres, type PostgresServer } from './postgres-suite.js';
export { describeWithRedis, redisMissing, RedisServer } from './redis-suite.js';
export { SilentProxy } from './silent-proxy.js';
export { type Place, type SuiteOptions, type TemporaryDatabase } from './temporary.js';

/** Opens the database of the suite, empty before the first call. It is closed and dropped when the suite is over. */
export type OpenDatabase = (options: SuiteOptions) => Promise<Database>;

/** Defines the tests of a suite; `place` tells where its database is, for other processes. */
export type DefineSuite = (open: OpenDatabase, place: () => Promise<Place>) => void;

/** Defines a suite twice: on the embedded database and on a real Postgres. */
export function describeOnEveryDatabase(name: string, define: DefineSuite): void {
  describeOnEmbedded(name, define);
  describeOnPostgres(name, define);
}

/** Defines a suite on the embedded database, in a temporary folder. */
export function describeOnEmbedded(name: string, define: DefineSuite): void {
  describe(`${name} [embedded]`, () => suite(temporaryEmbedded(), define));
}

/**
 * Defines a suite on a real Postgres: the server of TEST_DATABASE_URL, else one that is started from the Debian packages. Where there is
 * neither, it is skipped, and fails where CI=true.
 */
export function describeOnPostgres(name: string, define: DefineSuite): void {
  const missing = postgresMissing();
  if (missing === undefined) {
    describe(`${name} [postgres]`, () => suite(temporaryPostgres(), define));
  } else if (process.env['CI'] === 'true') {
    it(`${name} [postgres]`, () => {
      throw new Error(`this suite must run on a real Postgres: ${missing}`);
    });
  } else {
    describe.skip(`${name} [postgres] SKIPPED: ${missing}`, () => suite(temporaryPostgres(), define));
  }
}

function suite(database: TemporaryDatabase, define: DefineSuite): void {
  afterAll(() => database.drop());
  define(
    (options) => database.open(options),
    () => database.place(),
  );
}

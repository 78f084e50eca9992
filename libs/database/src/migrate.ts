import { setTimeout as delay } from 'node:timers/promises';
import { MigrationExecutor, type DataSource, type QueryRunner } from 'typeorm';
import { isLockTimeout } from './errors.js';
import { HURRIED, UNHURRIED } from './pool.js';

/** Any constant of ours; advisory locks are per database. */
const MIGRATION_LOCK = 7_281_904_633;

/** A statement that waits for a table keeps everybody behind it from the table, readers too: it must give up well before they do (`HURRIED`). */
const IMPATIENT = `set lock_timeout = '500ms'`;
const PAUSE_MS = 3_000;

const OLDEST = `select application_name as name, pid, extract(epoch from now() - xact_start)::int as seconds from pg_stat_activity
  where datname = current_database() and pid <> pg_backend_pid() and xact_start is not null order by xact_start limit 1`;

/**
 * Runs the pending migrations, each in its own transaction. Processes that start together take turns and find nothing left to do. A migration for which a
 * table is not to be had (a backup may read it for hours) is tried again and again, with pauses in which others get at the table; `log` hears who is in the way.
 */
export async function migrate(dataSource: DataSource, log: (message: string) => void = () => {}): Promise<string[]> {
  const runner = dataSource.createQueryRunner();
  try {
    await runner.query(UNHURRIED);
    await runner.query(`select pg_advisory_lock(${MIGRATION_LOCK})`);
    try {
      await runner.query(IMPATIENT);
      return await untilUnlocked(runner, log, async () => {
        const executor = new MigrationExecutor(dataSource, runner);
        executor.transaction = 'each';
        return (await executor.executePendingMigrations()).map((migration) => migration.name);
      });
    } finally {
      await runner.query(`select pg_advisory_unlock(${MIGRATION_LOCK})`);
      await runner.query(HURRIED);
    }
  } finally {
    await runner.release();
  }
}

async function untilUnlocked<T>(
  runner: QueryRunner,
  log: (message: string) => void,
  work: () => Promise<T>,
): Promise<T> {
  for (;;) {
    try {
      return await work();
    } catch (error) {
      if (!isLockTimeout(error)) throw error;
      const [oldest] = (await runner.query(OLDEST)) as { name: string; pid: number; seconds: number }[];
      const who = oldest ? `${oldest.name} (process ${oldest.pid}), for ${oldest.seconds} s` : 'it is over by now';
      log(`a migration waits for another transaction to end; the oldest one: ${who}`);
      await delay(PAUSE_MS);
    }
  }
}

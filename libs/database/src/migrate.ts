import { MigrationExecutor, type DataSource } from 'typeorm';
import { HURRIED, UNHURRIED } from './pool.js';

/** Any constant of ours; advisory locks are per database. */
const MIGRATION_LOCK = 7_281_904_633;

/** Runs the pending migrations, each in its own transaction. Processes that start together take turns and find nothing left to do. */
export async function migrate(dataSource: DataSource): Promise<string[]> {
  const runner = dataSource.createQueryRunner();
  try {
    await runner.query(UNHURRIED);
    await runner.query(`select pg_advisory_lock(${MIGRATION_LOCK})`);
    try {
      const executor = new MigrationExecutor(dataSource, runner);
      executor.transaction = 'each';
      return (await executor.executePendingMigrations()).map((migration) => migration.name);
    } finally {
      await runner.query(`select pg_advisory_unlock(${MIGRATION_LOCK})`);
      await runner.query(HURRIED);
    }
  } finally {
    await runner.release();
  }
}

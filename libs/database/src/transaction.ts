import { type Pool, type PoolClient } from 'pg';
import { type Sql } from './database.js';
import { asDatabaseError, isUnavailable } from './errors.js';
import { run, withClient } from './pool.js';
import { type Pulse } from './pulse.js';

/**
 * Runs `work` between BEGIN and COMMIT on one connection. Where `work` throws, or swallowed the error of a statement (Postgres then
 * answers COMMIT with a rollback), nothing is kept and the call throws. The given `sql` is dead once the transaction is over.
 */
export function transaction<T>(pool: Pool, work: (sql: Sql) => Promise<T>, pulse?: Pulse): Promise<T> {
  const within = async (client: PoolClient): Promise<T> => {
    let over = false;
    const sql: Sql = {
      async query<R>(statement: Parameters<Sql['query']>[0], values?: readonly unknown[]): Promise<R[]> {
        if (over) throw new Error('this transaction is over');
        try {
          return (await run<R>(client, statement, { values })).rows;
        } catch (error) {
          throw asDatabaseError(error);
        }
      },
    };
    await run(client, 'begin');
    try {
      const result = await work(sql);
      over = true;
      const { command } = await run(client, 'commit');
      if (command !== 'COMMIT') throw new Error('the transaction was rolled back: one of its statements had failed');
      return result;
    } catch (error) {
      over = true;
      if (!isUnavailable(error)) await run(client, 'rollback').catch(() => undefined);
      throw error;
    }
  };
  return withClient(pool, within, pulse);
}

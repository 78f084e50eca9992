import type { Database } from '#database';
import { followCompany } from '#identity';
import type { Logger } from 'pino';
import { Background } from '../ops/background.js';

const EVERY_MS = 5_000;

/**
 * Does in the background what the change of a large company brings, some contacts to a transaction, in between which others have their turn. What a process leaves
 * behind, also by a kill, another one goes on with.
 */
export class CompanyChanges extends Background {
  constructor(database: Database, log: Logger) {
    super({
      ...{ database, hint: 'companies', everyMs: EVERY_MS },
      async work(goesOn) {
        try {
          while (goesOn() && (await followCompany(database)))
            ['outbox', 'events'].forEach((channel) => database.hint(channel));
        } catch (error) {
          log.warn({ err: error }, 'the change of a company was not followed to its end');
        }
      },
    });
  }
}

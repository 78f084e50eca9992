import type { Database } from '#database';
import { type InboundEvent, parseInbound } from '#normalizer';
import { Conflict, NotFound } from '../ports.js';
import type { Intake } from './intake.js';
import type { IntakeItem } from './item.js';
import type { ParkedEvent } from './park.js';

/** Events that were set aside, for people to look at and to try again. */
export class Parked {
  constructor(
    private readonly database: Database,
    private readonly intake: Intake,
  ) {}

  /** The newest first, those before `before` (an id). */
  list(page: { limit: number; before?: string }): Promise<ParkedEvent[]> {
    return this.database.query<ParkedEvent>(
      `select id, account_id as "accountId", dedupe_key as "dedupeKey", stage, error, created_at as "createdAt" from poison
       where resolved_at is null and ($1::text is null or id < $1) order by id desc limit $2`,
      [page.before ?? null, page.limit],
    );
  }

  /** Stores a parked event, now that the cause is mended. Throws `NotFound`, `Conflict` (`not-replayable`), `InvalidInput`, or the store's error. */
  async retry(id: string): Promise<void> {
    const [row] = await this.database.query<ParkedEvent & { input: unknown }>(
      `select id, account_id as "accountId", stage, input from poison where id = $1 and resolved_at is null`,
      [id],
    );
    if (!row) throw new NotFound(`there is no parked event ${id}`);
    if (row.stage === 'action')
      throw new Conflict('not-replayable', 'an action of the ticket system is done there again');
    if (row.stage === 'store') await this.intake.again(row.input as IntakeItem);
    else await this.intake.accept(row.accountId, [parseInbound(row.input) as InboundEvent]);
    await this.database.query('update poison set resolved_at = now() where id = $1', [id]);
  }
}

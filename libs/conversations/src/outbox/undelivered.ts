import type { Sql, Statement } from '#database';
import type { Failure } from '#normalizer';
import { NotFound } from '../ports.js';

const MARK: Statement = {
  name: 'delivery_undelivered',
  text: `update delivery set state = 'dead', failure = $3::jsonb, settled_at = now()
    where destination_id = $1 and event_id = $2 and state = 'delivered' returning 1`,
};

/** What was delivered did not arrive after all: it is a dead letter from now on. Throws `NotFound` where it was not delivered, as far as is known. */
export async function undeliver(
  sql: Sql,
  { destinationId, eventId, failure }: { destinationId: string; eventId: string; failure: Failure },
): Promise<void> {
  const marked = await sql.query(MARK, [destinationId, eventId, JSON.stringify(failure)]);
  if (marked.length === 0) throw new NotFound(`event ${eventId} was not delivered`);
}

import type { Sql } from '#database';

/** What could not be stored: refused by the model (`parse`), by the store (`store`), or an agent's action that cannot be carried out (`action`). */
export interface ParkedEvent {
  readonly id: string;
  readonly accountId: string;
  readonly dedupeKey: string;
  readonly stage: 'parse' | 'store' | 'action';
  readonly error: string;
  readonly createdAt: Date;
}

const PARK = {
  name: 'park',
  text: `insert into poison (id, account_id, dedupe_key, stage, input, error) values ($1, $2, $3, $4, $5::jsonb, $6)
    on conflict (account_id, dedupe_key) where resolved_at is null do nothing`,
};

/**
 * Sets an event aside so that a person can see it and try it again; `input` is JSON. The same event is parked once. It takes no inbox key: a corrected
 * repeat is stored.
 */
export async function park(sql: Sql, event: Omit<ParkedEvent, 'createdAt'> & { input: string }): Promise<void> {
  await sql.query(PARK, [event.id, event.accountId, event.dedupeKey, event.stage, event.input, event.error]);
}

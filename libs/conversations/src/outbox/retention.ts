import type { Database } from '#database';

/** How long things are kept, in seconds (the settings' `retention`, and what CONTRACT.md fixes). */
export interface Keeping {
  /** The stream, and dead letters. */
  readonly events: number;
  /** Deliveries that were taken. */
  readonly deliveries: number;
  readonly traces: number;
  /** Names of provider events, by which repeats are known. */
  readonly dedupe: number;
  readonly idempotency: number;
  /** Receipts whose message never came. */
  readonly receipts: number;
}

const DAY = 86_400;

export const KEEPING: Keeping = {
  events: 90 * DAY,
  deliveries: 30 * DAY,
  traces: 7 * DAY,
  dedupe: 90 * DAY,
  idempotency: 7 * DAY,
  receipts: 3 * DAY,
};

/** Rows of one statement: short locks, and the stream's horizon is held up no longer than that. */
const CHUNK = 1_000;

/** Each deletes at most `$2` rows that are older than `$1` seconds, and returns one row for each. */
const RULES: readonly { readonly of: keyof Keeping; readonly text: string }[] = [
  { of: 'dedupe', text: pruning('inbox', 'received_at') },
  { of: 'idempotency', text: pruning('idempotency', 'created_at') },
  { of: 'traces', text: pruning('trace', 'created_at') },
  { of: 'receipts', text: pruning('early_receipt', 'received_at') },
  { of: 'deliveries', text: pruning('delivery', 'settled_at', `state = 'delivered'`) },
  { of: 'events', text: pruning('delivery', 'settled_at') },
  {
    of: 'events',
    text: pruning(
      'event e',
      'created_at',
      `not exists (select 1 from destination d join outbox o
         on o.lane = d.id || ':' || coalesce(e.conversation_id, e.contact_id, e.account_id, 'none') and o.item_id = e.id)`,
    ),
  },
  { of: 'receipts', text: pruning('shared_value', 'expires_at') },
];

/** What waited for destinations that were removed. */
const ORPHANS = `delete from outbox where position in (
  select o.position from destination d join outbox o on o.kind = 'event' and o.target_id = d.id where d.removed_at is not null limit $1) returning 1`;

function pruning(table: string, at: string, only = 'true'): string {
  return `delete from ${table.split(' ')[0]} where ctid in (
    select ctid from ${table} where ${at} < clock_timestamp() - make_interval(secs => $1::float8) and ${only} order by ${at} limit $2) returning 1`;
}

/**
 * Deletes what is kept no longer, in small steps between which others get in. An event that still waits to be delivered stays, however old. Stops
 * early when `signal` aborts. Returns how many rows went.
 */
export async function prune(database: Database, keeping: Partial<Keeping> = {}, signal?: AbortSignal): Promise<number> {
  const keep = { ...KEEPING, ...keeping };
  const steps = RULES.map(({ of, text }) => ({ text, values: [keep[of], CHUNK] }));
  let total = 0;
  for (const { text, values } of [...steps, { text: ORPHANS, values: [CHUNK] }]) {
    for (let gone = CHUNK; gone === CHUNK && !signal?.aborted; total += gone) {
      gone = (await database.query(text, values)).length;
    }
  }
  return total;
}

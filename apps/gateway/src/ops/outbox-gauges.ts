import type { Database } from '#database';
import type { TraceWriter } from '../directory/index.js';
import type { Metrics } from './metrics.js';

/** Counting stops here: beyond it the exact number says nothing more. */
const MOST = 100_000;
const DEPTH = `select count(*)::int as n from (select from outbox limit ${MOST}) o`;
const AGE = `select extract(epoch from clock_timestamp() - created_at)::float8 as n from outbox order by position limit 1`;
const DEAD = `select count(*)::int as n from (select from delivery where state = 'dead' limit ${MOST}) d`;
const POISON = `select count(*)::int as n from (select from poison where resolved_at is null limit ${MOST}) p`;
const PAUSED = `select count(*)::int as n from destination where state = 'paused' and removed_at is null`;

/** What waits, read when Prometheus asks. */
export function watchBacklog(metrics: Metrics, database: Database, traces: TraceWriter): void {
  const read = (text: string) => async () => (await database.query<{ n: number }>(text))[0]?.n ?? 0;
  metrics.gauge('tributary_outbox_depth', `Entries that wait to be delivered or sent; counted to ${MOST}`, read(DEPTH));
  metrics.gauge('tributary_outbox_age_seconds', 'Age of the oldest entry that waits', read(AGE));
  metrics.gauge('tributary_dead_letters', `Events that were parked; counted to ${MOST}`, read(DEAD));
  metrics.gauge('tributary_destinations_paused', 'Destinations that wait for a person', read(PAUSED));
  metrics.gauge('tributary_poison_events', `Inbound events that were parked; counted to ${MOST}`, read(POISON));
  metrics.gauge('tributary_traces_dropped', 'Traces given up because the database was away', () => traces.dropped);
}

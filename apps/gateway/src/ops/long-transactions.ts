import type { Database } from '#database';
import type { Logger } from 'pino';
import type { Metrics } from './metrics.js';

const EVERY_MS = 30_000;
/** None of ours lasts longer than 30 s: the session settings end it. */
const LONG_S = 120;

/** Transactions of other roles are seen by members of `pg_read_all_stats` only. https://www.postgresql.org/docs/current/monitoring-stats.html */
const OLDEST = `select extract(epoch from clock_timestamp() - began)::float8 as seconds, what from (
    select xact_start, coalesce(state, '') || coalesce(' in ' || nullif(application_name, ''), '') from pg_stat_activity
      where datname = current_database() and pid <> pg_backend_pid() and backend_type = 'client backend' and xact_start is not null
    union all select prepared, 'prepared' from pg_prepared_xacts where database = current_database()) t (began, what)
  order by began limit 1`;

interface Oldest {
  readonly seconds: number;
  readonly what: string;
}

/**
 * Raises the alarm for transactions that are open for long, whoever began them: while one is, deleted rows cannot be cleared away, and the tables that
 * change most grow. There are none on the embedded database, which has one connection.
 */
export class LongTransactions {
  private timer: NodeJS.Timeout | undefined;

  constructor(
    private readonly parts: { readonly database: Database; readonly metrics: Metrics; readonly log: Logger },
    private readonly longS = LONG_S,
  ) {
    const name = 'tributary_oldest_transaction_seconds';
    parts.metrics.gauge(
      name,
      'Age of the oldest transaction in the database',
      async () => (await this.oldest()).seconds,
    );
  }

  start(): void {
    this.timer = setInterval(() => void this.look(), EVERY_MS).unref();
  }

  async stop(): Promise<void> {
    clearInterval(this.timer);
  }

  /** One look. Never throws: where the database is away, others say so. */
  async look(): Promise<void> {
    const { seconds, what } = await this.oldest().catch(() => ({ seconds: 0, what: '' }));
    if (seconds < this.longS) return;
    const text = 'a transaction has been open for long: deleted rows cannot be cleared away until it ends';
    this.parts.log.error({ seconds: Math.round(seconds), transaction: what }, text);
  }

  private async oldest(): Promise<Oldest> {
    const { database } = this.parts;
    const [found] = database.kind === 'postgres' ? await database.query<Oldest>(OLDEST) : [];
    return found ?? { seconds: 0, what: '' };
  }
}

import type { Database, Statement } from '#database';
import type { Exchange } from '#transport';

/** One exchange with a provider or ticket system, redacted, and what it belongs to. */
export interface Trace {
  readonly accountId?: string;
  readonly destinationId?: string;
  readonly messageId?: string | undefined;
  readonly eventId?: string | undefined;
  readonly direction: 'in' | 'out';
  readonly exchange: Exchange;
}

const INSERT: Statement = {
  name: 'trace_insert',
  text: `insert into trace (account_id, destination_id, message_id, event_id, direction, exchange)
    select "accountId", "destinationId", "messageId", "eventId", direction, exchange from jsonb_to_recordset($1::jsonb)
      as t("accountId" text, "destinationId" text, "messageId" text, "eventId" text, direction text, exchange jsonb)
    where ("messageId" is null or exists (select 1 from message m where m.id = "messageId"))
      and ("eventId" is null or exists (select 1 from event e where e.id = "eventId" and e.data is not null))`,
};
const EVERY_MS = 500;
const BATCH = 200;
/** What may wait while the database is away; beyond it the oldest are dropped. */
const MOST_WAITING = 5_000;
/** Of one account or destination and direction, in a second: of exchanges that went well, and as many of those that did not. */
const MOST_PER_SECOND = 20;

/** Writes traces beside the work, in batches: nobody waits for a trace, and none is worth a failure. */
export class TraceWriter {
  private waiting: Trace[] = [];
  private timer: NodeJS.Timeout | undefined;
  private writing: Promise<void> = Promise.resolve();
  /** Traces given up because the database did not take them in time. */
  dropped = 0;
  private second = 0;
  private readonly counts = new Map<string, number>();

  constructor(private readonly database: Database) {}

  /** Is one more exchange of `whose` to be traced? Under load only some are, so that looking on costs nothing of what is looked at. Asked before the work. */
  wants(whose: string, failed: boolean): boolean {
    const second = Math.floor(performance.now() / 1_000);
    if (second !== this.second) this.counts.clear();
    this.second = second;
    const key = `${whose} ${failed}`;
    const count = this.counts.get(key) ?? 0;
    this.counts.set(key, count + 1);
    return count < MOST_PER_SECOND;
  }

  add(trace: Trace): void {
    this.waiting.push(trace);
    if (this.waiting.length > MOST_WAITING)
      this.dropped += this.waiting.splice(0, this.waiting.length - MOST_WAITING).length;
    this.timer ??= setTimeout(() => void this.flush(), EVERY_MS).unref();
  }

  /** Writes what waits now. Never throws; what the database did not take waits for the next time. */
  flush(): Promise<void> {
    clearTimeout(this.timer);
    this.timer = undefined;
    this.writing = this.writing.then(() => this.write());
    return this.writing;
  }

  private async write(): Promise<void> {
    while (this.waiting.length > 0) {
      const batch = this.waiting.splice(0, BATCH);
      try {
        await this.database.query(INSERT, [JSON.stringify(batch).replaceAll('\\u0000', '\\ufffd')]);
      } catch {
        this.waiting = [...batch, ...this.waiting].slice(-MOST_WAITING);
        this.timer ??= setTimeout(() => void this.flush(), EVERY_MS * 10).unref();
        return;
      }
    }
  }
}

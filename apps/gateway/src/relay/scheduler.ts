import { type Keeping, type Leases, prune } from '#conversations';
import type { Database } from '#database';
import type { Log } from './ports.js';

/** What falls due by the clock (`Schedule` of the store). */
export interface DueWork {
  enqueueDue(): Promise<number>;
  fallbackDue(): Promise<number>;
}

export interface SchedulerParts {
  readonly database: Database;
  readonly leases: Leases;
  readonly due: DueWork;
  readonly keeping?: Partial<Keeping>;
  readonly log: Log;
  /** Between two looks at what is due. Default 1 s. */
  readonly everyMs?: number;
  /** Between two prunings. Default 1 h. */
  readonly pruneEveryMs?: number;
}

const LEASE = 'scheduler';

/** Does what falls due by the clock, in one process at a time, by lease: messages with a time, fallback ways, and what is kept no longer. */
export class Scheduler {
  private timer: NodeJS.Timeout | undefined;
  private working: Promise<void> | undefined;
  private readonly stopping = new AbortController();
  private pruneAt = 0;

  constructor(private readonly parts: SchedulerParts) {}

  start(): void {
    this.timer ??= setInterval(() => void this.tick(), this.parts.everyMs ?? 1_000).unref();
  }

  async stop(): Promise<void> {
    clearInterval(this.timer);
    this.stopping.abort();
    await this.working;
    const lease = this.parts.leases.get(LEASE);
    if (lease) await this.parts.leases.release([lease]).catch(() => undefined);
  }

  /** One look; does nothing while the last one is under way, or where another process is the scheduler. */
  tick(): Promise<void> {
    this.working ??= this.work()
      .catch((error: unknown) => this.parts.log.warn({ err: error }, 'what is due could not be done'))
      .finally(() => (this.working = undefined));
    return this.working;
  }

  private async work(): Promise<void> {
    const { database, due, keeping, leases, log } = this.parts;
    if (!leases.get(LEASE) && (await leases.acquire([LEASE])).length === 0) return;
    await due.enqueueDue();
    await due.fallbackDue();
    if (performance.now() < this.pruneAt) return;
    this.pruneAt = performance.now() + (this.parts.pruneEveryMs ?? 3_600_000);
    const gone = await prune(database, keeping, this.stopping.signal);
    if (gone > 0) {
      log.info({ rows: gone }, 'old rows were deleted');
      await database.maintain();
    }
  }
}

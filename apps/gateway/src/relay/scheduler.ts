import { forgetOrphans, type Keeping, type Leases, prune } from '#conversations';
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
const ORPHANS_EVERY_MS = 60_000;
/** Work that failed is tried again after at most so long. */
const RETRY_MS = 60_000;

/** One kind of work: never twice at once, and its failures are its own. */
interface Job {
  readonly what: string;
  readonly everyMs: number;
  readonly work: () => Promise<unknown>;
  dueAt: number;
  running?: Promise<void> | undefined;
}

/** Does what falls due by the clock, in one process at a time, by lease: messages with a time, fallback ways, and what is kept no longer. */
export class Scheduler {
  private timer: NodeJS.Timeout | undefined;
  private working: Promise<void> | undefined;
  private readonly stopping = new AbortController();
  private readonly jobs: readonly Job[];

  constructor(private readonly parts: SchedulerParts) {
    const { database, due, pruneEveryMs = 3_600_000 } = parts;
    const { signal } = this.stopping;
    this.jobs = [
      { what: 'what is to be sent now', everyMs: 0, work: () => due.enqueueDue(), dueAt: 0 },
      { what: 'fallback ways', everyMs: 0, work: () => due.fallbackDue(), dueAt: 0 },
      { what: 'orphans', everyMs: ORPHANS_EVERY_MS, work: () => forgetOrphans(database, signal), dueAt: 0 },
      { what: 'old rows', everyMs: pruneEveryMs, work: () => this.prune(), dueAt: 0 },
    ];
  }

  start(): void {
    this.timer ??= setInterval(() => void this.tick(), this.parts.everyMs ?? 1_000).unref();
  }

  async stop(): Promise<void> {
    clearInterval(this.timer);
    this.stopping.abort();
    await this.working;
    await Promise.all(this.jobs.map(({ running }) => running));
    const lease = this.parts.leases.get(LEASE);
    if (lease) await this.parts.leases.release([lease]).catch(() => undefined);
  }

  /** One look: begins what is due and not under way. Does nothing where another process is the scheduler. Resolves once what it began has ended. */
  async tick(): Promise<void> {
    this.working ??= this.begin().finally(() => (this.working = undefined));
    await this.working;
    await Promise.all(this.jobs.map(({ running }) => running));
  }

  private async begin(): Promise<void> {
    if (!(await this.isScheduler()) || this.stopping.signal.aborted) return;
    for (const job of this.jobs)
      if (!job.running && performance.now() >= job.dueAt)
        job.running = this.run(job).finally(() => (job.running = undefined));
  }

  private async isScheduler(): Promise<boolean> {
    const { leases, log } = this.parts;
    try {
      return leases.get(LEASE) !== undefined || (await leases.acquire([LEASE])).length > 0;
    } catch (error) {
      log.warn({ err: error }, 'what is due could not be looked for');
      return false;
    }
  }

  private async run(job: Job): Promise<void> {
    job.dueAt = performance.now() + job.everyMs;
    try {
      await job.work();
    } catch (error) {
      job.dueAt = performance.now() + Math.min(job.everyMs, RETRY_MS);
      this.parts.log.warn({ err: error, what: job.what }, 'what is due could not be done');
    }
  }

  private async prune(): Promise<void> {
    const { database, keeping, log } = this.parts;
    const gone = await prune(database, keeping, this.stopping.signal);
    if (gone === 0) return;
    log.info({ rows: gone }, 'old rows were deleted');
    await database.maintain();
  }
}

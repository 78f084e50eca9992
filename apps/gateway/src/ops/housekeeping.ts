import type { Settings } from '#config';
import { prune, type Files, type Leases } from '#conversations';
import type { Database } from '#database';
import type { Logger } from 'pino';

const LEASE = 'housekeeping';
const EVERY_MS = 15 * 60_000;
const FIRST_MS = 60_000;

/** Deletes what is kept no longer, now and then, in one process at a time. */
export class Housekeeping {
  private readonly stopping = new AbortController();
  private timer: NodeJS.Timeout | undefined;
  private running: Promise<void> = Promise.resolve();

  constructor(
    private readonly parts: {
      database: Database;
      leases: Leases;
      files: Files;
      retention: Settings['retention'];
      log: Logger;
    },
  ) {}

  start(): void {
    const next = (ms: number) => {
      this.timer = setTimeout(() => {
        this.running = this.round().finally(() => !this.stopping.signal.aborted && next(EVERY_MS));
      }, ms).unref();
    };
    next(FIRST_MS);
  }

  async stop(): Promise<void> {
    this.stopping.abort();
    clearTimeout(this.timer);
    await this.running;
  }

  /** One round, unless another process is at it. Never throws. */
  async round(): Promise<void> {
    const { database, leases, files, retention, log } = this.parts;
    try {
      const [lease] = await leases.acquire([LEASE]);
      if (!lease) return;
      try {
        const rows = await prune(database, retention, this.stopping.signal);
        const uploads = await files.removeOrphans();
        if (rows + uploads > 0) log.info({ rows, uploads }, 'deleted what is kept no longer');
      } finally {
        await leases.release([lease]);
      }
    } catch (error) {
      log.warn({ err: error }, 'housekeeping was not finished');
    }
  }
}

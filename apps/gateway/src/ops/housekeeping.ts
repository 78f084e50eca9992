import type { Files, Leases } from '#conversations';
import type { Logger } from 'pino';

const LEASE = 'housekeeping';
const EVERY_MS = 15 * 60_000;
const FIRST_MS = 60_000;

/** Deletes uploads that nothing came of, and the bytes of files that were erased or are too old, now and then, in one process at a time. */
export class Housekeeping {
  private stopped = false;
  private timer: NodeJS.Timeout | undefined;
  private running: Promise<void> = Promise.resolve();

  constructor(private readonly parts: { leases: Leases; files: Files; log: Logger }) {}

  start(): void {
    const next = (ms: number) => {
      this.timer = setTimeout(() => {
        this.running = this.round().finally(() => !this.stopped && next(EVERY_MS));
      }, ms).unref();
    };
    next(FIRST_MS);
  }

  async stop(): Promise<void> {
    this.stopped = true;
    clearTimeout(this.timer);
    await this.running;
  }

  /** One round, unless another process is at it. Never throws. */
  async round(): Promise<void> {
    const { leases, files, log } = this.parts;
    try {
      const [lease] = await leases.acquire([LEASE]);
      if (!lease) return;
      try {
        const uploads = await files.removeOrphans();
        if (uploads > 0) log.info({ uploads }, 'deleted uploads that no message took up');
        const erased = await files.removeErased();
        if (erased > 0) log.info({ erased }, 'deleted files that are kept no longer');
      } finally {
        await leases.release([lease]);
      }
    } catch (error) {
      log.warn({ err: error }, 'housekeeping was not finished');
    }
  }
}

import type { Database } from '#database';
import { followCompany } from '#identity';
import type { Logger } from 'pino';

const EVERY_MS = 5_000;

/**
 * Does in the background what the change of a large company brings, some contacts to a transaction, in between which others have their turn. What a process leaves
 * behind, also by a kill, another one goes on with.
 */
export class CompanyChanges {
  private stopped = false;
  private again = false;
  private timer: NodeJS.Timeout | undefined;
  private working: Promise<void> | undefined;
  private unlisten: (() => void) | undefined;

  constructor(
    private readonly database: Database,
    private readonly log: Logger,
  ) {}

  start(): void {
    this.unlisten = this.database.onHint('companies', () => this.look());
    this.timer = setInterval(() => this.look(), EVERY_MS).unref();
    this.look();
  }

  /** Ends with the transaction that is under way. */
  async stop(): Promise<void> {
    this.stopped = true;
    this.unlisten?.();
    clearInterval(this.timer);
    await this.working;
  }

  private look(): void {
    this.again = true;
    this.working ??= this.work().finally(() => (this.working = undefined));
  }

  private async work(): Promise<void> {
    while (this.again && !this.stopped) {
      this.again = false;
      try {
        while (!this.stopped && (await followCompany(this.database)))
          ['outbox', 'events'].forEach((channel) => this.database.hint(channel));
      } catch (error) {
        this.log.warn({ err: error }, 'the change of a company was not followed to its end');
      }
    }
  }
}

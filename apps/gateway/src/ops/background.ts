import type { Database } from '#database';

export interface BackgroundWork {
  readonly database: Database;
  /** Hint that something may be to be done. */
  readonly hint: string;
  /** How often it is looked for without a hint. */
  readonly everyMs: number;
  /** Does what there is to do, as long as `goesOn` says so; never throws. */
  readonly work: (goesOn: () => boolean) => Promise<void>;
}

/** Work that is done one round at a time: at the start, at a hint, and now and then, for hints may be lost. A hint in the middle of a round makes another one. */
export class Background {
  private stopped = false;
  private again = false;
  private timer: NodeJS.Timeout | undefined;
  private working: Promise<void> | undefined;
  private unlisten: (() => void) | undefined;

  constructor(private readonly background: BackgroundWork) {}

  start(): void {
    const { database, hint, everyMs } = this.background;
    this.unlisten = database.onHint(hint, () => this.look());
    this.timer = setInterval(() => this.look(), everyMs).unref();
    this.look();
  }

  /** Ends with what `work` has under way. */
  async stop(): Promise<void> {
    this.stopped = true;
    this.unlisten?.();
    clearInterval(this.timer);
    await this.working;
  }

  private look(): void {
    this.again = true;
    this.working ??= this.rounds().finally(() => (this.working = undefined));
  }

  private async rounds(): Promise<void> {
    while (this.again && !this.stopped) {
      this.again = false;
      await this.background.work(() => !this.stopped);
    }
  }
}

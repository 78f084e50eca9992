/**
 * A token bucket that holds one second's worth of tokens and at least one. `waitMs` says how long until the next may be taken (0: now); `take` takes it,
 * and more where one thing counts as several: what is missing then is waited for afterwards.
 */
export class Pace {
  private tokens: number;
  private at: number;

  constructor(
    private perSecond: number,
    private readonly now: () => number,
  ) {
    this.tokens = this.size;
    this.at = now();
  }

  /** From now on so many: the settings were changed, or processes came or went. What is owed stays owed. */
  change(perSecond: number): this {
    this.refill();
    this.perSecond = perSecond;
    return this;
  }

  waitMs(): number {
    this.refill();
    return this.tokens >= 1 ? 0 : Math.ceil(((1 - this.tokens) / this.perSecond) * 1_000);
  }

  take(count = 1): void {
    this.refill();
    this.tokens -= count;
  }

  /** Nothing was taken for so long that it is as good as new. */
  get full(): boolean {
    this.refill();
    return this.tokens >= this.size;
  }

  private get size(): number {
    return Math.max(1, this.perSecond);
  }

  private refill(): void {
    const now = this.now();
    this.tokens = Math.min(this.size, this.tokens + ((now - this.at) / 1_000) * this.perSecond);
    this.at = now;
  }
}

/** Failures in a row that open it; how long it then stays open, doubling each time a probe fails. */
const THRESHOLD = 5;
const OPEN_MS = { first: 1_000, most: 30_000 };

/**
 * Keeps a dead endpoint from eating slots: after a few failures in a row nothing is tried for a while, then one probe at a time, until one gets
 * through. Answers of any kind are signs of life; what counts as failure is the caller's.
 */
export class Breaker {
  private failures = 0;
  private openUntil = 0;
  private openMs = OPEN_MS.first;

  constructor(private readonly now: () => number) {}

  /** How many may be under way at once, of `cap`. */
  permits(cap: number): number {
    if (this.failures < THRESHOLD) return cap;
    return this.now() < this.openUntil ? 0 : 1;
  }

  /** Until when nothing is to be tried; in the past where something may be. */
  get until(): number {
    return this.openUntil;
  }

  /** True where this closed it. */
  succeeded(): boolean {
    const closed = this.failures >= THRESHOLD;
    this.failures = 0;
    this.openMs = OPEN_MS.first;
    return closed;
  }

  /** True where this opened it, or kept it open after a probe. */
  failed(): boolean {
    this.failures += 1;
    if (this.failures < THRESHOLD || this.now() < this.openUntil) return false;
    this.openUntil = this.now() + this.openMs;
    this.openMs = Math.min(this.openMs * 2, OPEN_MS.most);
    return true;
  }
}

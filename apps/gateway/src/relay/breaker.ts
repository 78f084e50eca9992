/** Failures in a row that open it, if nothing got through for so long; how long it then stays open, doubling each time a probe fails. */
const THRESHOLD = 5;
const SILENCE_MS = 2_000;
const OPEN_MS = { first: 1_000, most: 30_000 };

/**
 * Keeps a dead endpoint from eating slots: after a few failures in a row nothing is tried for a while, then one probe at a time, until one gets
 * through. Answers of any kind are signs of life; what counts as failure is the caller's.
 *
 * It must not mistake conversations that an endpoint refuses for an endpoint that is dead: what failed before says nothing new when it fails again, and while
 * others get through nothing is dead.
 */
export class Breaker {
  private failures = 0;
  private openUntil = 0;
  private openMs = OPEN_MS.first;
  private throughAt = -Infinity;

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
    this.throughAt = this.now();
    this.openMs = OPEN_MS.first;
    return closed;
  }

  /** `first`: nothing of it was tried before. True where this opened it, or kept it open after a probe. */
  failed(first = true): boolean {
    const open = this.failures >= THRESHOLD;
    if (!open && !first) return false;
    if (!open && this.failures === THRESHOLD - 1 && this.now() - this.throughAt < SILENCE_MS) return false;
    this.failures += 1;
    if (this.failures < THRESHOLD || this.now() < this.openUntil) return false;
    this.openUntil = this.now() + this.openMs;
    this.openMs = Math.min(this.openMs * 2, OPEN_MS.most);
    return true;
  }
}

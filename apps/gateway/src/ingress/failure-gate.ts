const WINDOW_MS = 60_000;
/** How long an address that sent something genuine is let through, whatever else comes from it: many may share one proxy. */
const TRUST_MS = 3_600_000;
/** More addresses than this at once are a flood from everywhere, against which counting by address does nothing. */
const MOST = 50_000;

/** Counts wrongly signed requests by address and account, so that a flood of them costs no cryptography and no log. */
export class FailureGate {
  private failures = new Map<string, number>();
  private readonly genuine = new Map<string, number>();
  private windowEnds = 0;

  constructor(
    private readonly perMinute: number,
    private readonly now: () => number = Date.now,
  ) {}

  /** Is this sender beyond its failures of the minute? */
  closed(sender: string): boolean {
    return (this.current().get(sender) ?? 0) >= this.perMinute && !this.trusted(sender);
  }

  /** Notes a failure; returns how many there are in this minute. */
  failed(sender: string): number {
    const failures = this.current();
    const count = (failures.get(sender) ?? 0) + 1;
    if (failures.size < MOST || failures.has(sender)) failures.set(sender, count);
    return count;
  }

  succeeded(sender: string): void {
    this.genuine.delete(sender);
    if (this.genuine.size >= MOST) this.genuine.delete(this.genuine.keys().next().value!);
    this.genuine.set(sender, this.now() + TRUST_MS);
  }

  /** Seconds until the minute is over. */
  retryAfterS(): number {
    return Math.max(1, Math.ceil((this.windowEnds - this.now()) / 1_000));
  }

  private trusted(sender: string): boolean {
    return (this.genuine.get(sender) ?? 0) > this.now();
  }

  private current(): Map<string, number> {
    if (this.now() >= this.windowEnds) {
      this.failures = new Map();
      this.windowEnds = this.now() + WINDOW_MS;
    }
    return this.failures;
  }
}

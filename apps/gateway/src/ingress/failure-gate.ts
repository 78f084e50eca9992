import type { Database } from '#database';
import { SharedCounts } from '../limits/index.js';

const WINDOW_MS = 60_000;
/** How long an address that sent something genuine is let through, whatever else comes from it: many may share one proxy. */
const TRUST_MS = 3_600_000;
/** More addresses than this at once are a flood from everywhere, against which counting by address does nothing. */
const MOST = 50_000;
/** The failures that are allowed are told to other processes in so many parts. */
const STEPS = 8;

/**
 * Counts wrongly signed requests by address and account, so that a flood of them costs no cryptography and no log. Processes that are given a
 * database count together, and know of each other who is genuine.
 */
export class FailureGate {
  private failures = new Map<string, number>();
  private readonly genuine = new Map<string, number>();
  private windowEnds = 0;
  private readonly failuresHere: SharedCounts | undefined;
  private readonly genuineHere: SharedCounts | undefined;

  constructor(
    private readonly perMinute: number,
    private readonly now: () => number = Date.now,
    shared?: Pick<Database, 'hint' | 'onHint'>,
  ) {
    if (!shared) return;
    const seconds = WINDOW_MS / 1_000;
    const step = Math.max(1, Math.floor(perMinute / STEPS));
    const heard = (sender: string, count: number) => void this.note(sender, count);
    this.failuresHere = new SharedCounts(shared, { name: 'failures', step, seconds, heard });
    this.genuineHere = new SharedCounts(shared, {
      ...{ name: 'genuine', step: 1, seconds },
      heard: (sender) => this.trust(sender),
    });
  }

  /** Is this sender beyond its failures of the minute? */
  closed(sender: string): boolean {
    return (this.current().get(sender) ?? 0) >= this.perMinute && !this.trusted(sender);
  }

  /** Notes a failure; returns how many there are in this minute. */
  failed(sender: string): number {
    const count = this.note(sender, 1);
    if (count <= this.perMinute && !this.trusted(sender)) this.failuresHere?.add(sender);
    return count;
  }

  succeeded(sender: string): void {
    if (!this.trusted(sender)) this.genuineHere?.add(sender);
    this.trust(sender);
  }

  /** Seconds until the minute is over. */
  retryAfterS(): number {
    return Math.max(1, Math.ceil((this.windowEnds - this.now()) / 1_000));
  }

  private note(sender: string, more: number): number {
    const failures = this.current();
    const count = (failures.get(sender) ?? 0) + more;
    if (failures.size < MOST || failures.has(sender)) failures.set(sender, count);
    return count;
  }

  private trust(sender: string): void {
    this.genuine.delete(sender);
    if (this.genuine.size >= MOST) this.genuine.delete(this.genuine.keys().next().value!);
    this.genuine.set(sender, this.now() + TRUST_MS);
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

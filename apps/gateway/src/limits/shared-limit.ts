import type { Database } from '#database';
import { RateLimiterMemory, RateLimiterRes } from 'rate-limiter-flexible';
import { SharedCounts } from './shared-counts.js';

export interface LimitOptions {
  /** Unique among all limits: the processes know it by this. */
  readonly name: string;
  /** So many of each key in so many seconds, in all processes together. */
  readonly points: number;
  readonly seconds: number;
}

/** A limit is told in so many parts. */
const STEPS = 8;

/**
 * A rate that all processes allow together, to within an eighth of it for each further process. Counted in memory: no message waits for another process
 * or a database.
 */
export class SharedLimit {
  private readonly memory: RateLimiterMemory;
  private readonly counts: SharedCounts;

  constructor(database: Pick<Database, 'hint' | 'onHint'>, { name, points, seconds }: LimitOptions) {
    this.memory = new RateLimiterMemory({ points, duration: seconds });
    this.counts = new SharedCounts(database, {
      ...{ name, seconds, step: Math.max(1, Math.floor(points / STEPS)) },
      heard: (key, count) => void this.memory.penalty(key, count),
    });
  }

  /** Counts so many; returns 0, or the milliseconds to wait where they are too many. */
  async take(key: string, points = 1): Promise<number> {
    try {
      await this.memory.consume(key, points);
      this.counts.add(key, points);
      return 0;
    } catch (error) {
      if (error instanceof RateLimiterRes) return Math.max(1, error.msBeforeNext);
      throw error;
    }
  }

  /** The milliseconds to wait where everything is used up, else 0. Counts nothing. */
  async spent(key: string): Promise<number> {
    const found = await this.memory.get(key);
    return found && found.remainingPoints <= 0 ? Math.max(1, found.msBeforeNext) : 0;
  }
}

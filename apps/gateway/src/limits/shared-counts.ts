import { randomBytes } from 'node:crypto';
import type { Database } from '#database';

export interface CountOptions {
  /** Unique among everything that is counted. */
  readonly name: string;
  /** The others are told whenever a key was counted so often since they last were. */
  readonly step: number;
  /** What was counted and not told is forgotten after so long. */
  readonly seconds: number;
  /** Another process counted so many of a key. */
  heard(key: string, count: number): void;
}

const CHANNEL = 'count';
/** More keys than this at once are a flood from everywhere, of which no single one matters. */
const MOST = 100_000;

/**
 * Tells other processes what was counted here: by hints, in steps, behind the back of whoever counts. So counting costs no round trip, rare keys cost nothing
 * at all, and of each key every process misses less than one step of each other one. Hints may be lost: then each process counts for itself.
 */
export class SharedCounts {
  private readonly self = randomBytes(6).toString('base64url');
  private readonly untold = new Map<string, number>();
  private cleared = performance.now();
  private said = 0;

  constructor(
    private readonly database: Pick<Database, 'hint' | 'onHint'>,
    private readonly options: CountOptions,
  ) {
    database.onHint(CHANNEL, (payload) => this.hear(payload));
  }

  /** Counts so many more of a key. */
  add(key: string, count = 1): void {
    const { step, seconds, name } = this.options;
    const now = performance.now();
    if (now - this.cleared > seconds * 1_000 || this.untold.size >= MOST) {
      this.untold.clear();
      this.cleared = now;
    }
    const untold = (this.untold.get(key) ?? 0) + count;
    if (untold < step) return void this.untold.set(key, untold);
    this.untold.delete(key);
    this.database.hint(CHANNEL, JSON.stringify([name, this.self, (this.said += 1), key, untold]));
  }

  private hear(payload: string): void {
    const [name, self, , key, count] = parsed(payload);
    if (name === this.options.name && self !== this.self && key !== undefined && count !== undefined)
      this.options.heard(key, count);
  }
}

/** A hint that was too long for its line arrives without its payload. */
function parsed(payload: string): [name?: string, self?: string, said?: number, key?: string, count?: number] {
  return payload === '' ? [] : (JSON.parse(payload) as ReturnType<typeof parsed>);
}

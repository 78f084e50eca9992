import type { OpenedFile, Reading } from './reading.js';
import { LIMITS, ReadingThread, type Limits, type Task } from './thread.js';

const MOST_THREADS = 2;
const IDLE_MS = 10_000;

/** A mail of so many octets is given twice as long: honest attachments take time, too. */
const DOUBLE_BYTES = 20_000_000;

/** How long a mail of `bytes` may take where an empty one may take `ms`, milliseconds. */
export function timeFor(bytes: number, ms: number): number {
  return Math.round(ms * (1 + bytes / DOUBLE_BYTES));
}

/**
 * Threads in which mails are read: at most two, started when they are needed, ended when they are not for ten seconds, replaced when a
 * mail exceeded its limits. An idle one keeps no process alive.
 */
export class ReadingPool {
  readonly #idle: ReadingThread[] = [];
  readonly #waiting: (() => void)[] = [];
  #busy = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor(private readonly limits: Limits = LIMITS) {}

  /** Throws `Unreadable`. */
  async run(task: Task): Promise<Reading | OpenedFile | undefined> {
    if (this.#busy >= MOST_THREADS) await new Promise<void>((resolve) => this.#waiting.push(resolve));
    else this.#busy += 1;
    const thread = this.#idle.pop() ?? new ReadingThread(this.limits.memoryMb);
    try {
      return await thread.run(task, timeFor(task.source.byteLength, this.limits.ms));
    } finally {
      if (!thread.gone) this.#idle.push(thread);
      this.#rest();
      const next = this.#waiting.shift();
      if (next) next();
      else this.#busy -= 1;
    }
  }

  /** Ends the threads that do nothing. */
  async stop(): Promise<void> {
    clearTimeout(this.#timer);
    await Promise.all(this.#idle.splice(0).map((thread) => thread.stop()));
  }

  #rest(): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => void this.stop(), IDLE_MS).unref();
  }
}

import { setTimeout as delay } from 'node:timers/promises';
import type { Lease, Leases } from '#conversations';
import type { Database } from '#database';
import type { Logger } from 'pino';

/** Work that exactly one process does at a time, for as long as it is listed. */
export interface Task {
  /** Name of the lease. */
  readonly name: string;
  /** Another version ends the work and begins it anew. */
  readonly version: string;
  /** Works until `signal` aborts. */
  run(hold: Hold): Promise<void>;
}

export interface Hold {
  readonly lease: Lease;
  readonly signal: AbortSignal;
  /**
   * Does this process still hold the lease, as far as can be known? Nothing may be stored on its strength otherwise. It does for a while after `signal` aborted,
   * so that what came in before can be stored.
   */
  held(): boolean;
}

interface Running {
  readonly version: string;
  readonly lease: Lease;
  readonly abort: AbortController;
  readonly done: Promise<void>;
}

interface HeldTasksParts {
  readonly leases: Leases;
  readonly list: () => readonly Task[];
  readonly log: Logger;
  /** How long a task may take to end before it is left to itself, milliseconds. */
  readonly patienceMs?: number;
  /** By the hint `leases` processes hear at once of what was given back. */
  readonly hints?: Pick<Database, 'hint' | 'onHint'>;
}

const PATIENCE_MS = 5_000;

/**
 * Keeps every listed task running in one process: takes free leases, gives back those of tasks that are listed no longer, ends what it lost. A task that does not
 * end loses its lease all the same, and nothing waits for it.
 */
export class HeldTasks {
  private readonly running = new Map<string, Running>();
  private readonly end: (() => void)[] = [];
  private syncing: Promise<void> = Promise.resolve();
  private stopped = false;

  constructor(private readonly parts: HeldTasksParts) {}

  start(): void {
    const { leases, hints } = this.parts;
    this.end.push(
      hints?.onHint('leases', () => void this.sync()) ?? (() => undefined),
      leases.onBeat(() => this.sync()),
      leases.onLost(({ name, token }) => {
        const running = this.running.get(name);
        if (running?.lease.token === token) void this.finish(name, running, 'another process took over');
      }),
    );
    void this.sync();
  }

  /** Compares what runs with what is listed, now. Never throws. */
  sync(): Promise<void> {
    this.syncing = this.syncing
      .then(() => this.compare())
      .catch((error: unknown) => this.parts.log.warn({ err: error }, 'tasks could not be compared'));
    return this.syncing;
  }

  /** Ends everything and gives the leases back. */
  async stop(): Promise<void> {
    this.stopped = true;
    this.end.splice(0).forEach((end) => end());
    await this.syncing;
    const held = [...this.running];
    await Promise.all(held.map(([name, running]) => this.finish(name, running)));
    if (held.length > 0) this.parts.hints?.hint('leases');
  }

  private async compare(): Promise<void> {
    if (this.stopped) return;
    const listed = new Map(this.parts.list().map((task) => [task.name, task]));
    const over = [...this.running].filter(([name, { version }]) => listed.get(name)?.version !== version);
    await Promise.all(over.map(([name, running]) => this.finish(name, running)));
    const wanted = [...listed.keys()].filter((name) => !this.running.has(name));
    if (wanted.length === 0) return;
    for (const lease of await this.parts.leases.acquire(wanted)) this.begin(listed.get(lease.name)!, lease);
  }

  private begin(task: Task, lease: Lease): void {
    const abort = new AbortController();
    const hold = { lease, signal: abort.signal, held: () => this.parts.leases.holds(lease) };
    const done = task
      .run(hold)
      .catch((error: unknown) => this.parts.log.error({ err: error, task: task.name }, 'a task ended by itself'))
      .then(() => this.giveBack(task.name, lease));
    this.running.set(task.name, { version: task.version, lease, abort, done });
  }

  /** Ends a task, or leaves it to itself. Never throws. */
  private async finish(name: string, { abort, done, lease }: Running, reason = 'no longer wanted here'): Promise<void> {
    const { log, patienceMs = PATIENCE_MS } = this.parts;
    abort.abort(new Error(reason));
    const patience = new AbortController();
    const late = delay(patienceMs, 'late', { signal: patience.signal }).catch(() => undefined);
    const outcome = await Promise.race([done, late]);
    patience.abort();
    if (outcome !== 'late') return;
    log.error({ task: name }, 'a task does not end and is left to itself');
    await this.giveBack(name, lease);
  }

  private async giveBack(name: string, lease: Lease): Promise<void> {
    await this.parts.leases.release([lease]).catch(() => undefined);
    if (this.running.get(name)?.lease === lease) this.running.delete(name);
  }
}

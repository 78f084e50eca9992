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
  /** Does this process still hold the lease, as far as can be known? Nothing may be stored on its strength otherwise. */
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
  /** By the hint `leases` processes hear at once of what was given back. */
  readonly hints?: Pick<Database, 'hint' | 'onHint'>;
}

/** Keeps every listed task running in one process: takes free leases, gives back those of tasks that are listed no longer, ends what it lost. */
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
        if (running?.lease.token === token) running.abort.abort(new Error('another process took over'));
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
    const held = [...this.running.values()];
    await Promise.all(held.map((running) => this.finish(running)));
    if (held.length > 0) this.parts.hints?.hint('leases');
  }

  private async compare(): Promise<void> {
    if (this.stopped) return;
    const listed = new Map(this.parts.list().map((task) => [task.name, task]));
    const over = [...this.running].filter(([name, { version }]) => listed.get(name)?.version !== version);
    await Promise.all(over.map(([, running]) => this.finish(running)));
    const wanted = [...listed.keys()].filter((name) => !this.running.has(name));
    if (wanted.length === 0) return;
    for (const lease of await this.parts.leases.acquire(wanted)) this.begin(listed.get(lease.name)!, lease);
  }

  private begin(task: Task, lease: Lease): void {
    const abort = new AbortController();
    const hold = { lease, signal: abort.signal, held: () => this.parts.leases.holds(lease) && !abort.signal.aborted };
    const done = task
      .run(hold)
      .catch((error: unknown) => this.parts.log.error({ err: error, task: task.name }, 'a task ended by itself'))
      .then(() => this.parts.leases.release([lease]))
      .catch(() => undefined)
      .finally(() => this.running.delete(task.name));
    this.running.set(task.name, { version: task.version, lease, abort, done });
  }

  private async finish(running: Running): Promise<void> {
    running.abort.abort(new Error('no longer wanted here'));
    await running.done;
  }
}

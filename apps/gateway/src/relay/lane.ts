import type { Entry } from '#conversations';

/** What is in memory of one lane. The database holds the whole lane; this is its front. */
export class Lane {
  /** Loaded and not begun, in order. */
  readonly queue: Entry[] = [];
  /** Being dispatched or settled. */
  active: readonly Entry[] = [];
  /** There may be more in the database beyond `loadedTo` that was not loaded: it is read again once the queue is empty. */
  spilled = false;
  /** Everything up to this position is settled, active or queued. */
  loadedTo = 0;
  /** Stands in its target's line. */
  lined = false;
  /** A batch failed for what may be one item's fault: go on one by one. */
  single = false;
  /** What is under way must not go on to its further entries. */
  withdrawn = false;
  /** Set aside until this goes off. */
  timer: NodeJS.Timeout | undefined;

  constructor(
    readonly key: string,
    readonly partition: number,
  ) {}

  get idle(): boolean {
    return this.active.length === 0;
  }

  /** Has nothing to do and nothing to remember. */
  get spent(): boolean {
    return this.idle && this.queue.length === 0 && !this.spilled && this.timer === undefined;
  }

  /** Waits to be read from the database. */
  get thirsty(): boolean {
    return this.idle && this.queue.length === 0 && this.spilled && this.timer === undefined;
  }

  /** Takes the next entries, at most `most`, all replays or none. */
  begin(most: number): readonly Entry[] {
    this.withdrawn = false;
    const { replay } = this.queue[0] as Entry;
    const others = this.queue.findIndex((entry) => entry.replay !== replay);
    this.active = this.queue.splice(0, Math.min(most, others < 0 ? this.queue.length : others));
    return this.active;
  }

  /** Forgets what is queued: it is read again from the database. Returns how many entries that were. */
  spill(): number {
    const first = this.queue[0];
    if (!first) return 0;
    this.spilled = true;
    this.loadedTo = this.active.at(-1)?.position ?? first.position - 1;
    return this.queue.splice(0).length;
  }

  /** Ends the dispatch of which the first `settled` entries are done; the rest is read again. Returns how many queued entries that forgot. */
  end(settled: number): number {
    const rest = this.active[settled];
    this.active = [];
    if (!rest) return 0;
    this.spilled = true;
    this.loadedTo = rest.position - 1;
    return this.queue.splice(0).length;
  }
}

import type { Entry, TargetRef } from '#conversations';
import { Breaker } from './breaker.js';
import { Lane } from './lane.js';
import { Pace } from './pace.js';

/** Entries of one reading: of a target's backlog, and of one that is only probed. */
const PAGE = 500;
const PROBE = 32;

/** Most entries that are held in memory: of one lane, and of one target. What is beyond stays in the database. */
export interface Room {
  readonly lane: number;
  readonly target: number;
}

export interface Rate {
  readonly perSecond: number;
  readonly perThreadPerSecond?: number | undefined;
}

/**
 * One destination or account: its lanes in memory, and how much may be done at once.
 *
 * While `backlog` is a number, new entries are not handed to it; it reads its own from the database after that position, as it has room, until it
 * has caught up. That is how a slow target keeps only its own front in memory, and one that is set aside nothing at all.
 */
export class Target {
  readonly lanes = new Map<string, Lane>();
  readonly breaker: Breaker;
  /** Lanes with something to dispatch. */
  readonly line: Lane[] = [];
  /** Lanes that are to be read from the database again, now. */
  readonly thirst = new Set<Lane>();
  /** Entries in memory, active ones not counted. */
  rows = 0;
  inFlight = 0;
  backlog: number | null = null;
  /** Nothing may be dispatched: paused, disabled, unknown, or its session is elsewhere. */
  aside = false;
  /** Stopped by this process until accounts and destinations are read again. */
  stopped = false;
  /** Nothing may be dispatched before. */
  heldUntil = 0;
  /** Changes whenever what is being read has become void. */
  epoch = 0;
  /** The last probe was of the newest. */
  probedNewest = false;
  private readonly resting = new Set<Lane>();
  private timer: NodeJS.Timeout | undefined;
  private pace: Pace | undefined;
  private readonly lanePaces = new Map<string, Pace>();

  constructor(
    readonly ref: TargetRef,
    private readonly surroundings: { readonly room: Room; readonly now: () => number; wake(target: Target): void },
  ) {
    this.breaker = new Breaker(surroundings.now);
  }

  get key(): string {
    return `${this.ref.kind}:${this.ref.id}`;
  }

  /** How many entries to ask the database for. */
  get appetite(): number {
    const room = this.surroundings.room.target - this.rows;
    if (this.backlog === null || this.aside || this.waitMs() > 0 || room < this.surroundings.room.target / 2) return 0;
    return Math.min(room, this.probing ? PROBE : PAGE);
  }

  /** One attempt decides whether it goes on. */
  get probing(): boolean {
    return this.breaker.permits(2) === 1;
  }

  /** How long until something may be dispatched, milliseconds. */
  waitMs(): number {
    return Math.max(this.heldUntil, this.breaker.until) - this.surroundings.now();
  }

  /**
   * Takes what was read: `fresh` behind the process's cursor, `backlog` behind the target's own, `lane` for a lane that was read again, `handed` before
   * the process's cursor came there. Returns the lane
   * that holds it now; it is no longer there once `loadedTo` has gone back before it.
   */
  accept(entry: Entry, from: 'fresh' | 'backlog' | 'lane' | 'handed'): Lane | undefined {
    // What is handed over is read again, if it finds no place now.
    if (from === 'handed' && (this.aside || this.backlog !== null || this.rows >= this.surroundings.room.target))
      return undefined;
    if (this.aside || (from === 'fresh' && this.backlog !== null)) return this.behind(entry);
    const lane = this.lanes.get(entry.lane) ?? new Lane(entry.lane, entry.partition);
    if (entry.position <= lane.loadedTo) return lane;
    if (lane.spilled && (from !== 'lane' || lane.timer)) return undefined;
    if (lane.queue.length >= this.surroundings.room.lane) {
      lane.spilled = true;
      return undefined;
    }
    if (this.rows >= this.surroundings.room.target && from !== 'lane') return this.behind(entry);
    this.lanes.set(lane.key, lane);
    lane.queue.push(entry);
    lane.loadedTo = entry.position;
    this.rows += 1;
    if (lane.queue.length === 1 && lane.idle && entry.dueMs > 0) this.setAside(lane, entry.dueMs);
    else this.enlist(lane);
    return lane;
  }

  /** Begins a dispatch: the next entries of the lane, at most `most`. */
  begin(lane: Lane, most: number): readonly Entry[] {
    const entries = lane.begin(most);
    this.rows -= entries.length;
    this.inFlight += 1;
    return entries;
  }

  /** Ends the dispatch of a lane of which the first `settled` entries are done; the rest waits `delayMs`. */
  end(lane: Lane, settled: number, delayMs = 0): void {
    this.rows -= lane.end(settled);
    if (this.lanes.get(lane.key) !== lane) return;
    if (delayMs > 0) this.setAside(lane, delayMs);
    else this.enlist(lane);
  }

  /** A thirsty lane was read; `more`: there may be more of it. */
  quenched(lane: Lane, more: boolean): void {
    this.thirst.delete(lane);
    if (!lane.timer) lane.spilled = more;
    this.enlist(lane);
  }

  /** A lane waits; what it has in memory is given up. */
  setAside(lane: Lane, ms: number): void {
    this.rows -= lane.spill();
    this.wait(lane, ms);
  }

  /** A lane waits. */
  wait(lane: Lane, ms: number): void {
    clearTimeout(lane.timer);
    lane.timer = setTimeout(() => {
      lane.timer = undefined;
      this.enlist(lane);
      this.surroundings.wake(this);
    }, ms).unref();
  }

  /** Takes the first entry of a lane that was read out of turn, to be dispatched before all others. */
  favour(entry: Entry): void {
    const lane = this.accept(entry, 'backlog');
    const at = lane ? this.line.indexOf(lane) : -1;
    if (at > 0) this.line.unshift(...this.line.splice(at, 1));
  }

  /** Puts a lane back at the head of the line. */
  putBack(lane: Lane): void {
    lane.lined = true;
    this.line.unshift(lane);
  }

  /** Calls again once the target may go on, in `ms`. */
  wakeIn(ms: number): void {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.surroundings.wake(this), Math.max(1, ms)).unref();
  }

  /**
   * Drops lanes from memory that have nothing left. To be called right before a reading begins, never while one is under way: until then a lane remembers
   * what it has settled, which the reading may still see.
   */
  sweep(): void {
    for (const lane of this.resting) if (lane.spent && this.lanes.get(lane.key) === lane) this.lanes.delete(lane.key);
    this.resting.clear();
  }

  /** Finds the place of a lane: in the line, among those to be read again, or at rest. */
  private enlist(lane: Lane): void {
    if (lane.spent) this.resting.add(lane);
    else if (lane.thirsty) this.thirst.add(lane);
    else if (!lane.lined && lane.idle && lane.queue.length > 0 && !lane.timer) {
      lane.lined = true;
      this.line.push(lane);
    }
  }

  /** The next lane of the line that has something to do. While one probe decides for all, what never failed comes first. */
  next(): Lane | undefined {
    if (this.probing) {
      const untried = this.line.findIndex(({ queue }) => queue[0]?.attempts === 0);
      if (untried > 0) this.line.unshift(...this.line.splice(untried, 1));
    }
    for (let lane = this.line.shift(); lane; lane = this.line.shift()) {
      lane.lined = false;
      if (lane.idle && lane.queue.length > 0 && !lane.timer && this.lanes.get(lane.key) === lane) return lane;
    }
    return undefined;
  }

  /** Forgets everything that is not under way. It is read again, from the beginning, once the target goes on; a reading under way is void. */
  spill(): void {
    this.epoch += 1;
    this.backlog = 0;
    this.line.length = 0;
    this.thirst.clear();
    for (const lane of this.lanes.values()) {
      lane.lined = false;
      this.forget(lane);
    }
  }

  /** Forgets a lane; while it is under way, only what is queued. */
  forget(lane: Lane): void {
    clearTimeout(lane.timer);
    lane.timer = undefined;
    this.thirst.delete(lane);
    this.rows -= lane.spill();
    if (lane.idle) this.lanes.delete(lane.key);
  }

  /** Does nothing for so long; what it has in memory is given up. */
  hold(ms: number): void {
    this.heldUntil = Math.max(this.heldUntil, this.surroundings.now() + ms);
    this.spill();
  }

  /** How long a lane must wait for the rates of its channel, milliseconds; takes a token of each where it need not. Carriers count the segments of an SMS. */
  throttle(lane: Lane, rate: Rate | null): { target: number; lane: number } {
    if (!rate) return { target: 0, lane: 0 };
    this.pace = this.pace?.change(rate.perSecond) ?? new Pace(rate.perSecond, this.surroundings.now);
    const own = rate.perThreadPerSecond === undefined ? undefined : this.lanePace(lane.key, rate.perThreadPerSecond);
    const waits = { target: this.pace.waitMs(), lane: own?.waitMs() ?? 0 };
    if (waits.target === 0 && waits.lane === 0) {
      this.pace.take(lane.queue[0]?.unit?.segments?.segments);
      own?.take();
    }
    return waits;
  }

  /** Ends all waiting: the process stops. */
  close(): void {
    clearTimeout(this.timer);
    this.spill();
  }

  private behind({ position }: Entry): undefined {
    this.backlog = Math.min(this.backlog ?? position - 1, position - 1);
  }

  private lanePace(key: string, perSecond: number): Pace {
    const pace = this.lanePaces.get(key)?.change(perSecond) ?? new Pace(perSecond, this.surroundings.now);
    this.lanePaces.set(key, pace);
    if (this.lanePaces.size > 10_000) {
      for (const [other, { full }] of this.lanePaces) if (full) this.lanePaces.delete(other);
    }
    return pace;
  }
}

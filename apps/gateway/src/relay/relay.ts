import { type Entry, type Handed, type Lease, type Partitions, type Result, type Settler } from '#conversations';
import { Alarm } from './alarm.js';
import type { Board } from './board.js';
import { Flights } from './flights.js';
import type { Lane } from './lane.js';
import type { Log, Observation } from './ports.js';
import type { Reader } from './reader.js';
import { Results, type Settled } from './results.js';
import type { Outcome } from './route.js';
import type { Target } from './target.js';

export interface RelayParts {
  readonly board: Board;
  readonly reader: Reader;
  readonly partitions: Partitions;
  readonly settler: Settler;
  readonly log: Log;
  /** Ends what its account kept waiting for too long. */
  giveUp(): Promise<void>;
  /** A target answers again after it was down. */
  recovered(target: Target): Promise<void>;
  /** A target asked to be left alone for so long: the other processes are to know. */
  held(target: Target, ms: number): void;
  observe(observation: Observation): void;
  readonly settings: RelaySettings;
}

export interface RelaySettings {
  /** Most dispatches under way at once to one target. */
  readonly concurrency: number;
  /** How long until the outbox is looked at without a hint, milliseconds. */
  readonly pollMs: number;
  /** After this a dispatch is told to give up, whatever it waits for, milliseconds. */
  readonly dispatchMs: number;
  /** How long `drain` waits for what is under way, milliseconds. */
  readonly drainMs: number;
  /** How long a lane waits at first whose result the database refuses, milliseconds. */
  readonly refusedMs: number;
}

/** With more than so many entries in memory the relay is behind: what comes then it reads when it gets there. */
const MOST_HANDED_ROWS = 1_000;
/** Between two looks at the outbox while there is work: what comes meanwhile is read in one go. */
const BREATH_MS = 2;
/** While a writer is under way below the horizon. */
const PENDING_MS = { first: 2, most: 16 };
const TROUBLE_MS = 500;
const GIVE_UP_EVERY_MS = 60_000;
/** Partitions that are to be given back are looked at again after this. */
const LEAVING_MS = 100;

/**
 * The loop lease -> dispatch -> settle, for events and units alike. Within a lane strictly one after the other, each dispatch settled before the
 * next begins; lanes are independent, up to the concurrency of their target.
 */
export class Relay {
  private readonly alarm = new Alarm();
  private readonly flights: Flights;
  private running: Promise<void> | undefined;
  private stopping = false;
  private balanceDue = true;
  /** Partitions were gained whose backlog was not looked for yet. */
  private takeOverDue = false;
  private leaving: ReadonlySet<number> = new Set();

  private readonly results: Results;

  constructor(private readonly parts: RelayParts) {
    const { settler, log, settings } = parts;
    this.results = new Results({ settler, log, refusedMs: settings.refusedMs });
    this.flights = new Flights({ dispatchMs: settings.dispatchMs, retryMs: TROUBLE_MS, log });
  }

  start(): void {
    this.running ??= this.run();
  }

  /** Where what is stored just now may be handed over (`Taker`). */
  get after(): number | null {
    const { board, reader } = this.parts;
    return this.stopping || this.takeOverDue || board.rows > MOST_HANDED_ROWS ? null : reader.after;
  }

  /** See `Taker.epoch`. */
  get epoch(): number {
    return this.parts.reader.epoch;
  }

  /** Takes what was stored just now, as far as it is this process's to deliver. */
  take(handed: readonly Handed[]): boolean {
    if (this.stopping || this.takeOverDue) return false;
    const { partitions, board, reader } = this.parts;
    const ours = handed.filter(
      ({ entry: { partition } }) => partitions.owns(partition) && !this.leaving.has(partition),
    );
    const all = reader.take(ours);
    for (const id of new Set(ours.map(({ entry }) => entry.targetId))) this.pump(board.target({ kind: 'event', id }));
    return all && ours.length === handed.length;
  }

  /** Something may be in the outbox. */
  wake(): void {
    this.alarm.ring();
  }

  /** Processes came or went: partitions are shared anew. */
  rebalance(): void {
    this.balanceDue = true;
    this.alarm.ring();
  }

  /** Accounts, destinations or sessions changed. */
  review(): void {
    this.parts.board.reviewAll();
    this.alarm.ring();
  }

  /** A target may go on. */
  nudge(target: Target): void {
    this.pump(target);
    this.alarm.ring();
  }

  /** Stops taking work, waits for what is under way, settles it, and gives the partitions back. */
  async drain(): Promise<void> {
    this.stopping = true;
    this.alarm.ring();
    await this.running;
    const end = performance.now() + this.parts.settings.drainMs;
    const abort = setTimeout(() => this.flights.abort(), this.parts.settings.drainMs * 0.8);
    while (this.parts.board.list().some(({ lanes }) => [...lanes.values()].some((lane) => !lane.idle))) {
      if (performance.now() > end) break;
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    clearTimeout(abort);
    this.flights.abort();
    await this.parts.partitions.giveUp(this.parts.partitions.list());
    this.parts.board.close();
  }

  private async run(): Promise<void> {
    let pending = PENDING_MS.first;
    let started = false;
    let sweepAt = 0;
    let troubled = false;
    while (!this.stopping) {
      try {
        if (!started) await this.parts.reader.start();
        started = true;
        if (this.balanceDue) await this.balance();
        if (this.takeOverDue) await this.takeOver();
        if (performance.now() > sweepAt) {
          await this.parts.giveUp();
          sweepAt = performance.now() + GIVE_UP_EVERY_MS;
        }
        const { more, settled } = await this.parts.reader.read();
        troubled = false;
        for (const target of this.parts.board.list()) this.pump(target);
        pending = settled ? PENDING_MS.first : Math.min(pending * 2, PENDING_MS.most);
        await breathe();
        if (!more) await this.alarm.wait(settled ? this.parts.settings.pollMs : pending);
      } catch (error) {
        if (!troubled) this.parts.log.warn({ err: error }, 'the outbox cannot be read: trying again until it can');
        troubled = true;
        await this.alarm.wait(TROUBLE_MS);
      }
    }
  }

  private async balance(): Promise<void> {
    const { partitions, board } = this.parts;
    this.balanceDue = false;
    const { gained, surplus } = await partitions.balance((partition) => board.busy().has(partition));
    const staying = [...this.leaving].some((partition) => partitions.owns(partition) && !surplus.includes(partition));
    this.takeOverDue ||= gained.length > 0 || staying;
    this.leaving = new Set(surplus);
    board.release(this.leaving);
    const busy = board.busy();
    const quiet = surplus.filter((partition) => !busy.has(partition));
    if (quiet.length > 0) await partitions.giveUp(quiet);
    if (quiet.length < surplus.length) setTimeout(() => this.rebalance(), LEAVING_MS).unref();
  }

  /** Nothing at or below the cursor is read again but by this: it is owed until it has succeeded. */
  private async takeOver(): Promise<void> {
    await this.parts.reader.takeOver();
    this.takeOverDue = false;
  }

  /** Dispatches what a target has ready, as far as its slots, breaker and rates allow. */
  private pump(target: Target): void {
    const route = this.parts.board.route(target.ref);
    while (!this.stopping && !target.aside) {
      const waitMs = target.waitMs();
      if (waitMs > 0) return target.wakeIn(waitMs);
      if (target.inFlight >= target.breaker.permits(this.parts.settings.concurrency)) return;
      const lane = target.next();
      if (!lane) {
        if (target.appetite > 0 || target.thirst.size > 0) this.alarm.ring();
        return;
      }
      const lease = this.leaseOf(target, lane);
      if (!lease) {
        this.unleased(target, lane);
        continue;
      }
      const waits = target.throttle(lane, route.rate(target.ref.id));
      if (waits.target > 0) {
        target.putBack(lane);
        return target.wakeIn(waits.target);
      }
      if (waits.lane > 0) target.wait(lane, waits.lane);
      else void this.dispatch(target, lane, lease);
    }
  }

  private leaseOf(target: Target, lane: Lane): Lease | undefined {
    const { board, partitions } = this.parts;
    if (board.isBound(target.ref)) return board.route(target.ref).boundLease(target.ref.id);
    return this.leaving.has(lane.partition) ? undefined : partitions.lease(lane.partition);
  }

  /** A lane that is another's now is forgotten; while it is only not known who holds it, it waits. */
  private unleased(target: Target, lane: Lane): void {
    const { board, partitions } = this.parts;
    const ours = board.isBound(target.ref) || (partitions.owns(lane.partition) && !this.leaving.has(lane.partition));
    if (ours) target.wait(lane, TROUBLE_MS);
    else target.forget(lane);
  }

  private async dispatch(target: Target, lane: Lane, lease: Lease): Promise<void> {
    const route = this.parts.board.route(target.ref);
    const entries = target.begin(lane, lane.single ? 1 : route.batch(target.ref.id));
    const began = performance.now();
    const outcome = await this.flights.fly(target.key, (signal) =>
      route.dispatch(entries, { lease, signal, goesOn: () => this.mayGoOn(target, lane, lease) }),
    );
    const durationMs = (performance.now() - began) / Math.max(1, outcome.results.length);
    target.inFlight -= 1;
    lane.single ||= outcome.single === true;
    const decisive = entries[Math.max(0, outcome.results.length - 1)]!;
    this.takeEffect(target, outcome, decisive.attempts === 0);
    this.pump(target);
    const patient =
      lane.queue.length === 0 && !lane.spilled && outcome.results.every(({ kind }) => kind === 'delivered');
    const settled = await this.settle(entries, lease, { results: outcome.results, patient });
    outcome.results.forEach((result, index) =>
      this.observe(entries[index]!, result, { durationMs, settled: settled[index]!.state }),
    );
    const done = outcome.results.findIndex(
      (result, index) => result.kind === 'retry' || settled[index]!.state !== 'settled',
    );
    target.end(lane, done < 0 ? outcome.results.length : done, delayOf(outcome, settled));
    this.pump(target);
  }

  private mayGoOn(target: Target, lane: Lane, { token }: Lease): boolean {
    return (
      !this.stopping &&
      !lane.withdrawn &&
      !target.aside &&
      target.waitMs() <= 0 &&
      this.leaseOf(target, lane)?.token === token
    );
  }

  private takeEffect(target: Target, { health, holdMs, pause }: Outcome, first: boolean): void {
    if (health === 'alive' && target.breaker.succeeded()) this.recover(target);
    if (health === 'down' && target.breaker.failed(first)) target.spill();
    if (holdMs !== undefined) {
      target.hold(holdMs);
      this.parts.held(target, holdMs);
    }
    if (pause === undefined) return;
    const route = this.parts.board.route(target.ref);
    if (holdMs === undefined) {
      target.stopped = true;
      this.parts.board.review(target);
    }
    route.pause(target.ref.id, pause).catch((error: unknown) => {
      this.parts.log.error({ err: error, target: target.key }, 'a pause could not be stored');
      target.stopped = false;
      this.parts.board.review(target);
    });
  }

  private recover(target: Target): void {
    this.parts.recovered(target).catch((error: unknown) => {
      this.parts.log.warn({ err: error, target: target.key }, 'what waits for a target could not be hastened');
    });
  }

  private settle(
    entries: readonly Entry[],
    lease: Lease,
    { results, patient }: { readonly results: readonly Result[]; readonly patient: boolean },
  ): Promise<Settled[]> {
    return Promise.all(
      results.map((result, index) => this.results.settle({ entry: entries[index]!, lease, result, patient })),
    );
  }

  private observe(
    entry: Entry,
    result: Result,
    { durationMs, settled }: { durationMs: number; settled: Settled['state'] },
  ): void {
    const outcome = settled !== 'settled' ? settled : result.kind === 'unit' ? result.status : result.kind;
    this.parts.observe({
      kind: entry.kind,
      targetId: entry.targetId,
      outcome,
      ...('failure' in result && { code: result.failure.code }),
      durationMs,
      latencyMs: entry.ageMs + performance.now() - entry.readAt,
    });
  }
}

/** How long the lane waits before what is left of it. */
function delayOf({ results, retryMs }: Outcome, settled: readonly Settled[]): number {
  const waits = settled.flatMap((one) => (one.state === 'settled' ? [] : one.waitMs));
  if (waits.length > 0) return Math.max(...waits);
  const last = results.at(-1);
  return (last?.kind === 'retry' ? last.delayMs : results.length === 0 ? retryMs : undefined) ?? 0;
}

function breathe(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, BREATH_MS));
}

import type { Erasures, Handed, Horizon, Outbox, Partitions } from '#conversations';
import type { Board } from './board.js';
import type { Lane } from './lane.js';
import type { Target } from './target.js';

/** Entries of one reading of what is new. */
const PAGE = 1_000;
/** Targets whose backlog is read in one step: the others have their turn in the next. */
const TURNS = 16;
/** Lanes of one target that are read again in one step. */
const LANES = 200;
/** Entries behind the cursor that are known already; what is handed over beyond them is read again. */
const MOST_HANDED = 4_000;

export interface ReaderParts {
  readonly outbox: Outbox;
  readonly horizon: Horizon;
  readonly partitions: Partitions;
  readonly board: Board;
  readonly laneRoom: number;
  readonly erasures: Pick<Erasures, 'join' | 'lanesAfter' | 'saw'>;
}

/**
 * Brings entries from the database to the board: what is new, by one cursor for all owned partitions; the backlog of targets that fell behind, each by a
 * cursor of its own; lanes that were set aside and are due. One reading at a time, so that the cursors need no further care.
 *
 * It holds: for a target without a backlog, every entry up to the cursor is settled, in memory, or in a lane that is marked `spilled`. What is handed over
 * (`take`) comes before the cursor does: its lane holds nothing behind the cursor that is not in memory, so the same is true of this lane up to the entry; and
 * the cursor, when it comes, passes over it as long as its lane has it.
 *
 * Each look at the database tells of erasures too: what is in memory of their lanes is forgotten before anything else is read.
 */
export class Reader {
  private cursor = 0;
  private started = false;
  /** The last erasure that was heeded. */
  private erased = 0;
  /** What was handed over behind the cursor, and the lane that took it. */
  private handed: { readonly position: number; readonly lane: Lane }[] = [];

  constructor(private readonly parts: ReaderParts) {}

  /** Begins at the present: what lies before is the targets' backlog (`takeOver`). */
  async start(): Promise<void> {
    this.erased = await this.parts.erasures.join();
    this.cursor = (await this.parts.horizon.safe()).outbox;
    this.started = true;
  }

  /** The place up to which everything was read; null while nothing can be taken. */
  get after(): number | null {
    return this.started && this.handed.length < MOST_HANDED ? this.cursor : null;
  }

  /** See `Taker.epoch`. */
  get epoch(): number {
    return this.erased;
  }

  /** Takes what was committed just now, each of an owned partition. Returns whether all of it found its place and room. */
  take(handed: readonly Handed[]): boolean {
    const { board } = this.parts;
    let all = true;
    for (const { entry, previous } of handed) {
      if (entry.position <= this.cursor) continue;
      const joins = previous === null || previous <= this.cursor || board.holds(entry, previous);
      const lane = joins ? board.accept(entry, 'handed') : undefined;
      if (lane) this.handed.push({ position: entry.position, lane });
      else all = false;
    }
    return all;
  }

  /** New partitions are owned: every target that anything waits for looks through its entries from the beginning. */
  async takeOver(): Promise<void> {
    for (const ref of await this.parts.outbox.targets()) this.parts.board.target(ref).spill();
  }

  /** One round. `more`: there is more to read at once; `settled`: no writer was under way, so nothing will turn up but by a hint. */
  async read(): Promise<{ more: boolean; settled: boolean }> {
    const { board, horizon } = this.parts;
    const settled = await horizon.probe();
    if (horizon.erased > this.erased) await this.withdraw();
    for (const target of board.list()) target.sweep();
    const fresh = await this.readFresh(horizon.known.outbox);
    const behind = await this.readBacklogs();
    const lanes = await this.readLanes();
    return { more: fresh || behind || lanes, settled };
  }

  /** Somebody was erased: what waits of them here must not go out. */
  private async withdraw(): Promise<void> {
    const { erasures, board } = this.parts;
    const { position, lanes } = await erasures.lanesAfter(this.erased);
    board.withdraw(lanes);
    this.erased = position;
    await erasures.saw(position);
  }

  private async readFresh(upTo: number): Promise<boolean> {
    const { outbox, partitions, board } = this.parts;
    const owned = partitions.list();
    if (upTo <= this.cursor) return false;
    const page = { after: this.cursor, upTo, limit: PAGE };
    const known = this.handed.flatMap(({ position, lane }) => (lane.loadedTo >= position ? position : []));
    const entries = owned.length > 0 ? await outbox.fresh(page, owned, { targets: board.except(), known }) : [];
    const full = entries.length === PAGE;
    this.cursor = full ? entries.at(-1)!.position : upTo;
    this.handed = this.handed.filter(({ position }) => position > this.cursor);
    for (const entry of entries) board.accept(entry, 'fresh');
    return full;
  }

  private async readBacklogs(): Promise<boolean> {
    const hungry = this.parts.board
      .list()
      .filter((target) => target.appetite > 0 && (target.backlog ?? 0) < this.cursor);
    for (const target of hungry.slice(0, TURNS)) await this.readBacklog(target);
    this.parts.board.list().forEach((target) => this.catchUp(target));
    return hungry.length > 0;
  }

  private async readBacklog(target: Target): Promise<void> {
    const { outbox, partitions, board } = this.parts;
    const { epoch, backlog, appetite: limit } = target;
    const upTo = this.cursor;
    const scope = board.isBound(target.ref) ? null : partitions.list();
    target.sweep();
    await this.readProbe(target, scope);
    const entries = await outbox.ofTarget(target.ref, { after: backlog ?? 0, upTo, limit }, scope);
    if (target.epoch !== epoch) return;
    target.backlog = entries.length === limit ? entries.at(-1)!.position : upTo;
    for (const entry of entries) target.accept(entry, 'backlog');
  }

  /**
   * What a target is probed with that failed: in turns the newest that was never tried and the oldest. A long backlog that is refused must not hide that
   * others would get through.
   */
  private async readProbe(target: Target, scope: readonly number[] | null): Promise<void> {
    if (!target.probing || target.inFlight > 0 || target.line.length > 0) return;
    const { epoch } = target;
    target.probedNewest = !target.probedNewest;
    const entry = target.probedNewest && (await this.parts.outbox.newest(target.ref, this.cursor, scope));
    if (entry && target.epoch === epoch) target.favour(entry);
  }

  /** A target that has read everything up to the cursor is handed what is new again. One that is bound reads for itself always. */
  private catchUp(target: Target): void {
    if (target.backlog === null || target.backlog < this.cursor || target.aside || this.parts.board.isBound(target.ref))
      return;
    target.backlog = null;
  }

  private async readLanes(): Promise<boolean> {
    const { board, outbox, laneRoom } = this.parts;
    const thirsty = board.list().filter((target) => !target.aside && target.waitMs() <= 0 && target.thirst.size > 0);
    for (const target of thirsty) {
      const { epoch } = target;
      for (const lane of target.thirst) if (!this.isOurs(target, lane)) target.forget(lane);
      const lanes = [...target.thirst].slice(0, LANES);
      const asked = lanes.map((lane) => ({ lane: lane.key, after: lane.loadedTo }));
      const entries = await outbox.ofLanes(asked, this.cursor, laneRoom);
      if (target.epoch !== epoch) continue;
      const counts = new Map<string, number>();
      for (const entry of entries) {
        counts.set(entry.lane, (counts.get(entry.lane) ?? 0) + 1);
        target.accept(entry, 'lane');
      }
      for (const lane of lanes) target.quenched(lane, counts.get(lane.key) === laneRoom);
    }
    return thirsty.length > 0;
  }

  private isOurs(target: Target, { partition }: Lane): boolean {
    return this.parts.board.isBound(target.ref) || this.parts.partitions.owns(partition);
  }
}

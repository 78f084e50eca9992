import type { Entry, TargetRef } from '#conversations';
import type { Lane } from './lane.js';
import type { Route } from './route.js';
import { type Room, Target } from './target.js';

export interface BoardParts {
  readonly routes: Readonly<Record<TargetRef['kind'], Route>>;
  readonly room: Room;
  readonly now: () => number;
  /** A target may go on. */
  wake(target: Target): void;
}

/** All targets that this process knows work for. */
export class Board {
  private readonly targets = new Map<string, Target>();
  private readonly versions = new Map<Target, string | undefined>();

  constructor(private readonly parts: BoardParts) {}

  route({ kind }: TargetRef): Route {
    return this.parts.routes[kind];
  }

  list(): Target[] {
    return [...this.targets.values()];
  }

  /** Entries in memory, those under way not counted. */
  get rows(): number {
    return this.list().reduce((sum, { rows }) => sum + rows, 0);
  }

  get inFlight(): number {
    return this.list().reduce((sum, { inFlight }) => sum + inFlight, 0);
  }

  target(ref: TargetRef): Target {
    const key = `${ref.kind}:${ref.id}`;
    const known = this.targets.get(key);
    if (known) return known;
    const target = new Target({ kind: ref.kind, id: ref.id }, this.parts);
    this.targets.set(key, target);
    this.versions.set(target, this.route(ref).version(ref.id));
    if (this.isBound(ref)) target.spill();
    this.review(target);
    return target;
  }

  /** Does the lane of this entry have everything up to a position in memory? */
  holds({ kind, targetId: id, lane }: Entry, position: number): boolean {
    return (this.target({ kind, id }).lanes.get(lane)?.loadedTo ?? 0) >= position;
  }

  /** Takes what is new; returns the lane that holds it, as `Target.accept`. */
  accept(entry: Entry, from: 'fresh' | 'handed'): Lane | undefined {
    return this.target({ kind: entry.kind, id: entry.targetId }).accept(entry, from);
  }

  /** Is this target's work bound to a lease of its own? */
  isBound({ kind, id }: TargetRef): boolean {
    return this.parts.routes[kind].isBound(id);
  }

  /** Targets that read for themselves, as `kind:id`: the reading of what is new passes them over. */
  except(): string[] {
    const reading = this.list().filter(({ backlog, aside }) => backlog !== null || aside);
    const bound = (['event', 'unit'] as const).flatMap((kind) =>
      this.parts.routes[kind].bound().map((id) => `${kind}:${id}`),
    );
    return [...new Set([...reading.map(({ key }) => key), ...bound])];
  }

  /** Looks again at what may go on, after accounts, destinations or sessions changed. */
  reviewAll(): void {
    for (const kind of ['event', 'unit'] as const)
      for (const id of this.parts.routes[kind].bound()) this.target({ kind, id });
    for (const target of this.list()) {
      target.stopped = false;
      this.review(target);
    }
  }

  review(target: Target): void {
    const route = this.route(target.ref);
    const version = route.version(target.ref.id);
    if (this.versions.get(target) !== version) {
      this.versions.set(target, version);
      target.heldUntil = 0;
    }
    const aside = target.stopped || !route.available(target.ref.id);
    if (aside === target.aside) return;
    target.aside = aside;
    target.spill();
    if (!aside) this.parts.wake(target);
  }

  /** Forgets what waits in these lanes, and lets what is under way in them go on to nothing further. */
  withdraw(keys: readonly string[]): void {
    for (const target of this.list())
      for (const key of keys) {
        const lane = target.lanes.get(key);
        if (!lane) continue;
        lane.withdrawn = !lane.idle;
        target.forget(lane);
      }
  }

  /** Forgets the lanes that this process may no longer work on. */
  release(partitions: ReadonlySet<number>): void {
    for (const target of this.list()) {
      if (this.isBound(target.ref)) continue;
      for (const lane of target.lanes.values()) if (partitions.has(lane.partition)) target.forget(lane);
    }
  }

  close(): void {
    for (const target of this.list()) target.close();
  }

  /** The partitions of which something is under way. */
  busy(): Set<number> {
    const lanes = this.list().flatMap((target) => [...target.lanes.values()]);
    return new Set(lanes.filter((lane) => !lane.idle).map(({ partition }) => partition));
  }
}

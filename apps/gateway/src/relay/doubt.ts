import type { Entry, Lease } from '#conversations';

/** Entries of which is remembered that an attempt began here. */
const MOST = 10_000;

/**
 * Says whether an earlier attempt at entries may have reached the other side: one failed; one began here and its end is not known; or they were laid before this process held
 * their lease, so that another may have made one.
 */
export class Doubt {
  /** Since when entries of a lease came to this process, by its name and token. */
  private readonly since = new Map<string, number>();
  private readonly begun = new Set<number>();

  constructor(private readonly now: () => number = () => performance.now()) {}

  /** To be asked once for each attempt, when it begins. */
  about(entries: readonly Entry[], lease: Lease): boolean {
    const since = this.heldSince(lease);
    const [first] = entries;
    const unsure =
      first !== undefined &&
      (first.attempts > 0 ||
        first.replay ||
        first.readAt - first.ageMs < since ||
        entries.some(({ position }) => this.begun.has(position)));
    for (const { position } of entries) this.begun.add(position);
    for (const position of this.begun) {
      if (this.begun.size <= MOST) break;
      this.begun.delete(position);
    }
    return unsure;
  }

  private heldSince({ name, token }: Lease): number {
    const key = `${name} ${token}`;
    const known = this.since.get(key);
    if (known !== undefined) return known;
    for (const other of this.since.keys()) if (other.startsWith(`${name} `)) this.since.delete(other);
    this.since.set(key, this.now());
    return this.now();
  }
}

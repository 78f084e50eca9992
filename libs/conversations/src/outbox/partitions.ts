import type { Database, Statement } from '#database';
import type { Lease, Leases } from './leases.js';

/** Lanes are hashed onto this many partitions (SQL `lane_partition`). */
export const PARTITIONS = 64;

const NAMES = Array.from({ length: PARTITIONS }, (_, partition) => `outbox:${partition}`);
const PRESENCE = 'relay:';

const SURVEY: Statement = {
  name: 'lease_survey',
  text: `select (select count(*)::int from lease where name like 'relay:%' and expires_at > clock_timestamp()) as live,
    array(select name from lease where name like 'outbox:%' and expires_at > clock_timestamp()) as taken`,
};
const FORGET: Statement = {
  name: 'lease_forget',
  text: `delete from lease where name like 'relay:%' and expires_at < clock_timestamp() - interval '1 hour'`,
};
const STEAL: Statement = {
  name: 'lease_steal',
  text: `update lease set expires_at = '-infinity' where holder <> $1 and expires_at > clock_timestamp()`,
};

/**
 * The partitions of the outbox that this process works on: a fair share of all, between the processes that are alive (each shows it by a lease
 * `relay:<holder>`). What is above the share is let go once it is quiet; what is free or has run out is taken up to the share.
 */
export class Partitions {
  private readonly owned = new Map<number, Lease>();
  private live = 1;

  constructor(
    private readonly database: Database,
    private readonly leases: Leases,
  ) {
    leases.onLost((lease) => {
      const partition = NAMES.indexOf(lease.name);
      if (this.owned.get(partition) === lease) this.owned.delete(partition);
    });
  }

  /** Where the embedded database lets in one process only, whoever held leases is dead: call once, before anything else. */
  async inherit(): Promise<void> {
    if (this.database.kind === 'embedded') await this.database.query(STEAL, [this.leases.holder]);
  }

  /** How many processes share the outbox, this one included. */
  get processes(): number {
    return this.live;
  }

  /** The partitions owned. */
  list(): number[] {
    return [...this.owned.keys()];
  }

  owns(partition: number): boolean {
    return this.owned.has(partition);
  }

  /** The lease of an owned partition, while it surely stands. */
  lease(partition: number): Lease | undefined {
    const lease = this.owned.get(partition);
    return lease && this.leases.holds(lease) ? lease : undefined;
  }

  /**
   * Takes the share of this process, after giving back what is not surely held any more. `busy` says which partitions still have work under way here: they are not taken again before that ended.
   * Returns what is new, and what is above the share (given back by `giveUp` once quiet).
   */
  async balance(busy: (partition: number) => boolean): Promise<{ gained: number[]; surplus: number[] }> {
    await this.giveUp(this.list().filter((partition) => !this.lease(partition)));
    await this.database.query(FORGET);
    if (!this.leases.get(PRESENCE + this.leases.holder)) await this.leases.acquire([PRESENCE + this.leases.holder]);
    const [{ live, taken }] = (await this.database.query<{ live: number; taken: string[] }>(SURVEY)) as [
      { live: number; taken: string[] },
    ];
    this.live = Math.max(1, live);
    const share = Math.ceil(PARTITIONS / this.live);
    const surplus = this.list().slice(share);
    const free = NAMES.filter(
      (name, partition) => !taken.includes(name) && !this.owned.has(partition) && !busy(partition),
    );
    const wanted = rotate(free, this.leases.holder).slice(0, Math.max(0, share - this.owned.size));
    const gained = wanted.length > 0 ? await this.leases.acquire(wanted) : [];
    for (const lease of gained) this.owned.set(NAMES.indexOf(lease.name), lease);
    return { gained: gained.map(({ name }) => NAMES.indexOf(name)), surplus };
  }

  /** Gives partitions back, and tells the other processes. */
  async giveUp(partitions: readonly number[]): Promise<void> {
    const leases = partitions.flatMap((partition) => this.owned.get(partition) ?? []);
    for (const partition of partitions) this.owned.delete(partition);
    await this.leases.release(leases);
    if (leases.length > 0) this.database.hint('leases');
  }
}

/** The list begun at a place that depends on the holder, so that processes that start together reach for different ones. */
function rotate<T>(list: readonly T[], holder: string): T[] {
  const start =
    [...holder].reduce((sum, char) => (sum * 31 + char.charCodeAt(0)) % 9_973, 7) % Math.max(1, list.length);
  return [...list.slice(start), ...list.slice(0, start)];
}

import { randomBytes } from 'node:crypto';
import { hostname } from 'node:os';
import type { Database, Statement } from '#database';

/** A name held by this process. `token` goes up at every acquisition by anyone: a settle that carries an old one affects nothing. */
export interface Lease {
  readonly name: string;
  readonly token: number;
}

export interface LeaseOptions {
  /** How long a lease stands without renewal, by the database's clock. Default 15 s. */
  readonly ttlMs?: number;
  /** How often held leases are renewed. Default 5 s. */
  readonly heartbeatMs?: number;
  /** Unique to this process and start. Default: host, process id and a random suffix. */
  readonly holder?: string;
  /** A clock that never goes back, in milliseconds: how long ago the last renewal was asked for. */
  readonly now?: () => number;
}

/** A lease counts as lost this long before it ends, so that no work begins in its last moment. */
const MARGIN = 0.2;

const ACQUIRE: Statement = {
  name: 'lease_acquire',
  text: `insert into lease as l (name, holder, expires_at)
    select n, $2, clock_timestamp() + make_interval(secs => $3::float8 / 1000) from unnest($1::text[]) n order by n
    on conflict (name) do update set holder = excluded.holder, token = l.token + 1, expires_at = excluded.expires_at
    where l.expires_at <= clock_timestamp() returning name, token`,
};
const RENEW: Statement = {
  name: 'lease_renew',
  text: `update lease l set expires_at = clock_timestamp() + make_interval(secs => $4::float8 / 1000)
    from unnest($1::text[], $2::bigint[]) as h(name, token)
    where l.name = h.name and l.token = h.token and l.holder = $3 returning l.name`,
};
const RELEASE: Statement = {
  name: 'lease_release',
  text: `update lease l set holder = '', expires_at = '-infinity' from unnest($1::text[], $2::bigint[]) as h(name, token)
    where l.name = h.name and l.token = h.token and l.holder = $3`,
};

/**
 * Named leases, fenced: a name is held by at most one process, for `ttlMs` from its last renewal by the database's clock, and each acquisition has a
 * higher token than any before. `start()` renews everything held; what could not be renewed in time counts as lost here before the database gives
 * it away. Renewing a lease that ran out and that nobody took is sound, since its token is still the last.
 */
export class Leases {
  readonly holder: string;
  readonly ttlMs: number;
  readonly heartbeatMs: number;
  private readonly held = new Map<string, { lease: Lease; until: number }>();
  private readonly losers = new Set<(lease: Lease) => void>();
  private readonly beats = new Set<() => Promise<void>>();
  private readonly now: () => number;
  private timer: NodeJS.Timeout | undefined;
  private beating: Promise<void> = Promise.resolve();

  constructor(
    private readonly database: Database,
    options: LeaseOptions = {},
  ) {
    this.ttlMs = options.ttlMs ?? 15_000;
    this.heartbeatMs = options.heartbeatMs ?? this.ttlMs / 3;
    this.holder = options.holder ?? `${hostname()}:${process.pid}:${randomBytes(4).toString('hex')}`;
    this.now = options.now ?? (() => performance.now());
  }

  /** Takes those of the names that are free or have run out. Returns what was got, which may be nothing. */
  async acquire(names: readonly string[]): Promise<Lease[]> {
    const until = this.now() + this.ttlMs * (1 - MARGIN);
    const got = await this.database.query<Lease>(ACQUIRE, [names, this.holder, this.ttlMs]);
    for (const lease of got) this.held.set(lease.name, { lease, until });
    return got;
  }

  /** Does this process still hold it, as far as can be known without asking? False from a while before it ends. */
  holds(lease: Lease): boolean {
    const mine = this.held.get(lease.name);
    return mine?.lease.token === lease.token && this.now() < mine.until;
  }

  /** The lease under this name, where it is held. */
  get(name: string): Lease | undefined {
    const mine = this.held.get(name);
    return mine && this.holds(mine.lease) ? mine.lease : undefined;
  }

  /** Renews everything held, now; announces what was lost. Throws where the database cannot be asked: nothing is lost by that alone. */
  async renew(): Promise<void> {
    const leases = [...this.held.values()].map(({ lease }) => lease);
    if (leases.length === 0) return;
    const until = this.now() + this.ttlMs * (1 - MARGIN);
    const rows = await this.database.query<{ name: string }>(RENEW, [...columns(leases), this.holder, this.ttlMs]);
    const kept = new Set(rows.map(({ name }) => name));
    for (const lease of leases) {
      const mine = this.held.get(lease.name);
      if (mine?.lease !== lease) continue;
      if (kept.has(lease.name)) mine.until = until;
      else this.lose(lease);
    }
  }

  /** Gives leases back, so that others need not wait for their end. Those no longer held are passed over. */
  async release(leases: readonly Lease[]): Promise<void> {
    const mine = leases.filter((lease) => this.held.get(lease.name)?.lease.token === lease.token);
    for (const lease of mine) this.held.delete(lease.name);
    if (mine.length > 0) await this.database.query(RELEASE, [...columns(mine), this.holder]);
  }

  /** Called with every lease that another process has taken, or may have. Returns how to stop. */
  onLost(listener: (lease: Lease) => void): () => void {
    this.losers.add(listener);
    return () => this.losers.delete(listener);
  }

  /** Called after each heartbeat, without waiting for its end: renewing must not hang on what others do. Returns how to stop. */
  onBeat(listener: () => Promise<void>): () => void {
    this.beats.add(listener);
    return () => this.beats.delete(listener);
  }

  /** Begins the heartbeat. */
  start(): void {
    this.timer ??= setInterval(() => void this.beat(), this.heartbeatMs).unref();
  }

  /** Ends the heartbeat and gives everything back. */
  async stop(): Promise<void> {
    clearInterval(this.timer);
    this.timer = undefined;
    await this.beating;
    await this.release([...this.held.values()].map(({ lease }) => lease));
  }

  /** One heartbeat. A database that is away is met again at the next one. */
  private beat(): Promise<void> {
    this.beating = this.beating.then(async () => {
      await this.renew().catch(() => undefined);
      for (const listener of this.beats) void listener().catch(() => undefined);
    });
    return this.beating;
  }

  private lose(lease: Lease): void {
    this.held.delete(lease.name);
    for (const listener of this.losers) listener(lease);
  }
}

function columns(leases: readonly Lease[]): [string[], number[]] {
  return [leases.map(({ name }) => name), leases.map(({ token }) => token)];
}

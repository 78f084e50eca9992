import { setTimeout as delay } from 'node:timers/promises';
import type { Leases, Vault } from '#conversations';
import type { Database, Statement } from '#database';
import { ProviderFailure } from '#normalizer';

const READ: Statement = {
  name: 'shared_value_read',
  text: `select value, (extract(epoch from expires_at - clock_timestamp()) * 1000)::float8 as "leftMs" from shared_value
    where name = $1 and expires_at > clock_timestamp()`,
};
const WRITE: Statement = {
  name: 'shared_value_write',
  text: `insert into shared_value (name, value, expires_at) values ($1, $2, clock_timestamp() + make_interval(secs => $3::float8 / 1000))
    on conflict (name) do update set value = excluded.value, expires_at = excluded.expires_at`,
};
const FORGET: Statement = {
  name: 'shared_value_forget',
  text: 'delete from shared_value where name = $1 and value = $2',
};

const HELD = `select name, value from shared_value where expires_at > clock_timestamp() and expires_at < 'infinity'`;
const RESEAL = 'update shared_value set value = $3 where name = $1 and value = $2';

/** How long to wait for another process that is fetching the same value, and how often to look. */
const PATIENCE_MS = 30_000;
const LOOK_MS = 100;

interface Known {
  readonly plain: string;
  readonly sealed: string;
  /** By `performance.now()`. */
  readonly until: number;
}

/**
 * Values of short life that all processes share, such as access tokens: made once, stored sealed, kept in memory until they run out. The one who makes a
 * value holds a lease, and no transaction, so nothing of the database waits for a provider.
 */
export class SharedValues {
  private readonly known = new Map<string, Known>();
  private readonly running = new Map<string, Promise<string>>();

  constructor(private readonly parts: { database: Database; vault: Vault; leases: Leases }) {}

  /** The value under this name; made by `make` where there is none, kept `ttlMs`. What `make` throws is thrown, and nothing is kept. */
  async once(name: string, ttlMs: number, make: () => Promise<string>): Promise<string> {
    const known = this.known.get(name);
    if (known && performance.now() < known.until) return known.plain;
    const running = this.running.get(name) ?? this.share(name, ttlMs, make).finally(() => this.running.delete(name));
    this.running.set(name, running);
    return running;
  }

  /** Sets a value, whoever set it before. Values that are set so are read by `recall` alone. */
  async remember(name: string, value: string, ttlMs: number): Promise<void> {
    await this.parts.database.query(WRITE, [name, this.parts.vault.seal(value, place(name)), ttlMs]);
  }

  /** What stands under this name now, asked of the database and not of memory; undefined where nothing does, or nothing any more. */
  async recall(name: string): Promise<string | undefined> {
    const [row] = await this.parts.database.query<{ value: string }>(READ, [name]);
    return row && this.parts.vault.open(row.value, place(name));
  }

  /** Forgets the value that was last given out under this name. A newer one, of another process, stays. */
  async forget(name: string): Promise<void> {
    const known = this.known.get(name);
    if (!known) return;
    this.known.delete(name);
    await this.parts.database.query(FORGET, [name, known.sealed]);
  }

  /** Seals anew what was sealed with a key that is being replaced: some of it lives longer than that key. */
  async renewSecrets(): Promise<void> {
    const { database, vault } = this.parts;
    for (const { name, value } of await database.query<{ name: string; value: string }>(HELD)) {
      if (!vault.isStale(value)) continue;
      const plain = vault.open(value, place(name));
      await database.query(RESEAL, [name, value, vault.seal(plain, place(name))]);
    }
  }

  private async share(name: string, ttlMs: number, make: () => Promise<string>): Promise<string> {
    const { leases } = this.parts;
    for (const started = performance.now(); performance.now() - started < PATIENCE_MS; await delay(LOOK_MS)) {
      const stored = await this.read(name);
      if (stored !== undefined) return stored;
      const [lease] = await leases.acquire([`once:${name}`]);
      if (!lease) continue;
      try {
        return (await this.read(name)) ?? (await this.make(name, ttlMs, make));
      } finally {
        await leases.release([lease]);
      }
    }
    throw new ProviderFailure('unavailable', 'another process is still asking the provider for the same thing');
  }

  private async make(name: string, ttlMs: number, make: () => Promise<string>): Promise<string> {
    const plain = await make();
    const sealed = this.parts.vault.seal(plain, place(name));
    await this.parts.database.query(WRITE, [name, sealed, ttlMs]);
    this.known.set(name, { plain, sealed, until: performance.now() + ttlMs });
    return plain;
  }

  private async read(name: string): Promise<string | undefined> {
    const [row] = await this.parts.database.query<{ value: string; leftMs: number }>(READ, [name]);
    if (!row) return undefined;
    const plain = this.parts.vault.open(row.value, place(name));
    this.known.set(name, { plain, sealed: row.value, until: performance.now() + row.leftMs });
    return plain;
  }
}

function place(name: string) {
  return { table: 'shared_value', id: name, field: 'value' };
}

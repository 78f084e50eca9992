import { type Pool } from 'pg';
import { run, withClient } from '../pool.js';

const LOOK_MS = 15_000;
const FULL_MS = 5 * 60_000;
/** The embedded database never checkpoints by itself; this much log is replayed in about a second after a crash. */
const CHECKPOINT_BYTES = 64 * 1024 * 1024;
/** A large table may take long to vacuum. */
const PATIENCE_MS = 10 * 60_000;

const POSITION = `select pg_wal_lsn_diff(pg_current_wal_insert_lsn(), '0/0')::float8 as position`;
const TABLES = `select format('%I.%I', n.nspname, c.relname) as name
  from pg_class c join pg_namespace n on n.oid = c.relnamespace
  where c.relkind in ('r', 'm') and c.relpersistence = 'p' and pg_relation_size(c.oid) > 0 order by c.oid desc`;

/** Stands in for the autovacuum and checkpoint processes, which the embedded Postgres does not have. Idle while nothing is written. */
export class Maintenance {
  readonly #pool: Pool;
  readonly #log: (message: string) => void;
  readonly #held: () => boolean;
  readonly #timer: NodeJS.Timeout;
  #running: Promise<void> | undefined;
  #checkpointed = 0;
  #vacuumed = { position: 0, at: Date.now() };

  /** `held` tells whether somebody needs the log since the last checkpoint (a backup): there is no checkpoint then. */
  constructor(pool: Pool, log: (message: string) => void, held: () => boolean = () => false) {
    this.#pool = pool;
    this.#log = log;
    this.#held = held;
    this.#timer = setInterval(() => void this.#look(), LOOK_MS).unref();
  }

  /** Vacuums and analyses every table, then checkpoints. One table at a time, so that other work comes between. */
  maintain(): Promise<void> {
    this.#running ??= this.#maintain().finally(() => (this.#running = undefined));
    return this.#running;
  }

  async stop(): Promise<void> {
    clearInterval(this.#timer);
    await this.#running?.catch(() => undefined);
  }

  async #maintain(): Promise<void> {
    for (const { name } of await this.#query<{ name: string }>(TABLES)) await this.#query(`vacuum (analyze) ${name}`);
    await this.#checkpoint();
    this.#vacuumed = { position: await this.#position(), at: Date.now() };
  }

  async #checkpoint(): Promise<void> {
    if (this.#held()) return;
    await this.#query('checkpoint');
    this.#checkpointed = await this.#position();
  }

  /** Every few seconds: a checkpoint after much was written, everything when some minutes have passed since anything was. */
  async #look(): Promise<void> {
    try {
      const position = await this.#position();
      if (position !== this.#vacuumed.position && Date.now() - this.#vacuumed.at > FULL_MS) await this.maintain();
      else if (position - this.#checkpointed > CHECKPOINT_BYTES) await this.#checkpoint();
    } catch (error) {
      this.#log(`the embedded database could not be maintained: ${String(error)}`);
    }
  }

  async #position(): Promise<number> {
    const [row] = await this.#query<{ position: number }>(POSITION);
    return row?.position ?? 0;
  }

  #query<R>(text: string): Promise<R[]> {
    return withClient(this.#pool, async (client) => (await run<R>(client, text, { silenceMs: PATIENCE_MS })).rows);
  }
}

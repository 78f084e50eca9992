import type { Database, Sql, Statement } from '#database';

/** How long an erasure waits for relays to say that they have heeded it, and how often it looks. */
const PATIENCE_MS = 3_000;
const LOOK_MS = 10;

const JOIN: Statement = {
  name: 'erasures_join',
  text: `with forgotten as (
      delete from erasure_seen s where not exists (select 1 from lease l where l.name = 'relay:' || s.relay and l.expires_at > clock_timestamp() - interval '1 hour')
        and s.relay <> $1)
    insert into erasure_seen (relay, position) select $1, coalesce(max(e.position), 0) from erasure e
    on conflict (relay) do update set position = excluded.position returning position`,
};
const LANES: Statement = {
  name: 'erasures_after',
  text: `select coalesce(max(e.position), $1)::float8 as position, coalesce((
      select array_agg(distinct l) from erasure x cross join unnest(x.lanes) l where x.position > $1 and x.position <= max(e.position)), '{}') as lanes
    from erasure e where e.position > $1`,
};
const SAW: Statement = {
  name: 'erasures_saw',
  text: `insert into erasure_seen (relay, position) values ($1, $2) on conflict (relay) do update set position = excluded.position`,
};
const HEEDED: Statement = {
  name: 'erasures_heeded',
  text: `select 1 from lease l where l.name like 'relay:%' and l.expires_at > clock_timestamp()
    and not exists (select 1 from erasure_seen s where 'relay:' || s.relay = l.name and s.position >= $1) limit 1`,
};

/**
 * What relays have to know of erasures. A relay keeps entries in memory that it delivers without asking again; at each look at the outbox, which a hint brings
 * about at once and which comes within a second without one, it learns of erasures, forgets the lanes that they touched, and says so. An erasure waits for that.
 * A relay that does not answer, because it cannot reach the database, stops by itself when its lease ends, within 15 seconds.
 */
export class Erasures {
  constructor(
    private readonly database: Sql,
    /** Name of this relay, as in its lease `relay:<holder>`. */
    private readonly relay: string,
  ) {}

  /** Begins, with nothing in memory; returns the last erasure there is. */
  async join(): Promise<number> {
    const [row] = await this.database.query<{ position: number }>(JOIN, [this.relay]);
    return Number(row!.position);
  }

  /** Lanes that erasures after this one have touched, and the last of those erasures. */
  async lanesAfter(position: number): Promise<{ position: number; lanes: readonly string[] }> {
    const [row] = await this.database.query<{ position: number; lanes: string[] }>(LANES, [position]);
    return row!;
  }

  /** Nothing of this erasure, or one before it, is in the memory of this relay any more. */
  async saw(position: number): Promise<void> {
    await this.database.query(SAW, [this.relay, position]);
  }
}

/** Waits until every relay that is alive has heeded an erasure, at most `ms`. Returns whether all have. */
export async function heeded(database: Database, position: number, ms = PATIENCE_MS): Promise<boolean> {
  const end = performance.now() + ms;
  while ((await database.query(HEEDED, [position])).length > 0) {
    if (performance.now() > end) return false;
    await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
  }
  return true;
}

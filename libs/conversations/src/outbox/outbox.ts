import type { Database, Statement } from '#database';
import type { Failure } from '#normalizer';
import { type Entry, type EntryRow, toEntry } from './entry.js';
import type { Lease } from './leases.js';

/** Where entries go to: a destination (`event`) or an account (`unit`). */
export interface TargetRef {
  readonly kind: 'event' | 'unit';
  readonly id: string;
}

/** What `start` says of a unit: send it; an attempt with unknown end began before; an earlier part failed; nothing is left to send; ask again. */
export type Start =
  | { readonly verdict: 'go' | 'again' | 'gone' | 'busy' | 'stale' }
  | { readonly verdict: 'skip'; readonly failure: Failure };

/** `pick` selects the rows `o`; their content is joined to the few that it leaves. */
function reading(name: string, pick: string): Statement {
  return {
    name,
    text: `select o.position, o.partition, o.lane, o.kind, o.target_id, o.item_id, o.replay, o.attempts, o.failure->'run' as run,
      (extract(epoch from clock_timestamp() - o.created_at) * 1000)::float8 as age_ms,
      (extract(epoch from clock_timestamp() - o.first_attempt_at) * 1000)::float8 as trying_ms,
      (extract(epoch from o.due_at - clock_timestamp()) * 1000)::float8 as due_ms,
      e.type as event_type, e.sequence as event_sequence, e.data as event_data, e.created_at as event_at,
      u.message_id, u.index as unit_index, u.count as unit_count, u.content as unit_content,
      t.id as thread_id, t.external_id as thread_external_id, t.handles as thread_handles
      from (${pick}) o
      left join event e on o.kind = 'event' and e.id = o.item_id
      left join unit u on o.kind = 'unit' and u.id = o.item_id
      left join thread t on t.id = u.thread_id
      order by o.position`,
  };
}

const NEW = reading(
  'outbox_new',
  `select * from outbox where position > $1 and position <= $2 and partition = any ($3::smallint[])
   and kind || ':' || target_id <> all ($4::text[]) and position not in (select unnest($5::bigint[])) order by position limit $6`,
);
/** Bounds and order are the whole index's, so that a plan made for any target reads no row of another. */
const OF_TARGET = reading(
  'outbox_of_target',
  `select * from outbox where (kind, target_id, position) > ($1, $2, $3::bigint) and (kind, target_id, position) <= ($1, $2, $4::bigint)
   and ($5::smallint[] is null or partition = any ($5)) order by kind, target_id, position limit $6`,
);
/** Among the newest, so that no backlog of lanes that stand still is gone through. */
const NEWEST = reading(
  'outbox_newest',
  `select c.* from (
     select * from outbox where (kind, target_id, position) > ($1, $2, 0::bigint) and (kind, target_id, position) <= ($1, $2, $3::bigint)
     and ($4::smallint[] is null or partition = any ($4)) order by kind desc, target_id desc, position desc limit 200) c
   where c.attempts = 0 and not exists (select 1 from outbox p where p.lane = c.lane and p.position < c.position) order by c.position desc limit 1`,
);
const OF_LANES = reading(
  'outbox_of_lanes',
  `select x.* from unnest($1::text[], $2::bigint[]) as l(lane, after)
   cross join lateral (select * from outbox r where r.lane = l.lane and r.position > l.after and r.position <= $3 order by r.position limit $4) x`,
);
/** A skip scan: one index probe per target, however long the backlog is. */
const TARGETS: Statement = {
  name: 'outbox_targets',
  text: `with recursive t as (
      (select kind, target_id from outbox order by kind, target_id limit 1)
      union all
      select n.kind, n.target_id from t cross join lateral (
        select kind, target_id from outbox o where (o.kind, o.target_id) > (t.kind, t.target_id) order by kind, target_id limit 1) n)
    select kind, target_id as id from t`,
};
const START: Statement = { name: 'start_units', text: 'select * from start_units($1, $2::jsonb)' };
const HASTEN: Statement = {
  name: 'outbox_hasten',
  text: `update outbox set due_at = null where kind = $1 and target_id = $2 and attempts > 0 and due_at > clock_timestamp()
    and failure->>'code' in ('unavailable', 'outcome-unknown', 'reply-unreadable') and ($3::smallint[] is null or partition = any ($3))`,
};

export interface Page {
  /** After this position. */
  readonly after: number;
  /** Up to this one, which is settled (`Horizon`). */
  readonly upTo: number;
  readonly limit: number;
}

export interface Except {
  readonly targets: readonly string[];
  /** Their positions. */
  readonly known: readonly number[];
}

/** Reads the outbox in order of position, in bulk, up to a horizon that the caller knows to be settled. Never claims a row: leases do. */
export class Outbox {
  constructor(private readonly database: Database) {}

  /** What is new in these partitions, except for targets that are set aside (`kind:id`), and entries that are known. */
  async fresh(
    page: Page,
    partitions: readonly number[],
    except: Except = { targets: [], known: [] },
  ): Promise<Entry[]> {
    return this.read(NEW, [page.after, page.upTo, partitions, except.targets, except.known, page.limit]);
  }

  /** What waits for one target, in these partitions (null: all of them). */
  async ofTarget(target: TargetRef, page: Page, partitions: readonly number[] | null): Promise<Entry[]> {
    return this.read(OF_TARGET, [target.kind, target.id, page.after, page.upTo, partitions, page.limit]);
  }

  /** The newest entry that is the first of its lane and was never tried, if one of the last few hundred is. */
  async newest(target: TargetRef, upTo: number, partitions: readonly number[] | null): Promise<Entry | undefined> {
    const [entry] = await this.read(NEWEST, [target.kind, target.id, upTo, partitions]);
    return entry;
  }

  /** The next entries of each lane after a position. */
  async ofLanes(lanes: readonly { lane: string; after: number }[], upTo: number, limit: number): Promise<Entry[]> {
    const columns = [lanes.map(({ lane }) => lane), lanes.map(({ after }) => after)];
    return this.read(OF_LANES, [...columns, upTo, limit]);
  }

  /** Every target for which something waits. */
  targets(): Promise<TargetRef[]> {
    return this.database.query<TargetRef>(TARGETS);
  }

  /** The target is there again: what waited because it was not may be tried at once. */
  async hasten(target: TargetRef, partitions: readonly number[] | null): Promise<void> {
    await this.database.query(HASTEN, [target.kind, target.id, partitions]);
  }

  /**
   * Commits that an attempt to send these units begins, before its first byte: whoever finds a unit started does not know whether it was sent, unless it is
   * its own and it was never told `go` (`told`): then only the answer was lost. Answers in the order asked; `stale` where the lease is no longer held.
   */
  async start(
    holder: string,
    asked: readonly { entry: Entry; lease: Lease }[],
    told: ReadonlySet<number> = new Set(),
  ): Promise<Start[]> {
    const items = asked.map(({ entry, lease }) => ({
      position: entry.position,
      lease: lease.name,
      token: lease.token,
      told: told.has(entry.position),
    }));
    const rows = await this.database.query<{
      position: number;
      verdict: Exclude<Start['verdict'], 'stale'>;
      failure: Failure;
    }>(START, [holder, JSON.stringify(items)]);
    const found = new Map(rows.map((row) => [Number(row.position), row]));
    return asked.map(({ entry }): Start => {
      const row = found.get(entry.position);
      if (!row) return { verdict: 'stale' };
      return row.verdict === 'skip' ? { verdict: 'skip', failure: row.failure } : { verdict: row.verdict };
    });
  }

  private async read(statement: Statement, values: readonly unknown[]): Promise<Entry[]> {
    return (await this.database.query<EntryRow>(statement, values)).map(toEntry);
  }
}

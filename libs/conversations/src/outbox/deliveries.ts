import type { Database, Sql, Statement } from '#database';
import type { Failure } from '#normalizer';
import { NotFound } from '../ports.js';
import type { EventRow } from '../present.js';

export type DeliveryState = 'pending' | 'delivered' | 'dead';

/** One event on its way to, or settled for, one destination. */
export interface Delivery {
  readonly eventId: string;
  readonly type: string | null;
  readonly conversationId: string | null;
  readonly sequence: number | null;
  readonly state: DeliveryState;
  readonly attempts: number;
  readonly failure: Failure | null;
  readonly replay: boolean;
  /** When it is tried again (pending), or was settled. */
  readonly nextAttemptAt: Date | null;
  readonly settledAt: Date | null;
}

/** What to deliver once more: exactly one way of choosing. Times are inclusive below and exclusive above. */
export type ReplayChoice =
  | { readonly ids: readonly string[] }
  | { readonly conversationId: string }
  | { readonly from: string; readonly to?: string | undefined }
  | { readonly state: 'dead' };

/** Events of one transaction of a replay: their conversations are locked meanwhile. */
const CHUNK = 500;
/** Positions of the stream that one statement looks through, where what is chosen may be anywhere. */
const WINDOW = 50_000;

const CHOSEN = {
  ids: 'from event e where e.id = any ($4::text[])',
  conversationId: 'from event e where e.conversation_id = $4::text',
  from: `from event e where e.created_at >= $4::timestamptz and ($5::timestamptz is null or e.created_at < $5)`,
  state: `from delivery x join event e on e.id = x.event_id where x.destination_id = $1 and x.state = $4::text`,
} as const;

/**
 * Events that the destination was sent before, or that its filter admits now; not those that wait for it already. Accounts and channels are found as
 * SQL `append_event` finds them.
 */
function picking(chosen: string): string {
  return `select e.position, e.conversation_id ${chosen} and e.position > $2 and e.position <= $3 and e.data is not null
    and (exists (select 1 from delivery v where v.destination_id = $1 and v.event_id = e.id) or exists (
      select 1 from destination d cross join lateral (
        select array_agg(x.account) as accounts, array_agg(x.channel) as channels from (
          select t->>'accountId', t->>'channel' from jsonb_array_elements(e.data->'conversation'->'threads') t
          union all
          select t.account_id, a.type from thread t join account a on a.id = t.account_id
          where e.conversation_id is null and t.contact_id = e.contact_id) x (account, channel)) c
      where d.id = $1 and admits(d, e.type, e.account_id, c.accounts,
        case when e.account_id is not null then array[e.data->'account'->>'channel'] else c.channels end)))
    order by e.position limit ${CHUNK}`;
}

const LOCK: Statement = {
  name: 'replay_lock',
  text: 'select 1 from conversation where id = any ($1::text[]) order by id for update',
};
const REPLAY: Statement = {
  name: 'replay_enqueue',
  text: `with item as (
      select e.position, e.id, $1 || ':' || coalesce(e.conversation_id, e.contact_id, e.account_id, 'none') as lane
      from event e where e.position = any ($2::bigint[])),
    missing as (
      select i.* from item i where not exists (select 1 from outbox o where o.lane = i.lane and o.item_id = i.id)),
    laid as (
      insert into outbox (partition, lane, kind, target_id, item_id, replay)
      select lane_partition(lane), lane, 'event', $1, id, true from missing order by position returning item_id),
    revived as (
      delete from delivery d using laid l where d.destination_id = $1 and d.event_id = l.item_id and d.state = 'dead')
    select count(*)::int as count from laid`,
};
const PENDING = `select o.position as place, o.item_id as "eventId", e.type, e.conversation_id as "conversationId", e.sequence, 'pending' as state,
    o.attempts, o.failure - 'run' as failure, o.replay, o.due_at as "nextAttemptAt", null::timestamptz as "settledAt"
  from outbox o left join event e on e.id = o.item_id
  where o.kind = 'event' and o.target_id = $1 and o.position > $2 order by o.position limit $3`;
const SETTLED = `select v.settled_at::text as place, v.event_id as "eventId", e.type, e.conversation_id as "conversationId", e.sequence,
    v.state, v.attempts, v.failure, false as replay, null::timestamptz as "nextAttemptAt", v.settled_at as "settledAt"
  from delivery v left join event e on e.id = v.event_id
  where v.destination_id = $1 and v.state = $2
    and ($3::text is null or (v.settled_at, v.event_id) < ($3::timestamptz, $4::text))
  order by v.settled_at desc, v.event_id desc limit $5`;

const ONE = `with p as (select o.item_id, 'pending' as state, o.attempts, o.failure - 'run' as failure, o.replay, o.due_at, null::timestamptz as settled_at
      from outbox o where o.kind = 'event' and o.target_id = $1 and o.item_id = $2
    union all
    select v.event_id, v.state, v.attempts, v.failure, false, null, v.settled_at from delivery v where v.destination_id = $1 and v.event_id = $2)
  select '' as place, p.item_id as "eventId", e.type, e.conversation_id as "conversationId", e.sequence, p.state, p.attempts, p.failure, p.replay,
    p.due_at as "nextAttemptAt", p.settled_at as "settledAt", e.id, e.data, e.created_at
  from p left join event e on e.id = p.item_id order by p.state = 'pending' desc limit 1`;
const TAKEN = `with c as (
    select distinct e.conversation_id as id from event e join delivery v on v.event_id = e.id and v.destination_id = $1 and v.state = 'delivered'
    where e.created_at >= $2 and e.created_at < $3 and e.conversation_id > $4 and e.data is not null order by 1 limit $5)
  select e.conversation_id as conversation, e.id, e.type, e.sequence, e.data, e.created_at
  from c join event e on e.conversation_id = c.id join delivery v on v.event_id = e.id and v.destination_id = $1 and v.state = 'delivered'
  where e.created_at >= $2 and e.created_at < $3 and e.data is not null order by e.conversation_id, e.sequence`;
/** One that was well for hours begins anew. */
const SUSPEND = `update destination d set state = 'paused', paused_reason = $2, updated_at = clock_timestamp(), probes = p.made,
    probe_at = clock_timestamp() + least(interval '5 minutes' * 2 ^ p.made, interval '1 hour')
  from (select id, case when updated_at > now() - interval '6 hours' then probes else 0 end as made from destination where id = $1) p
  where d.id = p.id and d.removed_at is null and d.state = 'active' returning d.id`;
const PROBES_DUE = `update destination set probes = probes + 1, probe_at = clock_timestamp() + least(interval '5 minutes' * 2 ^ (probes + 1), interval '1 hour')
  where state = 'paused' and removed_at is null and probe_at <= clock_timestamp() returning id`;

/** What operators do with deliveries: stop and go on, look, and deliver once more. */
export class Deliveries {
  constructor(private readonly database: Database) {}

  /** Stops deliveries to a destination; events gather meanwhile. True where it was active. Within a transaction, tell the directory once more after it. */
  async pause(destinationId: string, reason: string, sql: Sql = this.database): Promise<boolean> {
    return this.setState(sql, destinationId, { state: 'paused', reason });
  }

  /** The same where nobody asked for it: it is looked now and then whether it can go on (`probesDue`), first in 5 minutes. */
  async suspend(destinationId: string, reason: string): Promise<boolean> {
    const rows = await this.database.query(SUSPEND, [destinationId, reason]);
    this.database.hint('directory');
    return rows.length > 0;
  }

  /** Destinations of which it is to be looked now whether they can go on. The next look at each is put off: twice as long each time, to an hour. */
  async probesDue(): Promise<string[]> {
    const rows = await this.database.query<{ id: string }>(PROBES_DUE);
    return rows.map(({ id }) => id);
  }

  /** Goes on with what gathered, in order, at once, as if nothing had been tried before. True where it was paused. */
  async resume(destinationId: string, sql: Sql = this.database): Promise<boolean> {
    await sql.query(
      `update outbox set due_at = null, attempts = 0, first_attempt_at = null, failure = failure - 'run'
       where kind = 'event' and target_id = $1 and attempts > 0`,
      [destinationId],
    );
    return this.setState(sql, destinationId, { state: 'active', reason: null });
  }

  /**
   * Puts events back into the outbox: at the tail of their lanes, in the order of their sequence, with their ids, marked as replayed. Dead letters
   * among them are dead no more. What still waits is not doubled. Returns how many. Throws `NotFound`.
   */
  async replay(destinationId: string, choice: ReplayChoice): Promise<number> {
    const { picked, values, window } = statementOf(choice);
    const [{ last }] = (await this.database.query<{ last: number }>(
      `select case when is_called then last_value else 0 end as last from event_position_seq`,
    )) as [{ last: number }];
    let count = 0;
    for (let after = 0, end = Number(last), first = true; first || after < end; first = false) {
      const upTo = Math.min(end, after + window);
      const chunk = await this.database.transaction((sql) =>
        this.replayChunk(sql, { destinationId, picked, values: [destinationId, after, upTo, ...values] }),
      );
      if (chunk.count > 0) this.database.hint('outbox');
      count += chunk.count;
      after = chunk.last ?? upTo;
    }
    return count;
  }

  /** Deliveries in one state: pending ones in the order of the outbox, settled ones the latest first. `next` is null at the end. */
  async list(
    destinationId: string,
    state: DeliveryState,
    { limit = 50, cursor = null }: { limit?: number; cursor?: string | null } = {},
  ): Promise<{ items: Delivery[]; next: string | null }> {
    const [place, id] = cursor?.split('~') ?? [];
    const rows = await this.database.query<Delivery & { place: string | number }>(
      state === 'pending' ? PENDING : SETTLED,
      state === 'pending'
        ? [destinationId, Number(place ?? 0), limit + 1]
        : [destinationId, state, place ?? null, id ?? null, limit + 1],
    );
    const items = rows.slice(0, limit);
    const end = items.at(-1);
    return {
      items: items.map(({ place: _place, ...delivery }) => delivery),
      next: rows.length > limit && end ? `${end.place}~${end.eventId}` : null,
    };
  }

  /** One of them, with the event as it is kept. Throws `NotFound`. */
  async get(destinationId: string, eventId: string): Promise<{ delivery: Delivery; event: EventRow | null }> {
    const rows = await this.database.query<Delivery & EventRow & { place: unknown; created_at: Date | null }>(ONE, [
      destinationId,
      eventId,
    ]);
    const [row] = rows;
    if (!row) throw new NotFound(`no event ${eventId} is known for ${destinationId}`);
    const { place: _, id, data, created_at, ...delivery } = row;
    return {
      delivery,
      event: created_at && { id, type: delivery.type ?? '', sequence: delivery.sequence, data, created_at },
    };
  }

  /**
   * What a destination took of the events from a time on, by conversation, at most `limit` conversations: what its tickets must hold. `next` is the last
   * conversation, null at the end.
   */
  async taken(
    destinationId: string,
    { from, to, after, limit }: { from: string; to: string; after: string; limit: number },
  ): Promise<{ conversations: EventRow[][]; next: string | null }> {
    const rows = await this.database.query<EventRow & { conversation: string }>(TAKEN, [
      destinationId,
      from,
      to,
      after,
      limit + 1,
    ]);
    const found = new Map<string, EventRow[]>();
    for (const { conversation, ...event } of rows) found.set(conversation, [...(found.get(conversation) ?? []), event]);
    const all = [...found];
    const page = all.slice(0, limit);
    return { conversations: page.map(([, events]) => events), next: all.length > limit ? page.at(-1)![0] : null };
  }

  /** `last`: where the next chunk begins; null where this one held everything up to its end. */
  private async replayChunk(
    sql: Sql,
    chunk: { destinationId: string; picked: string; values: readonly unknown[] },
  ): Promise<{ count: number; last: number | null }> {
    const [known] = await sql.query('select 1 from destination where id = $1 and removed_at is null', [
      chunk.destinationId,
    ]);
    if (!known) throw new NotFound(`there is no destination ${chunk.destinationId}`);
    const found = await sql.query<{ position: number; conversation_id: string | null }>(chunk.picked, chunk.values);
    const last = found.at(-1);
    if (!last) return { count: 0, last: null };
    await sql.query(LOCK, [[...new Set(found.flatMap((row) => row.conversation_id ?? []))]]);
    const [laid] = await sql.query<{ count: number }>(REPLAY, [
      chunk.destinationId,
      found.map(({ position }) => position),
    ]);
    return { count: laid?.count ?? 0, last: found.length === CHUNK ? Number(last.position) : null };
  }

  private async setState(
    sql: Sql,
    destinationId: string,
    { state, reason }: { state: 'active' | 'paused'; reason: string | null },
  ): Promise<boolean> {
    const rows = await sql.query(
      `update destination set state = $2, paused_reason = $3, probe_at = null, updated_at = clock_timestamp()
       where id = $1 and removed_at is null and state <> $2 returning id`,
      [destinationId, state, reason],
    );
    this.database.hint('directory');
    return rows.length > 0;
  }
}

function statementOf(choice: ReplayChoice): { picked: string; values: unknown[]; window: number } {
  if ('ids' in choice) return { picked: picking(CHOSEN.ids), values: [choice.ids], window: Infinity };
  if ('conversationId' in choice)
    return { picked: picking(CHOSEN.conversationId), values: [choice.conversationId], window: Infinity };
  if ('from' in choice)
    return { picked: picking(CHOSEN.from), values: [choice.from, choice.to ?? null], window: WINDOW };
  return { picked: picking(CHOSEN.state), values: [choice.state], window: WINDOW };
}

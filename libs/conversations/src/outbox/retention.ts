import type { Database } from '#database';

/** How long things are kept, in seconds (the settings' `retention`, and what CONTRACT.md fixes). */
export interface Keeping {
  /** The stream, and dead letters. */
  readonly events: number;
  /** Deliveries that were taken. */
  readonly deliveries: number;
  readonly traces: number;
  /** Names of provider events, by which repeats are known. */
  readonly dedupe: number;
  readonly idempotency: number;
  /** Receipts whose message never came. */
  readonly receipts: number;
  /** Shared values, after they have run out: messages that wait to be stored are among them. */
  readonly shared: number;
  readonly audit: number;
  /** How often bots answered whom: the hour for which that is counted. */
  readonly automatic: number;
  /** By which the browsers of who was erased are known: as long as their sessions live. */
  readonly sessions: number;
  /** Messages of closed conversations, from their end on; absent: until they are erased. */
  readonly messages?: number | undefined;
  /** Attachments; absent: as long as their message. */
  readonly files?: number | undefined;
}

const DAY = 86_400;

export const KEEPING = {
  events: 90 * DAY,
  deliveries: 30 * DAY,
  traces: 7 * DAY,
  dedupe: 90 * DAY,
  idempotency: 7 * DAY,
  receipts: 3 * DAY,
  shared: 0,
  audit: 365 * DAY,
  automatic: 3_600,
  sessions: 181 * DAY,
} satisfies Keeping;

/** Rows of one statement: short locks, and the stream's horizon is held up no longer than that. */
const CHUNK = 1_000;

/**
 * `look` finds at most `$2` rows that are older than `$1` seconds and no older than `$3`, without a lock that the horizon waits for; `forget` deletes them
 * (`$2`).
 */
interface Rule {
  readonly of: keyof typeof KEEPING;
  readonly look: string;
  readonly forget: string;
}

const RULES: readonly Rule[] = [
  pruning('dedupe', 'inbox.received_at'),
  pruning('idempotency', 'idempotency.created_at'),
  pruning('traces', 'trace.created_at'),
  parking('receipts', 'early_receipt.received_at'),
  pruning('deliveries', 'delivery.settled_at', `state = 'delivered'`),
  pruning('events', 'delivery.settled_at', `state = 'dead'`),
  pruning(
    'events',
    'event.created_at',
    `not exists (select 1 from destination d join outbox o
       on o.lane = d.id || ':' || coalesce(event.conversation_id, event.contact_id, event.account_id, 'none') and o.item_id = event.id)`,
  ),
  pruning('shared', 'shared_value.expires_at'),
  pruning('sessions', 'erased_session.at'),
  pruning('automatic', 'automatic_answer.last'),
];

/** Each call does a little, and says how much: see SQL `prune_audit`, `prune_files`. */
const STEPS = [
  { of: 'audit', most: CHUNK, step: 'select prune_audit($1, $2) as n' },
  { of: 'files', most: 100, step: 'select prune_files($1, $2) as n' },
] as const;

/** Closed conversations that ended so long ago and have messages still, in the order of their end. */
const ENDED = `select c.id, c.closed_at::text as at from conversation c
  where c.closed_at > $3::timestamptz and c.closed_at < statement_timestamp() - make_interval(secs => $1::float8)
    and exists (select 1 from message m where m.conversation_id = c.id) order by c.closed_at limit $2`;

const ORPHANS = `delete from outbox where position in (
  select o.position from destination d join outbox o on o.kind = 'event' and o.target_id = d.id where d.removed_at is not null limit $1) returning 1`;

/** `at`: the table and its column that tells the age. */
function pruning(of: Rule['of'], at: string, only = 'true'): Rule {
  const [table] = at.split('.');
  const old = `${at} < statement_timestamp() - make_interval(secs => $1::float8) and ${only}`;
  return {
    of,
    look: `select ctid::text as place, ${at}::text as at from ${table} where ${at} >= $3::timestamptz and ${old} order by ${at} limit $2`,
    forget: `delete from ${table} where ctid = any ($2::text[]::tid[]) and ${old} returning 1`,
  };
}

/** A receipt whose message never came is set aside for a person; a repeat of it is taken again. */
function parking(of: Rule['of'], at: string): Rule {
  const { look, forget } = pruning(of, at);
  return {
    ...{ of, look },
    forget: `with gone as (${forget.replace(/returning 1$/, 'returning account_id, external_id, receipt')}),
      taken_again as (delete from inbox b using gone g where b.account_id = g.account_id and b.dedupe_key = g.receipt->>'dedupeKey'),
      parked as (
        insert into poison (id, account_id, dedupe_key, input, error)
        select new_id('evt'), g.account_id, g.receipt->>'dedupeKey', g.receipt, 'it is a receipt of a message that is not known: ' || g.external_id from gone g
        on conflict (account_id, dedupe_key) where resolved_at is null do nothing)
      select 1 from gone`,
  };
}

/**
 * Deletes what is kept no longer, in small steps between which others get in. An event that still waits to be delivered stays, however old. Stops
 * early when `signal` aborts. Returns how many rows went.
 */
export async function prune(database: Database, keeping: Partial<Keeping> = {}, signal?: AbortSignal): Promise<number> {
  const keep = { ...KEEPING, ...keeping };
  const seconds = { ...keep, deliveries: Math.min(keep.deliveries, keep.events) };
  let total = 0;
  for (const { of, look, forget } of RULES) {
    let seen = '-infinity';
    for (let full = true; full && !signal?.aborted;) {
      const found = await database.query<{ place: string; at: string }>(look, [seconds[of], CHUNK, seen]);
      if (found.length === 0) break;
      seen = found.at(-1)!.at;
      const gone = await database.query(forget, [seconds[of], found.map(({ place }) => place)]);
      total += gone.length;
      full = found.length === CHUNK && gone.length > 0;
    }
  }
  for (const { of, most, step } of STEPS) {
    const keepS = keep[of];
    if (keepS === undefined) continue;
    for (let n: number = most; n === most && !signal?.aborted; total += n)
      n = await count(database, step, [keepS, most]);
  }
  if (keep.messages !== undefined) total += await pruneMessages(database, keep.messages, signal);
  return total;
}

async function pruneMessages(database: Database, keepS: number, signal?: AbortSignal): Promise<number> {
  let total = 0;
  for (let [seen, full] = ['-infinity', true]; full && !signal?.aborted;) {
    const ended = await database.query<{ id: string; at: string }>(ENDED, [keepS, CHUNK, seen]);
    for (const { id } of ended) {
      const most = 200;
      for (let n = most; n === most && !signal?.aborted; total += n)
        n = await count(database, 'select prune_messages($1, $2, $3) as n', [id, keepS, most]);
    }
    full = ended.length === CHUNK;
    seen = ended.at(-1)?.at ?? seen;
  }
  return total;
}

async function count(database: Database, text: string, values: readonly unknown[]): Promise<number> {
  const [row] = await database.query<{ n: number }>(text, values);
  return row!.n;
}

/** Deletes what waited for destinations that were removed, in small steps as well. Returns how many entries went. */
export async function forgetOrphans(database: Database, signal?: AbortSignal): Promise<number> {
  let total = 0;
  for (let gone = CHUNK; gone === CHUNK && !signal?.aborted; total += gone)
    gone = (await database.query(ORPHANS, [CHUNK])).length;
  return total;
}

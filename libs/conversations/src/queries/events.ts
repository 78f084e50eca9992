import type { Sql } from '#database';
import type { EventData } from '#normalizer';
import type { EventRow } from '../present.js';
import { visible, type VisibleAccounts } from './scope.js';

export interface PlacedEvent extends EventRow {
  readonly position: number;
}

export interface EventRange {
  /** After this position. */
  readonly after: number;
  /** Up to this one, which is settled (`Horizon`). */
  readonly upTo: number;
  /** Types, `*` standing for anything; absent: all. */
  readonly types?: readonly string[] | undefined;
  readonly limit: number;
  readonly accounts: VisibleAccounts;
  /** Ends the reading of one who is gone. */
  readonly signal?: AbortSignal;
}

/** Positions that one statement looks through: a reader of few types among many does not keep a connection for long. */
const WINDOW = 50_000;

/** The stream in the order of its positions. An event of a limited reader's concern is of one of its accounts, conversations or contacts. */
export async function readEvents(sql: Sql, range: EventRange): Promise<PlacedEvent[]> {
  const patterns = range.types?.map((type) => type.replaceAll(/[\\%_]/g, '\\$&').replaceAll('*', '%')) ?? null;
  const found: PlacedEvent[] = [];
  for (let { after } = range; after < range.upTo && found.length < range.limit && !range.signal?.aborted;) {
    const upTo = Math.min(range.upTo, after + WINDOW);
    const values = [after, upTo, patterns, range.accounts, range.limit - found.length];
    found.push(...(await sql.query<PlacedEvent & Record<string, unknown>>(READ, values)));
    after = upTo;
  }
  return range.accounts ? withinReach(sql, found, range.accounts) : found;
}

/** What a limited reader sees of merges: that they happened, and which of its own threads and conversations moved; not why, and nobody whom it does not see. */
function withinReach(sql: Sql, rows: readonly PlacedEvent[], accounts: readonly string[]): Promise<PlacedEvent[]> {
  return Promise.all(
    rows.map(async (row) => {
      const { merge, restored, ...data } = (row.data ?? {}) as EventData;
      if (!merge) return row;
      const { reason: _reason, ...moved } = merge;
      const [seen] = await sql.query<Reach>(REACH, [merge.threadIds, merge.conversationIds, restored?.id, accounts]);
      const { isRestored, ...own } = seen!;
      return {
        ...row,
        data: { ...data, merge: { ...moved, ...own, handles: [] }, ...(isRestored && { restored }) },
      };
    }),
  );
}

interface Reach extends Record<string, unknown> {
  readonly threadIds: string[];
  readonly conversationIds: string[];
  readonly isRestored: boolean;
}

const REACH = {
  name: 'events_reach',
  text: `select array(select t.id from unnest($1::text[]) with ordinality u(id, n) join thread t on t.id = u.id where ${visible.account('t.account_id', 4)} order by u.n) as "threadIds",
    array(select u.id from unnest($2::text[]) with ordinality u(id, n) where ${visible.conversation('u.id', 4)} order by u.n) as "conversationIds",
    $3::text is not null and ${visible.contact('$3', 4)} as "isRestored"`,
};

const READ = {
  name: 'events_read',
  text: `select e.position, e.id, e.type, e.sequence, e.data, e.created_at from event e
    where e.position > $1 and e.position <= $2 and ($3::text[] is null or e.type like any ($3::text[]))
      and ($4::text[] is null or e.account_id = any ($4::text[]) or e.account_id is null and case
        when e.conversation_id is not null then ${visible.conversation('e.conversation_id', 4)}
        else ${visible.contact('e.contact_id', 4)} end)
    order by e.position limit $5`,
};

/** Is the event at this position still kept? */
export async function isKept(sql: Sql, position: number): Promise<boolean> {
  return (await sql.query('select 1 from event where position = $1', [position])).length > 0;
}

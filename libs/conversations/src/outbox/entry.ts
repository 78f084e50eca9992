import type { Failure, OutboundUnit } from '#normalizer';
import type { EventRow } from '../present.js';

/** Attempts in a row that failed in one way: what the relay keeps with an entry between two of them. */
export interface Run {
  readonly course: string;
  readonly made: number;
}

/** One row of the outbox, with everything that its dispatch needs. Times are milliseconds by the database's clock when it was read. */
export interface Entry {
  readonly position: number;
  readonly partition: number;
  readonly lane: string;
  /** `event`: an event for the destination `targetId`; `unit`: a provider message for the account `targetId`. */
  readonly kind: 'event' | 'unit';
  readonly targetId: string;
  readonly itemId: string;
  readonly replay: boolean;
  /** Attempts made so far. */
  readonly attempts: number;
  /** What the last attempt that failed left here for the next (`Result`). */
  readonly run: Run | null;
  /** Since it was put into the outbox. */
  readonly ageMs: number;
  /** Since its first attempt began to fail; 0 before. */
  readonly tryingMs: number;
  /** Until it may be tried again; 0 or less: now. */
  readonly dueMs: number;
  /** When it was read, by `performance.now()`. */
  readonly readAt: number;
  /** The event; null for units, and where it is no longer kept. */
  readonly event: EventRow | null;
  /** The unit; null for events, and where it was erased. */
  readonly unit: OutboundUnit | null;
}

/** What became of an entry. */
export type Result =
  /** The destination took it. `reference` is the ticket that it named. */
  | { readonly kind: 'delivered'; readonly reference?: { readonly ticketId: string; readonly url?: string | null } }
  /** A dead letter: a person can see and replay it. */
  | { readonly kind: 'dead'; readonly failure: Failure }
  /** Nothing is left to do: withdrawn, erased, or settled otherwise. */
  | { readonly kind: 'dropped' }
  /** To be tried again. Without `delayMs`: as soon as its target goes on. */
  | { readonly kind: 'retry'; readonly failure: Failure; readonly delayMs?: number; readonly run?: Run }
  /** The provider took the unit, or refused it for good. */
  | { readonly kind: 'unit'; readonly status: 'sent' | 'delivered'; readonly externalIds: readonly string[] }
  | { readonly kind: 'unit'; readonly status: 'failed'; readonly failure: Failure };

/** A row as the reading statements return it. */
export type EntryRow = OutboxRow & EventColumns & (UnitColumns | { message_id: null });

type Place = 'position' | 'partition' | 'lane' | 'target_id' | 'item_id';

interface OutboxRow {
  position: number;
  partition: number;
  lane: string;
  kind: 'event' | 'unit';
  target_id: string;
  item_id: string;
  replay: boolean;
  attempts: number;
  run: Run | null;
  age_ms: number;
  trying_ms: number | null;
  due_ms: number | null;
}

interface EventColumns {
  event_type: string | null;
  event_sequence: number | null;
  event_data: Record<string, unknown> | null;
  event_at: Date | null;
}

interface UnitColumns {
  message_id: string;
  unit_index: number;
  unit_count: number;
  /** A notice says by itself where it goes. */
  unit_content: Pick<OutboundUnit, 'parts' | 'text' | 'subject' | 'author' | 'replyTo' | 'notice'> &
    Partial<Pick<OutboundUnit, 'thread'>>;
  thread_id: string;
  thread_external_id: string;
  thread_handles: OutboundUnit['thread']['handles'];
}

export function toEntry(row: EntryRow): Entry {
  return {
    position: Number(row.position),
    partition: row.partition,
    lane: row.lane,
    kind: row.kind,
    targetId: row.target_id,
    itemId: row.item_id,
    replay: row.replay,
    attempts: row.attempts,
    run: row.run,
    ageMs: row.age_ms,
    tryingMs: row.trying_ms ?? 0,
    dueMs: row.due_ms ?? 0,
    readAt: performance.now(),
    event: row.event_type === null ? null : toEvent(row, row.event_type),
    unit: row.message_id === null ? null : toUnit(row),
  };
}

/** An event that was laid into the outbox just now. */
export function freshEntry(
  { position, partition, lane, target_id, item_id }: Pick<OutboxRow, Place>,
  event: EventRow,
): Entry {
  return {
    position: Number(position),
    partition,
    lane,
    kind: 'event',
    targetId: target_id,
    itemId: item_id,
    replay: false,
    attempts: 0,
    run: null,
    ageMs: 0,
    tryingMs: 0,
    dueMs: 0,
    readAt: performance.now(),
    event,
    unit: null,
  };
}

function toEvent(row: EntryRow, type: string): EventRow {
  return {
    id: row.item_id,
    type,
    sequence: row.event_sequence,
    data: row.event_data,
    created_at: row.event_at as Date,
  };
}

function toUnit(row: OutboxRow & UnitColumns): OutboundUnit {
  return {
    ...row.unit_content,
    id: row.item_id,
    messageId: row.message_id,
    index: row.unit_index,
    count: row.unit_count,
    thread: row.unit_content.thread ?? {
      id: row.thread_id,
      externalId: row.thread_external_id,
      handles: row.thread_handles,
    },
    idempotencyKey: row.item_id,
  };
}

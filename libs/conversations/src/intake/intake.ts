import { setTimeout as delay } from 'node:timers/promises';
import { type Database, type Statement, isTransient } from '#database';
import type { LanguageOf } from '#normalizer';
import { type ArrivingEvent, Conflict, type IntakePort, Overloaded, type StoredItem } from '../ports.js';
import { freshEntry } from '../outbox/entry.js';
import type { Handed, HandOver } from '../outbox/hand-over.js';
import type { EventRow } from '../present.js';
import { arrange } from './arrange.js';
import { type IntakeItem, toItem } from './item.js';
import { park } from './park.js';

/** Most events of one statement: beyond it the gain per event is nothing and the locks are held longer. */
const MAX_BATCH = 256;
const RETRIES = 3;
/** Before what was in somebody's way is tried again, milliseconds; longer each time. */
const PAUSE_MS = 20;
/** Kinds that concern a message which must be known. */
const NAMING = new Set<string>(['edited', 'deleted', 'reaction']);
/** Events that wait in memory at most, beside the batch that is on its way: a few seconds of the store's work. */
const MOST_WAITING = 8_192;

const INTAKE: Statement = { name: 'intake', text: 'select * from intake($1::jsonb, $2::bigint)' };
/** What became of an item. */
interface ItemRow {
  position: null;
  ord: number;
  item_id: string | null;
  duplicate: boolean;
  conversation_id: string | null;
  thread_id: string | null;
  thread_sequence: number | null;
  contact_id: string | null;
  stored_at: string;
}

/** An event that was laid into the outbox with them. */
interface LaidRow {
  position: number;
  partition: number;
  lane: string;
  target_id: string;
  previous: number | null;
  item_id: string;
  conversation_id: string | null;
  stored_at: string;
  event_type: string;
  event_sequence: number | null;
  event_data: Record<string, unknown> | null;
}

interface Waiting {
  readonly items: IntakeItem[];
  resolve(stored: StoredItem[]): void;
  reject(error: unknown): void;
}

/** What a commit leaves to be done: attachments to fetch, entries of the outbox that were not handed over. */
export interface Left {
  readonly files: boolean;
  readonly entries: boolean;
}

export interface IntakeOptions {
  /** Where what was stored goes on at once. */
  readonly handOver?: HandOver;
  /** Finds out the language of a message, where routing rules ask for it. */
  readonly languageOf?: LanguageOf | undefined;
  /** Called after each commit with what was stored: wakes readers of the stream and, where something is left for them, relay and fetcher. */
  onStored?(stored: readonly StoredItem[], left: Left): void;
  /** Called when an event was set aside because the store refuses it; it stands in the table `poison`. */
  onPoison?(accountId: string, dedupeKey: string, error: Error): void;
}

/**
 * The way into the store. Calls that arrive while a batch is on its way are folded into the next one: one statement, one round trip, one commit for
 * all of them, without a timer. Order of arrival holds.
 *
 * A batch that fails for a passing reason (lock, deadlock) is tried again; one that fails for its content is halved until the poison event
 * stands alone, which is parked (table `poison`) so that the others and its own provider go on.
 */
export class Intake implements IntakePort {
  private queue: Waiting[] = [];
  private flying = false;
  /** Items in the queue. */
  private waiting = 0;

  constructor(
    private readonly database: Database,
    private readonly options: IntakeOptions = {},
  ) {}

  /** Stores a parked item again, as it is. Throws what the store says of it. */
  async again(item: IntakeItem): Promise<void> {
    const [stored] = await this.run([item]);
    if (stored?.id === null && !stored.duplicate && NAMING.has(item.kind))
      throw new Conflict('not-replayable', 'the message that it names is not known');
  }

  accept(
    accountId: string,
    events: readonly ArrivingEvent[],
    cursor?: { name: string; value: string },
  ): Promise<StoredItem[]> {
    const items = events.flatMap((event) => toItem(accountId, event, this.options.languageOf));
    const keys = events.flatMap((event) => (event.kind === 'typing' ? [] : event.dedupeKey));
    if (cursor) items.push({ kind: 'cursor', ...cursor });
    if (items.length === 0) return Promise.resolve([]);
    if (this.waiting > MOST_WAITING) return Promise.reject(new Overloaded());
    this.waiting += items.length;
    return new Promise((resolve, reject) => {
      const named = (stored: StoredItem[]): void =>
        resolve(stored.map((one, index) => Object.assign(one, { dedupeKey: keys[index] })));
      this.queue.push({ items, resolve: named, reject });
      if (!this.flying) {
        this.flying = true;
        setImmediate(() => void this.fly());
      }
    });
  }

  private async fly(): Promise<void> {
    while (this.queue.length > 0) {
      await this.store(this.takeBatch());
    }
    this.flying = false;
  }

  private takeBatch(): Waiting[] {
    let size = 0;
    let count = 0;
    while (count < this.queue.length && (count === 0 || size + this.queue[count]!.items.length <= MAX_BATCH)) {
      size += this.queue[count]!.items.length;
      count += 1;
    }
    this.waiting -= size;
    return this.queue.splice(0, count);
  }

  private async store(batch: Waiting[]): Promise<void> {
    const alone = batch.length === 1;
    let rows: StoredItem[];
    try {
      rows = await this.run(
        batch.flatMap((waiting) => waiting.items),
        alone ? 1 : RETRIES,
      );
    } catch (error) {
      // One locked conversation must not hold up the strangers in its batch.
      if (!alone && (isContention(error) || !isTransient(error))) return this.halve(batch);
      if (!isTransient(error)) return this.isolate(batch[0]!, error as Error);
      for (const waiting of batch) waiting.reject(error);
      return;
    }
    let at = 0;
    for (const waiting of batch) {
      const size = waiting.items.filter((item) => item.kind !== 'cursor').length;
      waiting.resolve(rows.slice(at, at + size));
      at += size;
    }
  }

  private async halve(batch: Waiting[]): Promise<void> {
    const middle = batch.length >> 1;
    await this.store(batch.slice(0, middle));
    await this.store(batch.slice(middle));
  }

  /** One caller's events, of which one is poison: each is stored by itself, in order, and the poison is parked. */
  private async isolate(waiting: Waiting, cause: Error): Promise<void> {
    try {
      const stored: StoredItem[] = [];
      for (const item of waiting.items)
        stored.push(...(await this.storeOrPark(item, waiting.items.length === 1 ? cause : undefined)));
      waiting.resolve(stored);
    } catch (error) {
      waiting.reject(error);
    }
  }

  private async storeOrPark(item: IntakeItem, known?: Error): Promise<StoredItem[]> {
    let cause = known;
    if (!cause) {
      try {
        return await this.run([item]);
      } catch (error) {
        if (isTransient(error) || item.kind === 'cursor') throw error;
        cause = error as Error;
      }
    }
    if (item.kind === 'cursor') throw cause;
    const { id, accountId, dedupeKey } = item;
    await park(this.database, {
      id,
      accountId,
      dedupeKey,
      stage: 'store',
      input: JSON.stringify(item),
      error: cause.message,
    });
    this.options.onPoison?.(item.accountId, item.dedupeKey, cause);
    return [
      {
        dedupeKey: item.dedupeKey,
        id: null,
        duplicate: false,
        conversationId: null,
        threadId: null,
        threadSequence: null,
        contactId: null,
        storedAt: new Date().toISOString(),
      },
    ];
  }

  private async run(items: IntakeItem[], attempt = 1): Promise<StoredItem[]> {
    try {
      const { after = null, epoch = 0 } = this.options.handOver ?? {};
      const rows = await this.database.query<ItemRow | LaidRow>(INTAKE, [JSON.stringify(arrange(items)), after]);
      const told = rows.filter((row) => row.position === null).sort((a, b) => a.ord - b.ord);
      const stored = told.map((row) => toStored(row, items[row.ord - 1]!));
      // Those who wait are answered first.
      setImmediate(() => {
        const laid = rows.filter((row) => row.position !== null);
        // Only the lane of a conversation is in the order of commit, by the conversation's lock.
        const ordered = laid.filter((row) => row.conversation_id !== null).map(handedOf);
        const taken = ordered.length === 0 || this.options.handOver!.give(ordered, epoch);
        const entries = after === null || !taken || ordered.length < laid.length;
        this.options.onStored?.(stored, { files: items.some(bringsFiles), entries });
      });
      return stored;
    } catch (error) {
      if (attempt < RETRIES && isContention(error)) {
        await delay(attempt * PAUSE_MS);
        return this.run(items, attempt + 1);
      }
      throw error;
    }
  }
}

function bringsFiles(item: IntakeItem): boolean {
  return item.kind === 'message' && Array.isArray(item['files']) && item['files'].length > 0;
}

function handedOf(row: LaidRow): Handed {
  const event: EventRow = {
    id: row.item_id,
    type: row.event_type,
    sequence: row.event_sequence,
    data: row.event_data,
    created_at: new Date(row.stored_at),
  };
  return { entry: freshEntry(row, event), previous: row.previous };
}

/** Two transactions stood in each other's way; nothing was stored, and the same again will do. */
function isContention(error: unknown): boolean {
  return ['40P01', '40001', '55P03'].includes((error as { code?: string }).code ?? '');
}

function toStored(row: ItemRow, item: IntakeItem): StoredItem {
  return {
    dedupeKey: item.kind === 'cursor' ? '' : item.dedupeKey,
    id: row.item_id,
    duplicate: row.duplicate,
    conversationId: row.conversation_id,
    threadId: row.thread_id,
    threadSequence: row.thread_sequence,
    contactId: row.contact_id,
    storedAt: row.stored_at,
  };
}

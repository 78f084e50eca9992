import { Horizon, isKept, readEvents, type PlacedEvent, type VisibleAccounts } from '#conversations';
import type { Database } from '#database';
import { Inject, Injectable, type OnModuleDestroy } from '@nestjs/common';
import { DATABASE } from '../tokens.js';
import { Refusal } from './core/problem.js';
import { API_OPTIONS, type ApiOptions } from './options.js';

/** How long a waiting reader goes without a look, milliseconds: hints may be lost. */
const LOOK_EVERY_MS = 1_000;
/** Between two looks of one reader, milliseconds: with a filter it may be woken for nothing by everything that comes in. The first waking
 * is answered at once. */
const LOOK_APART_MS = 100;

/** Where a reader stands: everything up to `position` was read at `at` (milliseconds), when nothing after it had been deleted. */
export interface StreamPlace {
  readonly position: number;
  readonly at: number;
}

export interface Pull {
  readonly after: StreamPlace | null;
  readonly types?: readonly string[] | undefined;
  readonly limit: number;
  readonly accounts: VisibleAccounts;
  readonly waitMs: number;
  readonly signal: AbortSignal;
}

/** The stream by pulling: never passes over an event that commits late, holds no connection while it waits. */
@Injectable()
export class EventStream implements OnModuleDestroy {
  private readonly waiting = new Set<() => void>();
  private stopping = false;

  constructor(
    @Inject(DATABASE) private readonly database: Database,
    @Inject(Horizon) private readonly horizon: Horizon,
    @Inject(API_OPTIONS) private readonly options: ApiOptions,
  ) {}

  /** The process stops: who waits is answered with what there is, and goes on with another process. */
  onModuleDestroy(): void {
    this.stopping = true;
    for (const ring of this.waiting) ring();
  }

  /** The next events, after waiting for the first of them. Throws `Refusal` (`cursor-expired`). */
  async pull(request: Pull): Promise<{ rows: PlacedEvent[]; next: StreamPlace }> {
    const { after, waitMs, signal } = request;
    if (after) await this.demandKept(after);
    const end = Date.now() + waitMs;
    const bell = this.bell();
    try {
      for (let [position, looks] = [after?.position ?? 0, 1]; ; looks += 1) {
        const looked = Date.now();
        const page = await this.read(position, request);
        const left = end - Date.now();
        if (page.rows.length > 0 || left <= 0 || signal.aborted || this.stopping) return page;
        position = page.next.position;
        await bell.wait(Math.min(left, LOOK_EVERY_MS), signal);
        const rest = Math.min(looked + LOOK_APART_MS, end) - Date.now();
        if (looks > 1 && rest > 0) await sleep(rest, signal);
      }
    } finally {
      bell.stop();
    }
  }

  private async read(
    position: number,
    { types, limit, accounts, signal }: Pull,
  ): Promise<{ rows: PlacedEvent[]; next: StreamPlace }> {
    const at = Date.now();
    const upTo = Math.max((await this.horizon.safe()).event, position);
    const rows = await readEvents(this.database, { after: position, upTo, types, limit, accounts, signal });
    const last = rows.at(-1);
    const full = rows.length === limit && last !== undefined;
    return {
      rows,
      next: full ? { position: Number(last.position), at: last.created_at.getTime() } : { position: upTo, at },
    };
  }

  /** A place is lost once events after it may have been deleted: it is older than events are kept, and the event at it is gone. */
  private async demandKept({ position, at }: StreamPlace): Promise<void> {
    if (at >= Date.now() - this.options.eventsKeptS * 1_000) return;
    if (await isKept(this.database, position)) return;
    throw new Refusal('cursor-expired', 'events after this cursor are no longer kept; begin again without `after`');
  }

  /** Rings when the stream may have grown; a ring before `wait` is not lost. */
  private bell() {
    let rung = false;
    let wake = (): void => undefined;
    const ring = (): void => {
      rung = true;
      wake();
    };
    const stops = ['events', 'outbox'].map((channel) => this.database.onHint(channel, ring));
    this.waiting.add(ring);
    stops.push(() => this.waiting.delete(ring));
    return {
      stop: (): void => stops.forEach((stop) => stop()),
      wait: async (ms: number, signal: AbortSignal): Promise<void> => {
        if (!rung && !signal.aborted) {
          await new Promise<void>((resolve) => {
            const timer = setTimeout(resolve, ms);
            wake = () => {
              clearTimeout(timer);
              resolve();
            };
            signal.addEventListener('abort', ring, { once: true });
          });
          signal.removeEventListener('abort', ring);
        }
        rung = false;
      },
    };
  }
}

function sleep(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(wake, ms);
    signal.addEventListener('abort', wake, { once: true });
    function wake(): void {
      clearTimeout(timer);
      signal.removeEventListener('abort', wake);
      resolve();
    }
  });
}

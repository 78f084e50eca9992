import type { CrmRecord } from '#identity';
import { handleKey, ProviderFailure, type Handle } from '#normalizer';
import { Breaker } from '../relay/breaker.js';

/** What the CRM last said of a handle. */
export interface Known {
  readonly record: CrmRecord | null;
  readonly freshUntil: number;
  readonly staleUntil: number;
  /** The contact on which it is shown, and how well the link was proven. */
  applied?: { readonly contactId: string; readonly proof: 'channel' | 'verified' | undefined };
  /** Where its company stands here. */
  companyId?: string;
}

/** A handle that is being looked up, until the CRM said something of it. */
export interface Flight {
  readonly handle: Handle;
  readonly startedAt: number;
  /** The first attempt is over, whatever came of it. */
  readonly first: Promise<void>;
  /** The whole effort is over. */
  readonly done: Promise<void>;
}

export interface LookupsParts {
  /** Asks the CRM once. Throws `ProviderFailure`. */
  ask(handle: Handle, signal: AbortSignal): Promise<CrmRecord | null>;
  readonly ttlMs: number;
  readonly absentMs: number;
  readonly staleMs: number;
  readonly timeoutMs: number;
  /** The CRM fails, or (null) answers again. */
  onTrouble?(failure: ProviderFailure | null): void;
  readonly now?: () => number;
}

/** At once: enough for hundreds of new people a second, and less than any CRM allows. */
const CAP = 8;
/** Behind so many others nobody gets an answer in time. */
const MOST_HOPEFUL = 64;
const MOST_KNOWN = 20_000;
const MOST_FLIGHTS = 5_000;
const BACKOFF_MS = { first: 1_000, most: 60_000 };
const GIVE_UP_MS = 3_600_000;

interface Trip extends Flight {
  readonly key: string;
  attempts: number;
  ended: (what: 'first' | 'done') => void;
}

/**
 * Look-ups in a CRM: one at a time per handle, at most eight at once, none while the CRM is down but a probe now and then. What it says is kept for a while, also that it knows
 * nobody. A look-up that fails goes on in the background, slower and slower, for an hour; meanwhile what was known before stays known.
 */
export class Lookups {
  private readonly entries = new Map<string, Known>();
  private readonly flights = new Map<string, Trip>();
  private readonly timers = new Set<NodeJS.Timeout>();
  private readonly asking = new Set<AbortController>();
  private readonly now: () => number;
  private readonly breaker: Breaker;
  private waiting: Trip[] = [];
  private running = 0;
  private heldUntil = 0;
  private failing = false;
  private stopped = false;
  private wake: NodeJS.Timeout | undefined;

  constructor(private readonly parts: LookupsParts) {
    this.now = parts.now ?? (() => performance.now());
    this.breaker = new Breaker(this.now);
  }

  /** How many handles are being looked up. */
  get size(): number {
    return this.flights.size;
  }

  /** Is it worth to wait for an answer? */
  get hopeful(): boolean {
    return this.permits() === CAP && this.waiting.length < MOST_HOPEFUL;
  }

  /** What is known of the handle, fresh or not; undefined where nothing is. */
  known(handle: Handle): Known | undefined {
    const known = this.entries.get(handleKey(handle));
    return known && this.now() < known.staleUntil ? known : undefined;
  }

  isFresh(handle: Handle): boolean {
    const known = this.known(handle);
    return known !== undefined && this.now() < known.freshUntil;
  }

  /** The look-up of a handle, which is begun unless it is under way; undefined where too many are. */
  find(handle: Handle): Flight | undefined {
    const key = handleKey(handle);
    const known = this.flights.get(key);
    if (known) return known;
    if (this.flights.size >= MOST_FLIGHTS || this.stopped) return undefined;
    const trip = this.begin(handle, key);
    this.waiting.push(trip);
    this.pump();
    return trip;
  }

  /** Asks now, once, whatever is known. Throws `ProviderFailure`. */
  async refresh(handle: Handle): Promise<void> {
    try {
      this.keep(handleKey(handle), await this.ask(handle));
      this.answered();
    } catch (error) {
      const failure = failureOf(error);
      this.failed(failure, true);
      throw failure;
    }
  }

  /** Ends everything; nothing is begun any more. */
  stop(): void {
    this.stopped = true;
    for (const controller of this.asking) controller.abort();
    for (const timer of this.timers) clearTimeout(timer);
    clearTimeout(this.wake);
    for (const trip of [...this.flights.values()]) this.end(trip);
    this.waiting = [];
  }

  private begin(handle: Handle, key: string): Trip {
    const ends: Record<'first' | 'done', () => void> = { first: () => {}, done: () => {} };
    const first = new Promise<void>((resolve) => (ends.first = resolve));
    const done = new Promise<void>((resolve) => (ends.done = resolve));
    const trip = { handle, key, startedAt: this.now(), attempts: 0, first, done, ended: (what: 'first' | 'done') => ends[what]() }; // prettier-ignore
    this.flights.set(key, trip);
    return trip;
  }

  private permits(): number {
    return this.now() < this.heldUntil ? 0 : this.breaker.permits(CAP);
  }

  private pump(): void {
    while (this.waiting.length > 0 && this.running < this.permits()) void this.attempt(this.waiting.shift()!);
    if (this.waiting.length === 0 || this.running > 0) return;
    clearTimeout(this.wake);
    const inMs = Math.max(this.heldUntil, this.breaker.until) - this.now();
    this.wake = setTimeout(() => this.pump(), Math.max(inMs, 10)).unref();
  }

  private async attempt(trip: Trip): Promise<void> {
    this.running += 1;
    try {
      this.keep(trip.key, await this.ask(trip.handle));
      this.answered();
      this.end(trip);
    } catch (error) {
      this.again(trip, failureOf(error));
    }
    this.running -= 1;
    this.pump();
  }

  private ask(handle: Handle): Promise<CrmRecord | null> {
    const { timeoutMs } = this.parts;
    const controller = new AbortController();
    this.asking.add(controller);
    const timer = setTimeout(() => controller.abort(), timeoutMs);
    return new Promise<CrmRecord | null>((resolve, reject) => {
      const late = () => reject(new ProviderFailure('unavailable', `the CRM gave no answer within ${timeoutMs} ms`));
      controller.signal.addEventListener('abort', late);
      this.parts.ask(handle, controller.signal).then(resolve, reject);
    }).finally(() => {
      clearTimeout(timer);
      this.asking.delete(controller);
    });
  }

  /** What was refused for what it is was answered: the CRM has nobody of that kind. Anything else is tried again. */
  private again(trip: Trip, failure: ProviderFailure): void {
    if (failure.code === 'content-refused') {
      this.keep(trip.key, null);
      return this.end(trip);
    }
    this.failed(failure, trip.attempts === 0);
    trip.attempts += 1;
    trip.ended('first');
    if (this.stopped || this.now() - trip.startedAt > GIVE_UP_MS) return this.end(trip);
    const inMs = Math.min(BACKOFF_MS.first * 2 ** (trip.attempts - 1), BACKOFF_MS.most);
    const timer = setTimeout(() => {
      this.timers.delete(timer);
      this.waiting.push(trip);
      this.pump();
    }, inMs).unref();
    this.timers.add(timer);
  }

  private answered(): void {
    this.breaker.succeeded();
    if (this.failing) this.parts.onTrouble?.(null);
    this.failing = false;
  }

  private failed(failure: ProviderFailure, first: boolean): void {
    if (failure.code === 'throttled') this.heldUntil = this.now() + (failure.retryAfterMs ?? BACKOFF_MS.first);
    else this.breaker.failed(first);
    if (!this.failing && !this.stopped) this.parts.onTrouble?.(failure);
    this.failing = true;
  }

  private end(trip: Trip): void {
    this.flights.delete(trip.key);
    trip.ended('first');
    trip.ended('done');
  }

  /** What is shown on a contact already need not be shown again where the CRM says the same. */
  private keep(key: string, record: CrmRecord | null): void {
    const before = this.entries.get(key);
    const now = this.now();
    const freshUntil = now + (record ? this.parts.ttlMs : this.parts.absentMs);
    const entry: Known = { record, freshUntil, staleUntil: freshUntil + this.parts.staleMs };
    if (before && JSON.stringify(before.record) === JSON.stringify(record)) {
      if (before.applied) entry.applied = before.applied;
      if (before.companyId) entry.companyId = before.companyId;
    }
    this.entries.delete(key);
    this.entries.set(key, entry);
    for (const oldest of this.entries.keys()) {
      if (this.entries.size <= MOST_KNOWN) break;
      this.entries.delete(oldest);
    }
  }
}

function failureOf(error: unknown): ProviderFailure {
  if (error instanceof ProviderFailure) return error;
  return new ProviderFailure('reply-unreadable', 'the answer of the CRM is not of the documented form', {
    cause: error,
  });
}

import type { InboundEventInput } from '#normalizer';
import type { Emit } from '../core/adapter.js';
import { insist, NoAnswer, pause } from './wechaty.asking.js';

export interface InboxParts {
  /** What the store is to hear of a message; null where that is nothing. `leniently`: without what the puppet cannot tell now. */
  readonly read: (id: string, leniently: boolean) => Promise<InboundEventInput | null>;
  readonly emit: Emit;
  readonly now: () => number;
  /** Ends everything: what waits then is missing. */
  readonly signal: AbortSignal;
  readonly stored: () => void;
  /** Messages that came from then on could not be read, or were too many, and are passed over. */
  readonly passedOver: (from: number) => Promise<void>;
  /** The puppet answers nothing any more. */
  readonly silent: () => void;
}

interface Waiting {
  readonly id: string;
  /** Nothing that came before is missing. */
  readonly since: number;
}

/** Puppets cannot be told to wait. */
const MOST = 10_000;
/** So often a message is read, and once more leniently. */
const READS = 3;
/** After so many answers in a row that did not come in time nobody expects another. */
const SILENCES = 3;

/**
 * Messages in the order in which the puppet told of them: each is read and stored before the next one, since that one may answer it. No puppet hands a message over
 * twice: it is tried until it is stored, or cannot be read.
 */
export class Inbox {
  private readonly waiting: Waiting[] = [];
  private readonly idle = new Set<() => void>();
  private missing = Infinity;
  /** When the first one came of those that were too many. */
  private dropped: number | undefined;
  private silences = 0;
  private admitted = false;
  private working = false;

  constructor(private readonly parts: InboxParts) {}

  /** The puppet tells of a message. */
  take(id: string): void {
    const since = this.parts.now();
    if (this.waiting.length < MOST) this.waiting.push({ id, since });
    else this.dropped ??= since;
    void this.work();
  }

  /** From now on messages are stored. */
  admit(): void {
    this.admitted = true;
    void this.work();
  }

  /** From then on something may be missing that did not even come in. */
  missingFrom(at: number): void {
    this.missing = Math.min(this.missing, at);
  }

  /** Up to when everything that came is stored, milliseconds since the epoch. */
  get until(): number {
    return Math.min(this.parts.now(), this.missing, this.dropped ?? Infinity, this.waiting[0]?.since ?? Infinity);
  }

  /** Resolves once nothing waits. */
  empty(): Promise<void> {
    return new Promise((resolve) => {
      if (this.waiting.length === 0) resolve();
      else this.idle.add(resolve);
    });
  }

  private async work(): Promise<void> {
    if (!this.admitted || this.working) return;
    this.working = true;
    const { signal } = this.parts;
    while (!signal.aborted && (this.waiting[0] ?? this.dropped) !== undefined) await this.next();
    this.working = false;
    if (this.waiting.length > 0) return;
    this.idle.forEach((resolve) => resolve());
    this.idle.clear();
  }

  private async next(): Promise<void> {
    const [first] = this.waiting;
    if (first) return this.handle(first);
    await this.parts.passedOver(this.dropped!);
    this.dropped = undefined;
  }

  private async handle(first: Waiting): Promise<void> {
    const event = await this.read(first.id);
    if (this.parts.signal.aborted) return;
    if (event && !(await this.store(event))) {
      const at = 'occurredAt' in event && event.occurredAt ? Date.parse(event.occurredAt) : Infinity;
      return this.missingFrom(at);
    }
    if (event === undefined) await this.parts.passedOver(first.since);
    this.waiting.shift();
    if (event) this.parts.stored();
  }

  /** Undefined where it cannot be read. */
  private async read(id: string): Promise<InboundEventInput | null | undefined> {
    const { read, signal, silent } = this.parts;
    for (let failures = 0; !signal.aborted;) {
      try {
        const event = await read(id, failures === READS);
        this.silences = 0;
        return event;
      } catch (error) {
        failures += 1;
        this.silences = error instanceof NoAnswer ? this.silences + 1 : 0;
        if (this.silences === SILENCES && !signal.aborted) silent();
        if (failures > READS && this.silences < SILENCES) return undefined;
        await pause(failures, signal);
      }
    }
    return undefined;
  }

  /** False where everything ended before. */
  private store(event: InboundEventInput): Promise<boolean> {
    const { emit, signal } = this.parts;
    return insist(() => emit([event]), signal).then(
      () => true,
      () => false,
    );
  }
}

import type { Entry } from './entry.js';

/** Takes entries as they are stored: the relay of this process. */
export interface Taker {
  /** The place up to which it has read the outbox; null where it has no room, or does not run: nothing is handed over then. */
  readonly after: number | null;
  /** Entries in order of position, of lanes that hold nothing else behind `after`. Returns whether it took them all. */
  take(entries: readonly Entry[]): boolean;
}

/**
 * The short way from intake to the relay of the same process: what was committed just now goes on without being read from the outbox again. It carries nothing
 * that is not in the outbox too, and may drop anything: what is not taken here is read there.
 */
export class HandOver {
  private taker: Taker | undefined;

  get after(): number | null {
    return this.taker?.after ?? null;
  }

  /** Returns whether all of them were taken: nobody needs to look for them in the outbox now. */
  give(entries: readonly Entry[]): boolean {
    return this.taker?.take(entries) ?? false;
  }

  /** Returns how to leave again. */
  join(taker: Taker): () => void {
    this.taker = taker;
    return () => (this.taker = undefined);
  }
}

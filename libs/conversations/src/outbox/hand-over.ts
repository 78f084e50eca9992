import type { Entry } from './entry.js';

/** An entry, and the position of what stood before it in its lane; null where that was nothing behind `Taker.after`. */
export interface Handed {
  readonly entry: Entry;
  readonly previous: number | null;
}

/** Takes entries as they are stored: the relay of this process. */
export interface Taker {
  /** The place up to which it has read the outbox; null where it has no room, or does not run: nothing is handed over then. */
  readonly after: number | null;
  /** Another one after something was withdrawn: what was stored before is not taken any more. */
  readonly epoch: number;
  /** In order of position, all of one transaction. Returns whether it took them all. */
  take(handed: readonly Handed[]): boolean;
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

  get epoch(): number {
    return this.taker?.epoch ?? 0;
  }

  /** `epoch`: as it was before they were stored. Returns whether all of them were taken: nobody needs to look for them in the outbox now. */
  give(handed: readonly Handed[], epoch: number): boolean {
    return this.taker?.epoch === epoch && this.taker.take(handed);
  }

  /** Returns how to leave again. */
  join(taker: Taker): () => void {
    this.taker = taker;
    return () => (this.taker = undefined);
  }
}

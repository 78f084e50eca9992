import type { Entry, Lease, Result } from '#conversations';
import type { Rate } from './target.js';

/** What came of a dispatch. */
export interface Outcome {
  /** Of the first entries, in order; those without a result are tried again, after `retryMs`. */
  readonly results: readonly Result[];
  readonly retryMs?: number;
  /** What it says of the target: it answered; it did not; nothing. */
  readonly health: 'alive' | 'down' | 'unknown';
  /** Nothing else goes to the target for so long. */
  readonly holdMs?: number;
  /** The target stops until a person acts. */
  readonly pause?: string;
  /** A batch failed for what may be the fault of one of its entries: go on one by one. */
  readonly single?: boolean;
}

/** How a dispatch is to go about it. */
export interface Dispatch {
  readonly lease: Lease;
  readonly signal: AbortSignal;
  /** May it go on to further entries? */
  goesOn(): boolean;
}

/** How entries of one kind reach their targets. */
export interface Route {
  /** May anything go to this target now, from this process? */
  available(id: string): boolean;
  /** Changes when the target's settings do: what was held for its own good goes on. */
  version(id: string): string | undefined;
  /** Targets whose entries only the holder of a lease of their own may dispatch, whatever the partition. */
  bound(): readonly string[];
  isBound(id: string): boolean;
  /** That lease, where this process holds it. */
  boundLease(id: string): Lease | undefined;
  /** Most entries of one dispatch. */
  batch(id: string): number;
  rate(id: string): Rate | null;
  /** Never throws. */
  dispatch(entries: readonly Entry[], how: Dispatch): Promise<Outcome>;
  /** Makes a pause known. */
  pause(id: string, reason: string): Promise<void>;
}

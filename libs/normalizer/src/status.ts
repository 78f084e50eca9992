import type { Failure } from './failure.js';
import type { MessageStatus } from './stream.js';

/** How far a message or one of its units has come. */
export interface Standing {
  readonly status: MessageStatus;
  readonly failure?: Failure | null;
}

/**
 * Place in the lattice `queued < sent < failed (outcome-unknown) < delivered < failed < read`: a receipt proves that what was given
 * up as unknown arrived, and what was read did not fail. `received` (inbound) is below all.
 */
export function rank({ status, failure }: Standing): number {
  if (status === 'failed') return failure?.code === 'outcome-unknown' ? 3 : 5;
  return { received: 0, queued: 1, sent: 2, delivered: 4, read: 6 }[status];
}

/** The standing after a receipt: whichever is higher, so that the order in which receipts arrive does not matter. Ties keep `current`. */
export function higher<A extends Standing, B extends Standing>(current: A, next: B): A | B {
  return rank(next) > rank(current) ? next : current;
}

/** Standing of a message: failed as its worst failed unit, if any failed; else as its lowest unit. Throws `RangeError` without units. */
export function messageStanding<U extends Standing>(units: readonly U[]): U {
  const failed = units.filter((unit) => unit.status === 'failed');
  if (failed.length > 0) return failed.reduce((worst, unit) => (rank(unit) > rank(worst) ? unit : worst));
  if (units.length === 0) throw new RangeError('a message has at least one unit');
  return units.reduce((lowest, unit) => (rank(unit) < rank(lowest) ? unit : lowest));
}

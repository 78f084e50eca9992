import type { Result, Settlement, Settler } from '#conversations';
import { type Failure, FAILURES } from '#normalizer';
import type { Log } from './ports.js';

/** `stale`: another process decides, or nothing is left to settle. `refused`: the database does not take it. The lane waits `waitMs` then. */
export type Settled = { readonly state: 'settled' } | { readonly state: 'stale' | 'refused'; readonly waitMs: number };

/** A lane whose settle affected nothing is looked at again after this. */
const STALE_MS = 100;
/** After so many refusals an entry is given up. */
const MOST_REFUSALS = 5;
const LONGEST_MS = 3_600_000;

/**
 * Writes down what became of entries. The database may refuse a result for what is in it: then its bare form is written, so that what was done is not
 * done again. An entry of which even that is refused waits, longer each time, and is given up at last.
 */
export class Results {
  /** By position. */
  private readonly refusals = new Map<number, number>();

  constructor(private readonly parts: { settler: Pick<Settler, 'settle'>; log: Log; refusedMs: number }) {}

  async settle(settlement: Settlement): Promise<Settled> {
    const { entry, result } = settlement;
    for (const one of [result, bare(result)]) {
      try {
        const done = await this.parts.settler.settle({ ...settlement, result: one });
        this.refusals.delete(entry.position);
        return done ? { state: 'settled' } : { state: 'stale', waitMs: STALE_MS };
      } catch (error) {
        this.parts.log.error({ err: error, entry: entry.itemId }, 'a result could not be stored');
      }
    }
    return this.refused(settlement);
  }

  private async refused(settlement: Settlement): Promise<Settled> {
    const { position, kind } = settlement.entry;
    const count = (this.refusals.get(position) ?? 0) + 1;
    this.refusals.set(position, count);
    const waitMs = Math.min(this.parts.refusedMs * 2 ** (count - 1), LONGEST_MS);
    if (count < MOST_REFUSALS) return { state: 'refused', waitMs };
    const failure = plain('outcome-unknown', 'what became of it could not be stored');
    const result: Result = kind === 'event' ? { kind: 'dead', failure } : { kind: 'unit', status: 'failed', failure };
    const done = await this.parts.settler.settle({ ...settlement, result }).catch(() => undefined);
    if (done === undefined) return { state: 'refused', waitMs };
    this.refusals.delete(position);
    return done ? { state: 'settled' } : { state: 'stale', waitMs: STALE_MS };
  }
}

/** The same result without anything that the other side said. */
function bare(result: Result): Result {
  if (result.kind === 'delivered') return { kind: 'delivered' };
  if ('failure' in result) return { ...result, failure: plain(result.failure.code, 'the reason could not be stored') };
  return result.kind === 'unit' ? { ...result, externalIds: [] } : result;
}

function plain(code: Failure['code'], message: string): Failure {
  const { retryable, owner } = FAILURES[code];
  return { code, message, retryable, owner };
}

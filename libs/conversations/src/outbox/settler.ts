import { type Database, type Statement, isTransient } from '#database';
import { cleanDeep, type Failure } from '#normalizer';
import { Batcher } from './batcher.js';
import type { Entry, Result, Run } from './entry.js';
import type { Lease } from './leases.js';
import { Outbox, type Start } from './outbox.js';

const SETTLE: Statement = { name: 'settle_outbox', text: 'select settle_outbox($1, $2::jsonb) as position' };

/** Longest text of the other side that is kept with a failure. */
const FAILURE_TEXT = 2_000;

/** How long settles that nobody waits for gather: at low load that is most of them, and each statement costs more than what it writes. */
const GATHER_MS = 8;

export interface Settlement {
  readonly entry: Entry;
  readonly lease: Lease;
  readonly result: Result;
  /** Nothing waits for it: its lane is empty. */
  readonly patient?: boolean;
}

/**
 * Writes down what became of entries: settles of many lanes are folded into one statement, and so are starts. A settle is fenced by the lease it is
 * made under. While the database is away a settle waits: the work was done, and its lane must not go on before that is known.
 */
export class Settler {
  private readonly settles: Batcher<Settlement, boolean>;
  /** Entries whose attempt has begun here, until they are settled. */
  private readonly told = new Set<number>();
  private readonly starts: Batcher<{ entry: Entry; lease: Lease }, Start>;

  constructor(
    private readonly database: Database,
    private readonly holder: string,
    signal?: AbortSignal,
  ) {
    const outbox = new Outbox(database);
    const shared = {
      onError: (error: unknown) => (isTransient(error) ? ('again' as const) : ('split' as const)),
      ...(signal && { signal }),
    };
    this.settles = new Batcher({ ...shared, gatherMs: GATHER_MS, work: (batch) => this.write(batch) });
    this.starts = new Batcher({ ...shared, work: (batch) => outbox.start(holder, batch, this.told) });
  }

  /** Resolves once it is committed: false where the lease was lost or the entry is gone, so that nothing was changed. */
  settle(settlement: Settlement): Promise<boolean> {
    return this.settles.add(settlement, settlement.patient);
  }

  /** Commits that an attempt begins: see `Outbox.start`. */
  async start(entry: Entry, lease: Lease): Promise<Start> {
    const start = await this.starts.add({ entry, lease });
    if (start.verdict === 'go') this.told.add(entry.position);
    return start;
  }

  /** Resolves once nothing is waiting to be written. */
  async idle(): Promise<void> {
    await this.starts.idle();
    await this.settles.idle();
  }

  private async write(batch: readonly Settlement[]): Promise<boolean[]> {
    const items = batch.map(({ entry, lease, result }) => ({
      position: entry.position,
      lease: lease.name,
      token: lease.token,
      ...toRow(result),
    }));
    const rows = await this.database.query<{ position: number }>(SETTLE, [this.holder, JSON.stringify(items)]);
    const settled = new Set(rows.map(({ position }) => Number(position)));
    for (const position of settled) this.told.delete(position);
    if (batch.some(({ result }) => result.kind === 'unit')) this.announce(batch);
    return batch.map(({ entry }) => settled.has(entry.position));
  }

  /** A unit's end raises events, and browsers of its thread show it. */
  private announce(batch: readonly Settlement[]): void {
    this.database.hint('outbox');
    this.database.hint('events');
    for (const { entry, result } of batch)
      if (result.kind === 'unit' && entry.unit) this.database.hint('thread', entry.unit.thread.id);
  }
}

function toRow(result: Result): Record<string, unknown> {
  const { kind, ...rest } = result;
  if (kind === 'delivered' && !('reference' in rest)) return { result: kind };
  return cleanDeep({ result: kind, ...rest, ...('failure' in result && { failure: kept(result) }) }) as Record<
    string,
    unknown
  >;
}

/** The failure as it is kept: clipped, and in the outbox with its run. */
function kept(result: Extract<Result, { failure: Failure }>): Failure & { run?: Run } {
  const { failure } = result;
  const message = failure.message.slice(0, FAILURE_TEXT);
  return { ...failure, message, ...(result.kind === 'retry' && result.run && { run: result.run }) };
}

import type { Database, Statement } from '#database';

const FRONT: Statement = {
  name: 'stream_front',
  text: 'select f.*, (select max(position) from erasure) as erased from stream_front() f',
};

/** Positions up to which everything is settled: committed and visible to the next statement, or gone for good. */
export interface Settled {
  readonly outbox: number;
  readonly event: number;
}

interface Front extends Settled {
  readonly writers: string[];
  readonly erased: number | null;
}

/**
 * How far the outbox and the stream can be read without passing over a row that commits late.
 *
 * Positions are handed out by sequences while a transaction runs, so a smaller one may commit after a greater one. Proof that `settled` is safe:
 *
 * 1. A transaction that inserts into a table holds `RowExclusiveLock` on it from before its first row is made (parsing or plan locking comes before
 *    execution, and the position is drawn in execution) until it has ended. An ended transaction is visible to every later snapshot before its locks go.
 * 2. `stream_front()` reads M, the last position handed out, and only then, in a later statement, W, the transactions that hold that lock.
 *    Sequences are not transactional, so M covers everything drawn before. `pg_locks` misses no lock that is held throughout its scan.
 * 3. Let p <= M be drawn by transaction T. It was drawn before W was read, so T either had ended by then or is in W. Once no member of W is found in a
 *    later W', T has ended in both cases: p is committed or will never be.
 * 4. A row read by a statement that begins after that is therefore complete up to M, in the order of positions, whatever commits later.
 *
 * Within a lane, positions are drawn under the lock of the conversation, which is held to the end: there the order of positions is the order of commit.
 *
 * Locks and not transaction ids: a snapshot's xmin is held back by any writer in the whole cluster (an idle session that once wrote elsewhere, another database),
 * and its xmax is one past the last *completed* id, which says nothing of running ones above it. Readers (a backup, a replica) hold back neither.
 * Nothing is stored; a new process asks anew.
 */
export class Horizon {
  private settled: Settled = { outbox: 0, event: 0 };
  private lastErasure = 0;
  private candidate: Front | undefined;
  private asking: Promise<boolean> | undefined;

  constructor(private readonly database: Database) {}

  /** The best that is known. */
  get known(): Settled {
    return this.settled;
  }

  /** Place of the last erasure that was committed when the last question was asked; they commit in order. */
  get erased(): number {
    return this.lastErasure;
  }

  /**
   * Asks the database once and moves forward as far as can be proven. True where everything handed out before the question is settled; false where
   * a writer was under way: ask again in a moment. Calls made while a question is under way share its answer.
   */
  probe(): Promise<boolean> {
    this.asking ??= this.ask().finally(() => (this.asking = undefined));
    return this.asking;
  }

  /** The settled positions, after waiting up to `waitMs` for writers that are under way. */
  async safe(waitMs = 250): Promise<Settled> {
    const end = performance.now() + waitMs;
    let goal: number | undefined;
    for (let pause = 1; ; pause = Math.min(pause * 2, 25)) {
      if ((await this.probe()) || (goal !== undefined && this.settled.event >= goal) || performance.now() > end) break;
      goal ??= this.candidate?.event;
      await new Promise((resolve) => setTimeout(resolve, pause));
    }
    return this.settled;
  }

  private async ask(): Promise<boolean> {
    const [front] = (await this.database.query<Front>(FRONT)) as [Front];
    this.lastErasure = front.erased ?? 0;
    if (front.writers.length === 0) {
      this.candidate = undefined;
      this.advance(front);
      return true;
    }
    if (this.candidate && !this.candidate.writers.some((writer) => front.writers.includes(writer))) {
      this.advance(this.candidate);
      this.candidate = undefined;
    }
    this.candidate ??= front;
    return false;
  }

  /** Forward only: a database that was restored to an earlier state begins with a new process. */
  private advance({ outbox, event }: Settled): void {
    this.settled = { outbox: Math.max(outbox, this.settled.outbox), event: Math.max(event, this.settled.event) };
  }
}

/** A batch failed as a whole: how to go on with it. */
export type Verdict = 'again' | 'split';

export interface BatcherOptions<A, B> {
  /** Does all of them in one go; answers in the order asked. */
  readonly work: (asked: readonly A[]) => Promise<readonly B[]>;
  /** `again`: the moment is to blame, the same batch is tried later. `split`: its content may be, so that each half is tried by itself. */
  readonly onError: (error: unknown) => Verdict;
  readonly max?: number;
  /** How long a batch of patient calls alone gathers before it goes, milliseconds. Default: no longer than others. */
  readonly gatherMs?: number;
  readonly retryMs?: number;
  /** Ends trying again: what waits is then rejected. */
  readonly signal?: AbortSignal;
}

interface Waiting<A, B> {
  readonly asked: A;
  readonly patient: boolean;
  resolve(answer: B): void;
  reject(error: unknown): void;
}

/**
 * Folds calls into batches: while one batch is under way the next one gathers. One flight at a time, in the order of the calls. Only calls that say they are
 * patient wait for others to come.
 */
export class Batcher<A, B> {
  private queue: Waiting<A, B>[] = [];
  private flight: Promise<void> | undefined;
  /** Sends off what gathers. */
  private hurry: (() => void) | undefined;

  constructor(private readonly options: BatcherOptions<A, B>) {}

  /** `patient`: nobody needs the answer at once. */
  add(asked: A, patient = false): Promise<B> {
    return new Promise<B>((resolve, reject) => {
      this.queue.push({ asked, resolve, reject, patient });
      this.flight ??= this.fly();
      if (!patient) this.hurry?.();
    });
  }

  /** Resolves once nothing is under way. */
  async idle(): Promise<void> {
    this.hurry?.();
    while (this.flight) await this.flight;
  }

  private async fly(): Promise<void> {
    await new Promise((resolve) => setImmediate(resolve));
    while (this.queue.length > 0) {
      if (this.options.gatherMs && this.queue.every(({ patient }) => patient)) await this.gather(this.options.gatherMs);
      await this.run(this.queue.splice(0, this.options.max ?? 256));
    }
    this.flight = undefined;
  }

  private async gather(ms: number): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    await new Promise<void>((resolve) => {
      this.hurry = resolve;
      timer = setTimeout(resolve, ms);
    });
    clearTimeout(timer);
    this.hurry = undefined;
  }

  private async run(batch: readonly Waiting<A, B>[]): Promise<void> {
    for (;;) {
      try {
        const answers = await this.options.work(batch.map(({ asked }) => asked));
        batch.forEach((one, index) => one.resolve(answers[index] as B));
        return;
      } catch (error) {
        const again = this.options.onError(error) === 'again' && !this.options.signal?.aborted;
        if (!again) return this.split(batch, error);
        await new Promise((resolve) => setTimeout(resolve, this.options.retryMs ?? 200));
      }
    }
  }

  private async split(batch: readonly Waiting<A, B>[], error: unknown): Promise<void> {
    if (batch.length === 1 || this.options.signal?.aborted) {
      for (const one of batch) one.reject(error);
      return;
    }
    const half = Math.ceil(batch.length / 2);
    await this.run(batch.slice(0, half));
    await this.run(batch.slice(half));
  }
}

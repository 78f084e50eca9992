import { setTimeout as delay } from 'node:timers/promises';
import type { Puppet } from 'wechaty-puppet';

/** The puppet did not answer in time, or nobody waits for its answer any more. */
export class NoAnswer extends Error {
  override readonly name = 'NoAnswer';
}

export interface Patience {
  readonly ms: number;
  readonly signal: AbortSignal;
}

/** Asks the puppet something. Throws `NoAnswer`, and what the puppet throws. */
export type Ask = <T>(work: (puppet: Puppet) => T | Promise<T>) => Promise<T>;

/** Begins `work` and waits for it, `ms` at most and not beyond `signal`: puppets may never answer. Throws `NoAnswer`, and what `work` throws. */
export function within<T>({ ms, signal }: Patience, work: () => T | Promise<T>): Promise<T> {
  if (signal.aborted) return Promise.reject(new NoAnswer('nobody waits for it any more'));
  return new Promise((resolve, reject) => {
    const late = () => end(() => reject(new NoAnswer('it did not answer in time')));
    const timer = setTimeout(late, ms);
    signal.addEventListener('abort', late, { once: true });
    function end(how: () => void): void {
      clearTimeout(timer);
      signal.removeEventListener('abort', late);
      how();
    }
    void Promise.resolve()
      .then(work)
      .then(
        (value) => end(() => resolve(value)),
        (error: unknown) => end(() => reject(error as Error)),
      );
  });
}

const FIRST_WAIT_MS = 250;
const LONGEST_WAIT_MS = 10_000;

/** Does it until it is done, such as while the database is away. Throws what `work` throws once `signal` aborted. */
export async function insist<T>(work: () => Promise<T>, signal: AbortSignal): Promise<T> {
  for (let failures = 1; ; failures += 1) {
    try {
      return await work();
    } catch (error) {
      if (signal.aborted) throw error;
      await pause(failures, signal);
    }
  }
}

/** Waits as long as is fit after so many failures in a row, and not beyond `signal`. */
export async function pause(failures: number, signal: AbortSignal): Promise<void> {
  const ms = Math.min(LONGEST_WAIT_MS, FIRST_WAIT_MS * 2 ** (failures - 1));
  await delay(ms, undefined, { signal }).catch(() => undefined);
}

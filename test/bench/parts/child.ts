import { fork, type ChildProcess } from 'node:child_process';
import { join } from 'node:path';
import { onStop } from './cleanup.js';

type Calls = Record<string, (argument: never) => unknown>;
interface Question {
  readonly n: number;
  readonly name: string;
  readonly argument: unknown;
}
interface Answer {
  readonly n: number;
  readonly value?: unknown;
  readonly error?: string;
}

/** A process of the bench's own that answers calls: what measures does not share a thread with anything. */
export interface Child<C extends Calls> {
  readonly pid: number;
  call<K extends keyof C & string>(name: K, argument: Parameters<C[K]>[0]): Promise<Awaited<ReturnType<C[K]>>>;
  stop(): Promise<void>;
}

/** Starts `<entry>.js`, a path from this folder. It ends with this process. */
export function startChild<C extends Calls>(entry: string, env: Record<string, string> = {}): Child<C> {
  const child = fork(join(import.meta.dirname, `${entry}.js`), {
    serialization: 'advanced',
    env: { ...process.env, ...env },
  });
  const waiting = new Map<number, { resolve(value: unknown): void; reject(error: Error): void }>();
  child.on('message', ({ n, value, error }: Answer) => {
    const call = waiting.get(n);
    waiting.delete(n);
    if (error === undefined) call?.resolve(value);
    else call?.reject(new Error(`${entry}: ${error}`));
  });
  child.once('exit', (code, signal) => {
    for (const call of waiting.values()) call.reject(new Error(`${entry} ended: ${code ?? signal}`));
  });
  let last = 0;
  const stop = onStop(() => ended(child));
  return {
    pid: child.pid!,
    call: (name, argument) =>
      new Promise((resolve, reject) => {
        waiting.set(++last, { resolve: resolve as (value: unknown) => void, reject });
        child.send({ n: last, name, argument } satisfies Question);
      }),
    stop,
  };
}

/** The other side: answers calls until the process that started it is gone. */
export function answer(calls: Calls): void {
  process.once('disconnect', () => process.exit(0));
  process.on('message', ({ n, name, argument }: Question) => {
    void Promise.resolve()
      .then(() => calls[name]!(argument as never))
      .then(
        (value) => ({ n, value }),
        (error: Error) => ({ n, error: error.stack ?? error.message }),
      )
      .then((reply: Answer) => process.send!(reply));
  });
}

async function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = new Promise((resolve) => child.once('exit', resolve));
  child.disconnect();
  await gone;
}

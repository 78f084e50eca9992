import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import type { OpenedFile, Reading, ReadRequest } from './reading.js';

/** What a thread is told, and what it answers: one answer to each task. */
export interface Task {
  readonly source: Uint8Array;
  readonly request: ReadRequest | { readonly task: 'open'; readonly index: number };
}
export type Answer = { readonly value: Reading | OpenedFile | undefined } | { readonly failed: string };

/** What one mail may cost: `ms` where it is small (`timeFor`). */
export interface Limits {
  readonly ms: number;
  readonly memoryMb: number;
}
export const LIMITS: Limits = { ms: 2_000, memoryMb: 256 };

/** A mail that exceeds its limits, or that the parser refuses; why, without a word of the mail. */
export class Unreadable extends Error {
  override readonly name = 'Unreadable';
}

const START_MS = 30_000;
const STARVED = 0.75;
const PATIENCE = 5;

/** A thread that reads one mail at a time. */
export class ReadingThread {
  readonly #worker: Worker;
  readonly #ready: Promise<void>;
  #settle: ((answer: Answer | Error) => void) | undefined;
  #gone: Error | undefined;

  constructor(memoryMb: number) {
    const { file, execArgv } = entry();
    const resourceLimits = { maxOldGenerationSizeMb: memoryMb, maxYoungGenerationSizeMb: 64, stackSizeMb: 4 };
    this.#worker = new Worker(file, { execArgv, resourceLimits, env: {}, stdout: true, stderr: true });
    this.#ready = new Promise((resolve) => this.#worker.once('message', () => resolve()));
    this.#worker.on('message', (answer: Answer | 'ready') => answer !== 'ready' && this.#answer(answer));
    this.#worker.on('error', (error: NodeJS.ErrnoException) => this.#end(reasonOf(error)));
    this.#worker.on('exit', () => this.#end(new Unreadable('the thread ended')));
  }

  get gone(): boolean {
    return this.#gone !== undefined;
  }

  /** Throws `Unreadable`; the thread is gone after the limit of time or memory. */
  async run(task: Task, ms: number): Promise<Reading | OpenedFile | undefined> {
    this.#worker.ref();
    let timer: NodeJS.Timeout | undefined;
    try {
      const answer = await new Promise<Answer | Error>((resolve) => {
        this.#settle = resolve;
        if (this.#gone) return resolve(this.#gone);
        timer = setTimeout(() => this.#end(new Unreadable('the thread did not start')), START_MS);
        void this.#ready.then(() => {
          if (this.#gone) return;
          clearTimeout(timer);
          timer = this.#limit(ms);
          this.#worker.postMessage(task);
        });
      });
      if (answer instanceof Error) throw answer;
      if ('failed' in answer) throw new Unreadable(answer.failed);
      return answer.value;
    } finally {
      clearTimeout(timer);
      this.#worker.unref();
    }
  }

  /** Ends what takes too long. Where the machine gave this process hardly any of its time, the thread had none to take: it has more, within bounds. */
  #limit(ms: number): NodeJS.Timeout {
    const [started, used] = [performance.now(), process.cpuUsage()];
    const timer = setInterval(
      () => {
        const waited = performance.now() - started;
        const { user, system } = process.cpuUsage(used);
        if (waited < ms || ((user + system) / 1_000 < ms * STARVED && waited < ms * PATIENCE)) return;
        this.#end(new Unreadable(`reading took more than ${ms} ms`));
      },
      Math.max(1, ms / 8),
    );
    return timer;
  }

  async stop(): Promise<void> {
    this.#end(new Unreadable('the thread was stopped'));
    await this.#worker.terminate();
  }

  #answer(answer: Answer | Error): void {
    const settle = this.#settle;
    this.#settle = undefined;
    settle?.(answer);
  }

  #end(error: Error): void {
    this.#gone ??= error;
    this.#answer(error);
    void this.#worker.terminate();
  }
}

function reasonOf(error: NodeJS.ErrnoException): Error {
  const memory = error.code === 'ERR_WORKER_OUT_OF_MEMORY';
  return new Unreadable(memory ? 'reading took too much memory' : 'the thread failed');
}

/** The compiled thread, or its source where this very file runs as source. */
function entry(): { readonly file: string; readonly execArgv: string[] } {
  const asSource = import.meta.url.endsWith('.ts');
  return {
    file: fileURLToPath(new URL(`./worker.${asSource ? 'ts' : 'js'}`, import.meta.url)),
    execArgv: asSource ? ['--import', new URL('../testing/typescript.mjs', import.meta.url).href] : [],
  };
}

import { type Duplex } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import { DatabaseUnavailable } from '../errors.js';
import { type EngineReply, type EngineRequest, type EngineStart } from './engine.js';
import { entry } from './entry.js';
import { type SyncPolicy } from './syncing.js';
import { WireStream, type WireServer } from './wire-stream.js';

const STOP_MS = 5_000;
/** After a start that failed (a full disk), the next try waits this long: each costs half a second of work. */
const REST_MS = 1_000;

/**
 * The embedded database in a thread of its own. Should the thread die (a full disk makes Postgres panic), open connections break as
 * they do when a server crashes, and the next connection starts it again, which recovers every commit.
 */
export class EmbeddedServer implements WireServer {
  /** Files put on the disk by the running thread: grows with every commit, unless that is left to the background. */
  syncs = 0;
  readonly #start: EngineStart;
  readonly #log: (message: string) => void;
  readonly #streams = new Map<number, WireStream>();
  readonly #sessions = new WeakMap<WireStream, number>();
  #last = 0;
  #worker: Worker | undefined;
  #starting: Promise<void> | undefined;
  /** Two threads never use one folder: the next one waits for the end of the one before. */
  #ending: Promise<unknown> = Promise.resolve();
  #stopping = false;
  #failed: { readonly error: Error; readonly at: number } | undefined;

  constructor(folder: string, log: (message: string) => void, sync: SyncPolicy = 'commit') {
    this.#start = { folder, sync };
    this.#log = log;
  }

  /** Resolves when the thread answers; throws what Postgres said where it cannot start. */
  start(): Promise<void> {
    if (this.#stopping) return Promise.reject(new DatabaseUnavailable('the embedded one is stopping'));
    if (this.#failed !== undefined && Date.now() - this.#failed.at < REST_MS) return Promise.reject(this.#failed.error);
    this.#starting ??= this.#ending.then(() => this.#launch());
    return this.#starting;
  }

  /** A connection for the `stream` option of `pg`. One at a time: a new one ends the session of the one before. */
  stream(): Duplex {
    return new WireStream(this);
  }

  /** Ends the thread as a power cut would. Committed work is safe; open connections break. */
  async kill(reason = 'it was killed'): Promise<void> {
    const worker = this.#worker;
    if (worker !== undefined) {
      this.#ending = worker.terminate();
      this.#gone(worker, reason);
    }
    await this.#ending;
  }

  /** Shuts Postgres down in order, so that the next start needs no recovery. */
  async stop(): Promise<void> {
    this.#stopping = true;
    const worker = this.#worker;
    if (worker === undefined) return;
    const gone = new Promise<void>((resolve) => worker.once('exit', () => resolve()));
    worker.postMessage('stop' satisfies EngineRequest);
    await Promise.race([gone, delay(STOP_MS, undefined, { ref: false })]);
    await worker.terminate();
  }

  async attach(stream: WireStream): Promise<void> {
    await this.start();
    this.#sessions.set(stream, ++this.#last);
    this.#streams.set(this.#last, stream);
  }

  send(stream: WireStream, bytes: Buffer): void {
    const session = this.#sessions.get(stream);
    if (session === undefined || this.#worker === undefined) return;
    const copy = new Uint8Array(bytes);
    this.#worker.postMessage({ session, bytes: copy } satisfies EngineRequest, [copy.buffer]);
  }

  detach(stream: WireStream, waiting: boolean): void {
    this.#streams.delete(this.#sessions.get(stream) ?? 0);
    if (waiting && !this.#stopping) void this.kill('a statement was given up');
  }

  #launch(): Promise<void> {
    if (this.#stopping) return Promise.reject(new DatabaseUnavailable('the embedded one is stopping'));
    const { file, execArgv } = entry('engine');
    const worker = new Worker(file, { execArgv, workerData: this.#start });
    this.#worker = worker;
    return new Promise((resolve, reject) => {
      let ready = false;
      let reason = 'its thread ended';
      worker.on('error', (error) => (reason = error instanceof Error ? error.message : String(error)));
      worker.on('message', (reply: EngineReply) => {
        if (reply.kind === 'ready') {
          ready = true;
          resolve();
        } else if (reply.kind === 'fatal') reason = reply.reason;
        else this.#deliver(reply);
      });
      worker.once('exit', () => {
        const error = new DatabaseUnavailable(`the embedded one did not start: ${reason}`);
        if (!ready) this.#failed = { error, at: Date.now() };
        this.#gone(worker, reason);
        reject(error);
      });
    });
  }

  #deliver({ session, bytes, syncs }: Extract<EngineReply, { kind: 'answer' }>): void {
    this.syncs = syncs;
    this.#streams.get(session)?.receive(bytes);
  }

  #gone(worker: Worker, reason: string): void {
    if (this.#worker !== worker) return;
    this.#worker = undefined;
    this.#starting = undefined;
    if (this.#stopping) return;
    this.#log(`the embedded database stopped: ${reason}`);
    for (const stream of this.#streams.values())
      stream.destroy(new DatabaseUnavailable(`the embedded one stopped: ${reason}`));
  }
}

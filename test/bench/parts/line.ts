import { connect, type Socket } from 'node:net';
import { HttpFrames } from './http-frames.js';

/** One kept connection with one request under way at a time, no pipelining: as little work per request as Node allows. */
export class Line {
  readonly #socket: Socket;
  readonly #opened: Promise<void>;
  #done: ((status: number, body: Buffer) => void) | undefined;

  constructor(port: number) {
    const frames = new HttpFrames((head, body) => {
      const done = this.#done!;
      this.#done = undefined;
      done(Number(head.slice(9, 12)), body);
    });
    this.#socket = connect({ port, host: '127.0.0.1', noDelay: true });
    this.#socket.on('data', (chunk) => frames.push(chunk));
    this.#opened = new Promise((resolve, reject) => this.#socket.once('connect', resolve).once('error', reject));
    this.#socket.on('error', () => this.#lost()).on('close', () => this.#lost());
  }

  get opened(): Promise<void> {
    return this.#opened;
  }

  /** Writes a whole request; `done` gets the status of its answer, 0 where the connection was lost. */
  post(request: Buffer, done: (status: number, body: Buffer) => void): void {
    this.#done = done;
    if (this.#socket.destroyed) setImmediate(() => this.#lost());
    else this.#socket.write(request);
  }

  close(): void {
    this.#socket.destroy();
  }

  #lost(): void {
    const done = this.#done;
    this.#done = undefined;
    done?.(0, Buffer.alloc(0));
  }
}

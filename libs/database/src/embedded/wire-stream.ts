import { Duplex } from 'node:stream';
import { FrontendFraming, type FrontendStep } from './framing.js';

/** The other end of the wire. */
export interface WireServer {
  /** Resolves when the server listens to `stream`. */
  attach(stream: WireStream): Promise<void>;
  send(stream: WireStream, bytes: Buffer): void;
  /** The stream is gone; `waiting` tells that an answer to it is still being worked on, which nobody will read. */
  detach(stream: WireStream, waiting: boolean): void;
}

/** What `pg` takes for a socket: carries the real wire protocol to a server in another thread. */
export class WireStream extends Duplex {
  readonly #server: WireServer;
  readonly #framing = new FrontendFraming();
  #waiting = 0;

  constructor(server: WireServer) {
    super();
    this.#server = server;
  }

  connect(): this {
    this.#server.attach(this).then(
      () => this.emit('connect'),
      (error: Error) => this.destroy(error),
    );
    return this;
  }

  /** An answer of the server to the oldest unanswered `send`. */
  receive(bytes: Uint8Array): void {
    this.#waiting--;
    if (bytes.length > 0) this.push(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength));
  }

  setNoDelay(): this {
    return this;
  }

  setKeepAlive(): this {
    return this;
  }

  ref(): this {
    return this;
  }

  unref(): this {
    return this;
  }

  override _read(): void {}

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: () => void): void {
    for (const step of this.#framing.push(chunk)) this.#take(step);
    done();
  }

  override _writev(chunks: { chunk: Buffer }[], done: () => void): void {
    this._write(Buffer.concat(chunks.map(({ chunk }) => chunk)), 'binary', done);
  }

  override _final(done: () => void): void {
    this.push(null);
    done();
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    this.#server.detach(this, this.#waiting > 0);
    done(error);
  }

  #take(step: FrontendStep): void {
    if (step === 'encryption-request') this.push('N');
    else if (step !== 'end') {
      this.#waiting++;
      this.#server.send(this, step);
    }
  }
}

/** https://www.postgresql.org/docs/current/protocol-message-formats.html */
const TLS_REQUEST = 80_877_103;
const GSS_REQUEST = 80_877_104;
const CANCEL_REQUEST = 80_877_102;

/** Messages after which the server answers: Query, Sync, Flush, CopyDone, CopyFail. */
const TURNS = new Set([...'QSHcf'].map((letter) => letter.charCodeAt(0)));
const TERMINATE = 'X'.charCodeAt(0);
const QUERY = 'Q'.charCodeAt(0);
const COPY_DATA = 'd'.charCodeAt(0);

/** One step of the client: bytes that the server can answer, or something that it need not see. */
export type FrontendStep = Buffer | 'encryption-request' | 'end';

/** Cuts what a Postgres client sends into pieces that end where it waits for an answer. */
export class FrontendFraming {
  #held: Buffer = Buffer.alloc(0);
  #scanned = 0;
  #started = false;

  push(bytes: Buffer): FrontendStep[] {
    this.#held = this.#held.length === 0 ? bytes : Buffer.concat([this.#held, bytes]);
    const steps: FrontendStep[] = [];
    for (let step = this.#next(); step !== undefined; step = this.#next()) steps.push(step);
    return steps;
  }

  #next(): FrontendStep | undefined {
    if (!this.#started) return this.#startup();
    while (this.#held.length >= this.#scanned + 5) {
      const kind = this.#held[this.#scanned]!;
      const end = this.#scanned + 1 + this.#held.readInt32BE(this.#scanned + 1);
      if (this.#held.length < end) return undefined;
      this.#scanned = end;
      if (kind === TERMINATE) {
        this.#take();
        return 'end';
      }
      if (TURNS.has(kind) && !this.#bringsRows(kind)) return this.#take();
    }
    return undefined;
  }

  /** A query that the rows of its COPY follow at once is taken together with them: the embedded server reads them then or never. */
  #bringsRows(kind: number): boolean {
    return kind === QUERY && this.#held[this.#scanned] === COPY_DATA;
  }

  /** The first message has no kind, only its length and a code. */
  #startup(): FrontendStep | undefined {
    if (this.#held.length < 8 || this.#held.length < this.#held.readInt32BE(0)) return undefined;
    this.#scanned = this.#held.readInt32BE(0);
    const code = this.#held.readInt32BE(4);
    const message = this.#take();
    if (code === TLS_REQUEST || code === GSS_REQUEST) return 'encryption-request';
    if (code === CANCEL_REQUEST) return 'end';
    this.#started = true;
    return message;
  }

  #take(): Buffer {
    const taken = this.#held.subarray(0, this.#scanned);
    this.#held = this.#held.subarray(this.#scanned);
    this.#scanned = 0;
    return taken;
  }
}

import type { Readable } from 'node:stream';

/** A request, ready to be written. */
export interface Call {
  readonly method: string;
  readonly url: URL;
  readonly headers: Record<string, string>;
  readonly body: Buffer | undefined;
  readonly stop: Stop;
  /** Must be called before the first byte of the request is written: from then on the other side may have it. */
  written(): void;
  /** Must be called when the head of the answer is there. */
  answered(): void;
}

export interface Head {
  readonly status: number;
  readonly headers: Record<string, string>;
}

/** An answer whose body is read as it comes. Destroying the stream must discard the connection. */
export interface Answer extends Head {
  readonly stream: Readable;
}

/** An answer in memory. Of a body larger than was asked for only the beginning is there, and the connection was discarded: `cut`. */
export interface WholeAnswer extends Head {
  readonly body: Buffer;
  readonly cut: boolean;
}

/** What makes the exchange: resolves whatever the answer's status; never follows, retries or decompresses. */
export interface Engine {
  open(call: Call): Promise<Answer>;
  /** Reads at most `max` bytes of the body. */
  whole(call: Call, max: number): Promise<WholeAnswer>;
  close(): Promise<void>;
}

/** Ends an exchange from outside. Does what an `AbortController` does, at a fraction of its cost: every delivery has one. */
export class Stop {
  /** Why it was ended, if it was. */
  reason?: Error;
  private onStop?: ((reason: Error) => void) | undefined;

  /** Only the first reason counts. */
  now(reason: Error): void {
    if (this.reason) return;
    this.reason = reason;
    this.onStop?.(reason);
  }

  /** Who ends it, in place of who did so far; called at once where it is ended already. */
  by(end: ((reason: Error) => void) | undefined): void {
    this.onStop = end;
    if (this.reason) end?.(this.reason);
  }
}

/** Header values as single strings: repeated ones joined by `, `. */
export function flatHeaders(headers: Readonly<Record<string, unknown>>): Record<string, string> {
  const flat: Record<string, string> = {};
  for (const [name, value] of Object.entries(headers)) {
    if (value != null) flat[name.toLowerCase()] = Array.isArray(value) ? value.join(', ') : String(value);
  }
  return flat;
}

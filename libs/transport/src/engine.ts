import type { Readable } from 'node:stream';

/** A request, ready to be written. */
export interface Call {
  readonly method: string;
  readonly url: URL;
  readonly headers: Record<string, string>;
  readonly body: Buffer | undefined;
  readonly signal: AbortSignal;
  /** Must be called before the first byte of the request is written: from then on the other side may have it. */
  written(): void;
}

/** The head of an answer, and its body as it comes. Destroying the stream must discard the connection. */
export interface Answer {
  readonly status: number;
  readonly headers: Record<string, string>;
  readonly stream: Readable;
}

/** What makes the exchange: resolves with the answer's head whatever its status; never follows, retries or decompresses. */
export interface Engine {
  open(call: Call): Promise<Answer>;
  close(): Promise<void>;
}

/** Header values as single strings: repeated ones joined by `, `. */
export function flatHeaders(headers: Readonly<Record<string, unknown>>): Record<string, string> {
  const flat: Record<string, string> = {};
  for (const [name, value] of Object.entries(headers)) {
    if (value != null) flat[name.toLowerCase()] = Array.isArray(value) ? value.join(', ') : String(value);
  }
  return flat;
}

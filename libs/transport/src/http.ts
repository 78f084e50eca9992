import type { Readable } from 'node:stream';

/** One request to a provider. `body` is sent as JSON unless it is a string, a Buffer, URLSearchParams or FormData. */
export interface HttpRequest {
  readonly method?: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  readonly url: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly query?: Readonly<Record<string, string>>;
  readonly body?: unknown;
  /** Milliseconds in all, for this request alone. Default: 15 s until the answer begins and 20 s in all (`stream`: 5 min). */
  readonly timeoutMs?: number;
  /** Largest answer, bytes. Default 1 MiB (`stream`: 100 MiB). */
  readonly maxBytes?: number;
  /** What an answer beyond `maxBytes` is: `reply-unreadable` (default), or read only so far. */
  readonly overflow?: 'fail' | 'cut';
  /** Gives up when it aborts; what that means for the request is told as with a time-out. */
  readonly signal?: AbortSignal;
}

export interface HttpResponse {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
  /** The body as JSON; throws `ProviderFailure('reply-unreadable')` where it is none. */
  json<T = unknown>(): T;
  text(): string;
}

export interface HttpStream {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly stream: Readable;
}

/**
 * HTTP as adapters and connectors see it. Any status is returned, none throws. What throws is a `ProviderFailure`: `unavailable` where
 * certainly nothing was handed over (refused, unresolved), `config-invalid` for a blocked address or a URL that is none, and
 * `outcome-unknown` where the request was written and no complete answer came. Redirects are not followed.
 */
export interface Http {
  request(request: HttpRequest): Promise<HttpResponse>;
  /** The same, with the body as a stream (media). `maxBytes` and the time are enforced while reading. */
  stream(request: HttpRequest): Promise<HttpStream>;
}

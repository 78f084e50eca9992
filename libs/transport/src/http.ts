/** One request to a provider. `body` is sent as JSON unless it is a string, a Buffer, URLSearchParams or FormData. */
export interface HttpRequest {
  readonly method?: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  readonly url: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly query?: Readonly<Record<string, string>>;
  readonly body?: unknown;
  readonly timeoutMs?: number;
  readonly maxBytes?: number;
}

export interface HttpResponse {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
  /** The body as JSON; throws `ProviderFailure('reply-unreadable')` where it is none. */
  json<T = unknown>(): T;
  text(): string;
}

/**
 * HTTP as adapters and connectors see it. Any status is returned, none throws. What throws is a `ProviderFailure`: `unavailable` where
 * certainly nothing was handed over (refused, unresolved, blocked address: `config-invalid`), `outcome-unknown` where the request
 * was written and no complete answer came. Redirects are not followed.
 */
export interface Http {
  request(request: HttpRequest): Promise<HttpResponse>;
  /** The same, with the body as a stream (media). `maxBytes` is enforced while reading. */
  stream(
    request: HttpRequest,
  ): Promise<{ status: number; headers: Readonly<Record<string, string>>; stream: import('node:stream').Readable }>;
}

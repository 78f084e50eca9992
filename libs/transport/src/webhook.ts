import type { Readable } from 'node:stream';

declare const verified: unique symbol;

/** A provider's request as it came, with nothing interpreted. */
export interface RawRequest {
  readonly method: 'GET' | 'POST';
  /** Path below `/channels/{accountId}`, without the leading slash; empty for the account's own address. */
  readonly subPath: string;
  readonly query: URLSearchParams;
  /** The query letter by letter, without its question mark: for providers that sign the address as they wrote it. */
  readonly search?: string;
  /** Lower-case names; repeated headers joined by `, `. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
  readonly remoteAddress: string;
}

/** A request whose `verify` said accept. Only `receive` puts the brand on. */
export type VerifiedRequest = RawRequest & { readonly [verified]: true };

export interface ReplyToProvider {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
}

/** Thrown by `parse`: the request is genuine, but not of the documented form. Answered 400 with its message, which names what was
 * expected and quotes nothing. */
export class MalformedRequest extends Error {
  override readonly name = 'MalformedRequest';
}

/** `challenge` answers the provider's endpoint test and goes no further; `reject.reason` is logged, never sent. */
export type Verdict =
  | { readonly kind: 'accept' }
  | { readonly kind: 'challenge'; readonly reply: ReplyToProvider }
  | { readonly kind: 'reject'; readonly reason: string };

/** An endpoint that the outside calls: the two steps that adapters and connectors write. */
export interface Endpoint<Context, Parsed> {
  verify(request: RawRequest, ctx: Context): Verdict;
  parse(request: VerifiedRequest, ctx: Context): Parsed;
}

export type Received<Parsed> =
  Exclude<Verdict, { kind: 'accept' }> | { readonly kind: 'parsed'; readonly parsed: Parsed };

/** The one way from a raw request to parsed data: `verify` first, and `parse` only after its accept. A throwing `verify` is a reject. */
export function receive<Context, Parsed>(
  endpoint: Endpoint<Context, Parsed>,
  request: RawRequest,
  ctx: Context,
): Received<Parsed> {
  const verdict = verifySafely(endpoint, request, ctx);
  return verdict.kind === 'accept'
    ? { kind: 'parsed', parsed: endpoint.parse(request as VerifiedRequest, ctx) }
    : verdict;
}

function verifySafely<Context, Parsed>(
  endpoint: Endpoint<Context, Parsed>,
  request: RawRequest,
  ctx: Context,
): Verdict {
  try {
    return endpoint.verify(request, ctx);
  } catch (error) {
    return { kind: 'reject', reason: `verification failed: ${error instanceof Error ? error.name : 'error'}` };
  }
}

/** What "test these credentials" answers. */
export interface Health {
  readonly ok: boolean;
  /** One sentence for the operator; on failure it says what to do. */
  readonly detail: string;
}

/** Bytes on their way, with what is known of them. */
export interface MediaStream {
  readonly stream: Readable;
  readonly mimeType?: string;
  readonly bytes?: number;
  readonly name?: string;
}

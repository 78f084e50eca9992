import type { FailureCode, Handle, InboundEventInput } from '#normalizer';
import type { RawRequest } from '#transport';
import type { FakeAnswer, FakeProvider, LoggedRequest, Responder, Waiver } from '#transport/testing';
import type { ChannelAdapter, VerifyContext } from '../core/adapter.js';
import type { FitMessage } from '../core/fit.js';

/** One account of the adapter under test. The two samples must differ in every secret and in every address. */
export interface AccountSample {
  readonly id: string;
  /** Settings whose `apiBase` (or what the adapter calls) is `base`, the root of a fake provider. */
  config(base: string): Record<string, unknown>;
}

/** A recorded request and what must come of it: events, or the answer to the provider's endpoint test. */
export interface InboundCase {
  readonly name: string;
  readonly request: RawRequest;
  readonly events?: readonly InboundEventInput[];
  readonly challenge?: { readonly status: number; readonly body?: string };
  /** What the provider is answered once the events are stored, as `msg_1`, `msg_2`, ... Default: any 2xx. */
  readonly reply?: { readonly status: number; readonly body?: string };
}

/** A poll from a cursor against a scripted provider, and what must come of it. */
export interface PollCase {
  readonly name: string;
  readonly cursor: string | null;
  readonly provider: Responder;
  readonly events: readonly InboundEventInput[];
  readonly next: string;
}

/** A provider that speaks another protocol than HTTP. What it is asked it logs as requests, and what it is to answer it is told, in the words of HTTP. */
export interface SocketProvider extends FakeProvider {
  /** Says these octets to whoever is connected; resolves with whether they were acknowledged, with false too where the connection ended. */
  say(octets: Buffer): Promise<boolean>;
  /** Tears all connections down, as a power cut would. */
  cut(): void;
}

/** What the provider says over the connection, piece by piece, and what must come of it. A `dedupeKey` that ends in `*` stands for all that begin so. */
export interface SocketCase {
  readonly name: string;
  readonly says: readonly Buffer[];
  readonly events: readonly InboundEventInput[];
}

/** A message and the provider requests that must carry it, in order; `fit()` makes its units. */
export interface OutboundCase {
  readonly name: string;
  readonly message: FitMessage;
  readonly requests: readonly ExpectedRequest[];
  /** Ids that the provider's answers gave, unit by unit. */
  readonly externalIds?: readonly (readonly string[])[];
}

/** What must hold of a request; what is not named is free. Exactly one of `json`, `form` and `body` where there is a body. */
export interface ExpectedRequest {
  readonly method?: string;
  readonly path?: string;
  readonly query?: Readonly<Record<string, string>>;
  readonly headers?: Readonly<Record<string, string>>;
  readonly json?: unknown;
  readonly form?: Readonly<Record<string, string>>;
  readonly body?: string;
}

/** A documented refusal that comes with HTTP 200, and the failure that it is. */
export interface Refusal {
  readonly name: string;
  readonly answer: FakeAnswer;
  readonly code: FailureCode;
}

/** What the conformance suite needs to know of an adapter. Nothing here switches a check off; `waivers` do, with a reason. */
export interface ChannelSubject<C = unknown> {
  readonly adapter: ChannelAdapter<C>;
  readonly accounts: readonly [AccountSample, AccountSample];
  /** The suite's clock, milliseconds: when the fixtures were recorded. */
  readonly now: number;
  /** Signs a request, of whatever body, as the provider does for this account at `ctx.now`. Required where the guard is `signature`. */
  sign?(request: RawRequest, ctx: VerifyContext<C>): RawRequest;
  readonly inbound: readonly InboundCase[];
  readonly polls?: readonly PollCase[];
  /** Two messages of one sender with the same text, that are not the same message. Required where there is a webhook. */
  readonly twins?: readonly [RawRequest, RawRequest];
  /** The other end of a socket, started on loopback at `url`: the provider of all checks. */
  provide?(responder: Responder): Promise<SocketProvider>;
  readonly socketCases?: readonly SocketCase[];
  /** Something that is said twice on purpose, as when a person writes the same again. */
  readonly socketTwins?: readonly [Buffer, Buffer];
  readonly outbound: readonly OutboundCase[];
  /** The provider when all is well. */
  readonly provider: Responder;
  /** Is this the request that hands a message over (and not one for a token)? Default: every request. */
  isSend?(request: LoggedRequest): boolean;
  readonly refusals: readonly Refusal[];
  /** Where units go. Default: thread and handles of the first inbound message. */
  readonly thread?: { readonly externalId: string; readonly handles: readonly Handle[] };
  readonly waivers?: readonly Waiver[];
}

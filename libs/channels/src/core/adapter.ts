import type { FittedUnit, Handle, InboundEventInput, OutboundUnit, Part, ThreadRef } from '#normalizer';
import type { Dial, Endpoint, Health, Http, MediaStream, OwnValues, ReplyToProvider } from '#transport';
import type { z } from 'zod';
import type { Capabilities } from './capabilities.js';

/** The settings of one account as a zod object. Every member has a description; secrets are marked by `secret()`. */
export type ConfigSchema<C> = z.ZodType<C>;

/**
 * A channel: a plain, stateless object. One folder, one list entry, one conformance row. It touches nothing but its context:
 * no framework, no database, no environment, no clock of its own.
 *
 * `C` is the account's parsed settings, `S` the live session of a socket channel.
 */
export interface ChannelAdapter<C = unknown, S = never> {
  /** Folder, URL segment and config key at once; kebab-case, e.g. `wechat-official`. */
  readonly type: string;
  /** Name for people, e.g. `WeChat Official Account`. */
  readonly title: string;
  /** Settings of one account. Parsed before any other member is called; a throw here stops the account, not the gateway. */
  readonly config: ConfigSchema<C>;
  /** What whoever sets an account up must know first, such as that the provider does not allow it. Shown by `GET /v1/channels`. */
  readonly notice?: string;
  /** What the provider can do, as data. The conformance suite checks every entry against behaviour, both ways. */
  readonly capabilities: Capabilities;
  /**
   * What this very account can do, where its settings decide: `capabilities`, narrowed; and to `to` (the thread's `externalId`), where recipients differ, as those
   * abroad do. Pure. Ask by the function `capabilitiesOf`.
   */
  capabilitiesOf?(config: C, to?: string): Capabilities;
  /**
   * Throws `ProviderFailure` for what cannot go to `to` whatever the provider says, such as text where only templates are let through: asked before anything is
   * queued. `send` refuses the same. Pure.
   */
  admit?(unit: FittedUnit, to: string, config: C): void;
  /** Of a part whose level is `full`: can this very one travel as it is? What cannot falls back, as at `fallback`. Pure. Default: yes. */
  native?(part: Part): boolean;
  /** How customers' messages come in; at least one way. `hosted`: the gateway itself is the provider (web chat). */
  readonly ingress: {
    readonly webhook?: WebhookIngress<C>;
    readonly poll?: PollIngress<C>;
    readonly socket?: SocketIngress<C, S>;
    readonly hosted?: true;
  };
  /** Default of the account's `continuity` (CONTRACT section 4). */
  readonly continuity: 'contact' | 'thread';
  /**
   * Sends exactly one provider message. Called once per unit, in lane order. Must not split, render, retry or sleep: core did or
   * will. Returns the provider's ids; throws `ProviderFailure`. Any other throw after the request was written is taken as
   * `outcome-unknown`. Absent only on `hosted` channels, whose units are sent when they are committed.
   */
  send?(unit: OutboundUnit, ctx: AdapterContext<C, S>): Promise<SendReceipt>;
  /** "Test these credentials": asks the provider something harmless and answers in words a person can act on. Never throws. */
  check?(ctx: AdapterContext<C, S>): Promise<Health>;
  /** Opens the bytes behind `part.ref` of a pending media part. Throws `ProviderFailure`. Called after commit, retried. */
  fetchMedia?(ref: string, ctx: AdapterContext<C, S>): Promise<MediaStream>;
  /** By which further handles the provider knows a person who wrote, such as a unionid, and by what name. Called after commit, best effort, once a day. */
  profile?(handle: Handle, ctx: AdapterContext<C, S>): Promise<Profile>;
  /** Shows or hides "is typing" to the customer. Best effort; a throw is logged. Paired with `capabilities.typing`. */
  typing?(thread: ThreadRef, on: boolean, ctx: AdapterContext<C, S>): Promise<void>;
  /** Tells the provider that the customer's messages were read. Best effort. Paired with `capabilities.markRead`. */
  markRead?(thread: ThreadRef, externalId: string, ctx: AdapterContext<C, S>): Promise<void>;
}

/** What a provider vouches for of a person: never a handle that the person only claims. */
export interface Profile {
  readonly handles: readonly Handle[];
  /** What they call themselves there, for a contact that has no name yet. */
  readonly name?: string;
}

/** What an account can do, to one recipient where that is named (`ChannelAdapter.capabilitiesOf`). */
export function capabilitiesOf(
  {
    adapter,
    config,
  }: {
    readonly adapter: Pick<ChannelAdapter<unknown, unknown>, 'capabilities' | 'capabilitiesOf'>;
    readonly config: unknown;
  },
  to?: string,
): Capabilities {
  return adapter.capabilitiesOf?.(config, to) ?? adapter.capabilities;
}

/** What the provider calls. `verify` cannot be skipped: only core can make the `VerifiedRequest` that `parse` takes. */
export interface WebhookIngress<C> extends Endpoint<VerifyContext<C>, ParsedRequest> {
  /** What guards the endpoint. `secret-path`: the provider signs nothing, so core demands the account's path secret (404 without). */
  readonly guard: 'signature' | 'secret-path';
  /** Largest body taken, in bytes; more is 413 before `verify` is called. */
  readonly maxBytes: number;
  // verify: is this request genuine? Pure, constant-time in the secret; parses no more of the body than the signature needs.
  // parse: what does it say? Pure: request in, data out. Throws only `MalformedRequest`.
}

export interface VerifyContext<C> {
  readonly accountId: string;
  readonly config: C;
  /** The configured public URL of this request, without the query: never taken from the Host header. */
  readonly publicUrl: string;
  /** Country (ISO 3166) of phone numbers that are written without their country code, where the account does not say. */
  readonly defaultCountry?: string | undefined;
  /** Now, milliseconds since the epoch. */
  readonly now: number;
}

export interface ParsedRequest {
  readonly events: readonly InboundEventInput[];
  /** What the provider wants to hear once the events are committed. Default: 200, empty. May depend on the stored ids. */
  readonly reply?: ReplyToProvider | ((stored: readonly StoredEvent[]) => ReplyToProvider);
  /** The callback only announces: poll this account now. A text is told to the poll (`Announcement`). */
  readonly wake?: boolean | string;
}

/** What the last callback said that announced something: a token of short life, say. Kept in memory: a poll must do without. */
export interface Announcement {
  readonly said: string;
  /** When, milliseconds since the epoch. */
  readonly at: number;
}

/** What became of an inbound event: `id` of the message (or event) it is, also when it had been stored before. */
export interface StoredEvent {
  readonly dedupeKey: string;
  readonly id: string | null;
  readonly duplicate: boolean;
}

/** Asked at intervals. The returned cursor is committed in the same transaction as the last of its events, never earlier. */
export interface PollIngress<C> {
  readonly everyMs: number;
  /** Is this account to be asked at all? Default: every one. Pure. */
  wanted?(config: C): boolean;
  poll(
    cursor: string | null,
    ctx: AdapterContext<C>,
    announced?: Announcement,
  ): Promise<{ events: InboundEventInput[]; cursor: string; more?: boolean }>;
}

/** Held open by one process at a time. `emit` resolves after commit: acknowledge upstream only then. */
export interface SocketIngress<C, S> {
  /** Does sending need this very socket (SMPP, wechaty)? Then units are sent only by the process that holds it. */
  readonly sends: boolean;
  /** Connects and returns the session. `ctx.signal` aborts it; a lost connection ends by `ctx.lost(error)`, core reconnects. */
  open(emit: Emit, ctx: SocketContext<C>): Promise<S>;
  close(session: S): Promise<void>;
}

/** What a connection has besides: ways to tell how it stands. */
export interface SocketContext<C> extends AdapterContext<C> {
  /** The position that was committed last by `emit`; null before the first one. */
  readonly cursor: string | null;
  /** The connection is gone: it is closed and opened anew. */
  lost(error: Error): void;
  /**
   * How it stands, while it is being opened or is open. Core itself says `connected` once it is open, unless this did. Never rejects; resolves with whether it
   * is stored: what could not be is reported again by whoever cannot do without.
   */
  report(standing: Standing): Promise<boolean>;
}

/** How an account's connection stands, in words. Neither `detail` nor `action` holds a secret: they are logged and told to ticket systems. */
export interface Standing {
  readonly state: 'connected' | 'degraded' | 'disconnected';
  readonly detail: string;
  /** What a person must do; null where nothing is. */
  readonly action: string | null;
  /** From when to when (ISO 8601) messages may have been missed for good. It is told by an event of its own, also where the state stays what it was. */
  readonly gap?: { readonly from: string; readonly to: string };
  /** What that person needs for it and nobody else may see, such as the address of a login code: shown by the API alone, in no log and no event. */
  readonly link?: string;
}

/** Stores events; resolves after the commit. `cursor`: the place in the provider's stream that is reached with them, committed together with them. */
export type Emit = (events: InboundEventInput[], cursor?: string) => Promise<readonly StoredEvent[]>;

/** Everything that an adapter may touch. */
export interface AdapterContext<C, S = never> extends OwnValues {
  readonly accountId: string;
  readonly config: C;
  readonly session: S;
  /** Where the account's callbacks come in: its public address, with the path secret where that guards it. */
  readonly callbackUrl: string;
  /** HTTP to the provider: traced with secrets redacted, limited in time and size, guarded against private addresses. */
  readonly http: Http;
  /** Connections for other protocols, with TLS or without: the same guard. */
  readonly dial: Dial;
  /** Messages of this account by the names that the provider gave them, as they are stored by now; names that none has are left out. At most 1,000 names. */
  known(externalIds: readonly string[]): Promise<readonly KnownMessage[]>;
  /** Opens a stored file to send its bytes. */
  openFile(fileId: string): Promise<MediaStream>;
  /** A signed URL under which the provider itself can fetch a stored file for an hour, or whoever it is given to for so many seconds. */
  fileUrl(fileId: string, seconds?: number): string;
  readonly now: () => number;
  readonly signal: AbortSignal;
}

/** A message that is stored. */
export interface KnownMessage {
  readonly externalId: string;
  readonly direction: 'inbound' | 'outbound';
  /** The provider's own name of its thread, and whose that is, with what proof. */
  readonly thread: string;
  readonly handles: readonly Handle[];
  /** When it was stored, milliseconds since the epoch. */
  readonly at: number;
}

/** The provider's ids of what was sent; the first one is what its receipts name. */
export interface SendReceipt {
  readonly externalIds: readonly string[];
  /** Set where the provider's answer already says more than "taken". */
  readonly status?: 'sent' | 'delivered';
}

import type { Dial, Endpoint, Health, Http, MediaStream, ReplyToProvider } from '#transport';
import type { ReplyInput, StreamEvent } from '#normalizer';
import type { z } from 'zod';

/** What a ticket system can take, as data. */
export interface ConnectorCapabilities {
  /** Does it take every event as it is (`stream`), or does it keep tickets (`tickets`)? */
  readonly kind: 'stream' | 'tickets';
  /** Most events of one call; they are of one lane, in order. */
  readonly batch: number;
  /** Answers come by callback, by poll, or by our own API only. */
  readonly replies: readonly ('api' | 'callback' | 'poll')[];
  /** Largest attachment it takes, bytes; 0: links only. */
  readonly maxAttachmentBytes: number;
}

/** A ticket system: the same shape as a channel, the other way round. `C` is the destination's parsed settings. */
export interface HelpdeskConnector<C = unknown> {
  readonly type: string;
  readonly title: string;
  readonly config: z.ZodType<C>;
  readonly capabilities: ConnectorCapabilities;
  /**
   * Hands over events of one lane, in order, at most `capabilities.batch`. Resolves once the system has taken all of them. Throws
   * `ProviderFailure`, or `DeliveryRefused` where the HTTP status decides. May be called again with the same events: must be idempotent
   * by event id wherever the system lets it.
   */
  deliver(events: readonly StreamEvent[], ctx: ConnectorContext<C>): Promise<DeliveryReceipt>;
  readonly callback?: Endpoint<ConnectorVerifyContext<C>, ParsedCallback> & { readonly maxBytes: number };
  readonly poll?: {
    readonly everyMs: number;
    poll(cursor: string | null, ctx: ConnectorContext<C>): Promise<{ actions: HelpdeskAction[]; cursor: string }>;
  };
  check?(ctx: ConnectorContext<C>): Promise<Health>;
}

export interface ConnectorVerifyContext<C> {
  readonly destinationId: string;
  readonly config: C;
  readonly publicUrl: string;
  readonly now: number;
}

/** What an agent did in the ticket system. `dedupeKey` names it within the destination. */
export type HelpdeskAction =
  | { readonly kind: 'reply'; readonly dedupeKey: string; readonly ticketId: string; readonly reply: ReplyInput }
  | {
      readonly kind: 'status';
      readonly dedupeKey: string;
      readonly ticketId: string;
      readonly status: 'open' | 'pending' | 'closed';
    };

export interface ParsedCallback {
  readonly actions: readonly HelpdeskAction[];
  readonly reply?: ReplyToProvider;
  readonly wake?: boolean;
}

export interface ConnectorContext<C> {
  readonly destinationId: string;
  readonly config: C;
  readonly http: Http;
  /** Opens a connection for another protocol than HTTP, under the same rules of the network. */
  readonly dial: Dial;
  /**
   * What is kept open for this destination beyond one call, such as a connection: made by `open` at the first call, the same at every
   * further one. It is closed when the settings of the destination change, when it is removed, and when the process stops.
   */
  hold<T extends Held>(open: () => T): T;
  /** Is this the replay of an event that was delivered or parked before? */
  readonly replay: boolean;
  /** Secrets that sign, newest first: two while a secret is being rotated. Empty for connectors that do not sign. */
  readonly signingSecrets: readonly string[];
  openFile(fileId: string): Promise<MediaStream>;
  readonly now: () => number;
  readonly signal: AbortSignal;
}

/** What `hold` keeps. `close` lets what is under way end, but not for long, and never throws. */
export interface Held {
  close(): Promise<void>;
}

export interface DeliveryReceipt {
  /** The ticket that the events' conversation is, where the system said so. */
  readonly reference?: { readonly ticketId: string; readonly url?: string | null };
}

/** The ticket system answered with a status that is no success. The relay's retry table reads the status. */
export class DeliveryRefused extends Error {
  override readonly name = 'DeliveryRefused';
  constructor(
    readonly status: number,
    message: string,
    readonly retryAfterMs?: number,
  ) {
    super(message);
  }
}

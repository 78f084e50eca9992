import type { Dial, Endpoint, Health, Http, MediaStream, OwnValues, ReplyToProvider } from '#transport';
import type { Contact, Failure, ReplyInput, StreamEvent } from '#normalizer';
import type { z } from 'zod';

/** What a ticket system can take, as data. */
export interface ConnectorCapabilities {
  /** Does it take every event as it is (`stream`), or does it keep tickets (`tickets`)? */
  readonly kind: 'stream' | 'tickets';
  /** Most events of one call; they are of one lane, in order. */
  readonly batch: number;
  /** How long an event is held back so that those that follow it go with it, milliseconds: for systems that count updates. Default: not at all. */
  readonly gatherMs?: number;
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
    /** What agents did since `cursor`; null: from now on. `more`: ask again at once. Actions are carried out before the cursor is kept, each once. */
    poll(cursor: string | null, ctx: ConnectorContext<C>): Promise<HelpdeskPage>;
  };
  /** Opens a file of an answer, by its `ref`, with the destination's credentials. Throws `ProviderFailure`. */
  openFile?(ref: string, ctx: ConnectorContext<C>): Promise<MediaStream>;
  /**
   * What of these events of one conversation, which were all handed over, its ticket lacks. Null where the system has no ticket for them. Only
   * connectors whose system can be asked have it.
   */
  missing?(
    events: readonly StreamEvent[],
    ctx: ConnectorContext<C>,
  ): Promise<{ ticketId: string; ids: string[] } | null>;
  /** "Test this destination": answers in words a person can act on. Never throws. */
  check?(ctx: ConnectorContext<C>): Promise<Health>;
}

export interface ConnectorVerifyContext<C> {
  readonly destinationId: string;
  readonly config: C;
  readonly publicUrl: string;
  readonly now: number;
}

export interface HelpdeskPage {
  readonly actions: readonly HelpdeskAction[];
  readonly cursor: string;
  readonly more?: boolean;
}

/** A file of an agent's answer, still in the ticket system: `openFile` fetches it. */
export interface AnswerFile {
  readonly ref: string;
  readonly name?: string;
  readonly mimeType?: string;
}

interface Action {
  /** Names what was done within the destination: the same always has the same key. */
  readonly dedupeKey: string;
  readonly ticketId: string;
  /** The conversation, where the ticket itself says so: taken where no ticket of this id is known. */
  readonly conversationId?: string;
}

/** What an agent did in the ticket system, or the system itself. An answer of files alone has neither `text` nor `parts`. */
export type HelpdeskAction =
  | (Action & {
      readonly kind: 'reply';
      readonly reply: ReplyInput;
      readonly files?: readonly AnswerFile[];
      /** Why it may not be sent: it is kept as an answer that failed, and thus told to whoever wrote it. */
      readonly refusal?: Pick<Failure, 'code' | 'message'>;
    })
  /** What was handed over and did not arrive after all: the event becomes a dead letter. */
  | (Action & {
      readonly kind: 'undelivered';
      readonly eventId: string;
      readonly failure: Pick<Failure, 'code' | 'message'>;
    })
  | (Action & { readonly kind: 'status'; readonly status: 'open' | 'pending' | 'closed' });

export interface ParsedCallback {
  readonly actions: readonly HelpdeskAction[];
  readonly reply?: ReplyToProvider;
  readonly wake?: boolean;
}

export interface ConnectorContext<C> extends OwnValues {
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
  /** May the system hold some of the events already? An earlier attempt did not end here, or somebody else made it, or it is a replay. */
  readonly unsure: boolean;
  /** The ticket that a conversation is now for this destination. Events are snapshots: what they say of it may be old. */
  reference(conversationId: string): Promise<KnownTicket | null>;
  /** Keeps, at once, that the conversation is this ticket from now on. */
  refer(conversationId: string, ticket: TicketReference): Promise<void>;
  /** The tickets of a contact's open conversations, as far as they were known before that time (ISO 8601): what is told of a contact concerns all of them. */
  ticketsOf(contactId: string, before: string): Promise<readonly { conversationId: string; ticketId: string }[]>;
  /** Whose conversation it is now. Events are snapshots: meanwhile more may be known. */
  contactOf(conversationId: string): Promise<Contact | null>;
  /** Secrets that sign, newest first: two while a secret is being rotated. Empty for connectors that do not sign. */
  readonly signingSecrets: readonly string[];
  openFile(fileId: string): Promise<MediaStream>;
  /** An address under which people can read a stored file for 30 days. */
  fileUrl(fileId: string): string;
  /** Where people see a conversation in the gateway. */
  conversationUrl(conversationId: string): string;
  readonly now: () => number;
  readonly signal: AbortSignal;
}

/** What `hold` keeps. `close` lets what is under way end, but not for long, and never throws. */
export interface Held {
  close(): Promise<void>;
}

export interface DeliveryReceipt {
  /** The ticket that the events' conversation is, where the system said so. */
  readonly reference?: TicketReference;
}

export interface TicketReference {
  readonly ticketId: string;
  readonly url?: string | null;
}

/** The ticket of a conversation, as the gateway knows it. */
export interface KnownTicket extends TicketReference {
  /** Names of other persons whose conversations are the same ticket: agents merged theirs into it. */
  readonly sharedWith?: readonly string[];
  /** Is it the ticket of one of those? What is known of others is nothing to its fields. */
  readonly ofAnother?: boolean;
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

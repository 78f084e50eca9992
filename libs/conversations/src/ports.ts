import type { Sql } from '#database';
import type { CrmFinding } from '#identity';
import type {
  Failure,
  FirstMessageInput,
  FittedUnit,
  InboundEvent,
  InboundMessage,
  Message,
  Part,
  ProviderFailure,
  ReplyInput,
  Segments,
} from '#normalizer';

/** What became of one inbound event. `id` is the message (or the one stored before, for a duplicate); null where an event makes none. */
export interface StoredItem {
  readonly dedupeKey: string;
  readonly id: string | null;
  readonly duplicate: boolean;
  readonly conversationId: string | null;
  readonly threadId: string | null;
  /** Place in the thread: what a chat browser resumes by. */
  readonly threadSequence: number | null;
  readonly contactId: string | null;
  readonly storedAt: string;
}

/** An inbound event, with what was looked up of its sender: no adapter can bring that. */
export type ArrivingEvent =
  Exclude<InboundEvent, { kind: 'message' }> | (InboundMessage & { readonly crm?: CrmFinding });

/** Intake of verified, normalized events: the only way in. */
export interface IntakePort {
  /**
   * Stores the events of one account, in order; resolves after the commit. Concurrent calls are folded into one statement. With `cursor`, a poll
   * position is committed together with them. Throws `DatabaseUnavailable` or `Overloaded` (answer 503, nothing was stored).
   */
  accept(
    accountId: string,
    events: readonly ArrivingEvent[],
    cursor?: { name: string; value: string },
  ): Promise<StoredItem[]>;
}

/** What core knows of channels; given by the gateway, so that the store needs no adapter. */
export interface ChannelDirectory {
  /**
   * Splits and renders a message for the account's channel, and for the recipient whose thread the provider names `to`. Throws `ProviderFailure`
   * (`content-refused`, `recipient-gone`).
   */
  fit(
    accountId: string,
    message: { parts: readonly Part[]; subject?: string; replyTo?: string },
    to?: string,
  ): FittedUnit[];
  rules(accountId: string, to?: string): AccountRules | undefined;
  /** Ids of the enabled accounts of a channel type, for `fallback: [{ channel }]`. */
  accountsOf(type: string): readonly string[];
}

/** What decides before queueing whether an account can send. */
export interface AccountRules {
  readonly type: string;
  readonly enabled: boolean;
  readonly hosted: boolean;
  readonly window: { readonly hours: number; readonly messages?: number | undefined } | null;
  readonly initiate: readonly string[];
  /** An answer names the last message of its thread, where it was given none to name. */
  readonly namesLast?: boolean;
  /** A first message can have a subject of its own. */
  readonly subject?: boolean;
  /** Answers of bots that one person gets in any hour at most; where it is set, no bot answers what is `automated`. */
  readonly automaticPerHour?: number | undefined;
  /** Nothing at all can go to the recipient that was named. */
  readonly refusal?: Pick<ProviderFailure, 'code' | 'message'>;
  /** Part types that the channel takes, natively or as a fallback. */
  readonly parts: readonly string[];
  readonly limits: Readonly<Record<string, unknown>>;
}

export interface Sendability {
  readonly threadId: string;
  readonly accountId: string;
  readonly channel: string;
  readonly canSend: boolean;
  readonly code?: string;
  readonly until: string | null;
  readonly remaining: number | null;
  readonly parts: readonly string[];
  readonly limits: Readonly<Record<string, unknown>>;
  /** What the text that was asked about takes: provider messages, and as SMS the segments that the carrier bills. */
  readonly needs?: { readonly messages: number; readonly segments: Segments | null };
}

/** An answer; `author.via` where it was not written through the API (`Author`). */
export type Reply = Omit<ReplyInput, 'author'> & {
  readonly author?: (NonNullable<ReplyInput['author']> & { readonly via?: string }) | undefined;
};

/** Answers and first messages. Every call takes the transaction in which it works, so that an idempotency record commits with it. */
export interface RepliesPort {
  /** Queues an answer. Throws `NotFound`, `ProviderFailure` (`window-closed`, `content-refused`, `opted-out`, ...) before anything is stored. */
  reply(sql: Sql, conversationId: string, input: Reply): Promise<Message>;
  /**
   * Stores an answer that `reply` refused, as one that failed for this: whoever wrote it learns that from the stream. Where it has other ways (`fallback`), the
   * first of them is due. Throws `NotFound`, `Conflict` (`no-thread`).
   */
  refuse(
    sql: Sql,
    conversationId: string,
    refused: { readonly input: Reply; readonly failure: Failure },
  ): Promise<Message>;
  writeFirst(sql: Sql, input: FirstMessageInput): Promise<Message>;
  /** Withdraws what is not yet sent. Throws `NotFound`, or `Conflict` once it is on its way. */
  cancel(sql: Sql, messageId: string): Promise<Message>;
  /** `text`: what it would take to send it. */
  sendability(sql: Sql, conversationId: string, text?: string): Promise<Sendability[]>;
  /** A hosted browser holds (`delivered`) or shows (`read`) everything of the thread up to these places. */
  acknowledge(threadId: string, upTo: { delivered?: number; read?: number }): Promise<void>;
}

/** More waits in memory than the store takes in soon: nothing was stored, the sender is to come again after `retryAfterS` seconds. */
export class Overloaded extends Error {
  override readonly name = 'Overloaded';

  constructor(readonly retryAfterS = 1) {
    super('the gateway takes in less than it is given now');
  }
}

/** Something named by the caller does not exist. */
export class NotFound extends Error {
  override readonly name = 'NotFound';
}

/** The thing exists, but its state does not allow what was asked. `code` is the problem code. */
export class Conflict extends Error {
  override readonly name = 'Conflict';
  constructor(
    readonly code: string,
    message: string,
  ) {
    super(message);
  }
}

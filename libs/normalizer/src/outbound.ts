import type { Handle } from './handle.js';
import type { SegmentCount } from './gsm7.js';
import type { ChoiceOption, Part } from './parts.js';

/** The provider's conversation, as adapters address it. */
export interface ThreadRef {
  readonly id: string;
  /** The provider's own name of it: what the inbound event said. */
  readonly externalId: string;
  readonly handles: readonly Handle[];
}

/** One provider message: what `fit()` makes of a message, one outbox row each. */
export interface OutboundUnit {
  readonly id: string;
  readonly messageId: string;
  /** Place among the units of its message, from 0. */
  readonly index: number;
  readonly count: number;
  readonly thread: ThreadRef;
  /** Parts that travel in this one provider message; never more than the channel's capabilities allow. */
  readonly parts: readonly Part[];
  /** Plain rendering of `parts`, within the channel's text limit. */
  readonly text: string;
  readonly subject?: string;
  /** Who wrote it; `kind` only where that was no person. */
  readonly author?: { readonly name: string | null; readonly kind?: 'bot' };
  /** External id of the message that is answered, where the channel shows that. */
  readonly replyTo?: string;
  /** It belongs to no conversation, such as a one-time code: what it says is for nobody but its reader, so it is not traced. */
  readonly notice?: true;
  /** Set where it travels as SMS and is nothing but text: what the carrier bills. */
  readonly segments?: SegmentCount;
  /** Give this to a provider that takes an idempotency key: the same for every attempt. */
  readonly idempotencyKey: string;
}

/** What `fit()` makes of a message: a unit before it has an id and a place to go. */
export interface FittedUnit extends Pick<
  OutboundUnit,
  'index' | 'count' | 'parts' | 'text' | 'subject' | 'replyTo' | 'segments'
> {
  /** Set where the unit ends a numbered list in place of buttons: the options, in order, that a typed answer picks from. */
  readonly choiceMap?: readonly ChoiceOption[];
}

import { z } from 'zod';
import { Handle } from './handle.js';
import { LIMITS, Part } from './parts.js';
import { FailureCode } from './failure.js';

/** `dedupeKey` names the provider's event within the account: the same event always has the same key, two events never share one. */
const dedupeKey = z.string().min(1).max(500);
const occurredAt = z.iso.datetime({ offset: true }).optional();
/** The provider's own name of the conversation within the account (an openid, a phone number, a mail thread). */
const thread = z.string().min(1).max(500);

/** `source`: who vouches for it, where that is neither the provider nor a token of the account. */
const SenderHandle = Handle.extend({ source: z.string().max(200).optional() });
export type SenderHandle = z.infer<typeof SenderHandle>;

const sender = z.object({
  /** Addresses of the person, each with the proof that this very event carries. The first one names the sender. */
  handles: z.array(SenderHandle).min(1).max(20),
  name: z.string().max(500).optional(),
  /** Where the handles are those of a group: what it is called. `name` is then who of it wrote. */
  group: z.string().max(500).optional(),
  /** Who of the group wrote, as far as the provider knows them from others. */
  member: Handle.pick({ scheme: true, scope: true, value: true }).optional(),
});

/** How long, and for how many provider messages, the provider lets this very event be answered, where that is not the channel's window. */
const window = z.object({ seconds: z.int().positive(), messages: z.int().positive() }).optional();

/** Wrote by whom: the customer; or an agent of ours from the provider's own app ("echo"), which is stored as outbound. */
export const InboundMessage = z.object({
  kind: z.literal('message'),
  dedupeKey,
  thread,
  sender,
  from: z.enum(['contact', 'agent']).default('contact'),
  parts: z.array(Part).min(1).max(50),
  subject: z.string().max(1_000).optional(),
  /** What the person did not newly write: quoted history, a signature. */
  quoted: z.string().max(LIMITS.text).optional(),
  /** The provider's ids of this message, for receipts, replies and recalls that name them. */
  externalIds: z.array(z.string().min(1).max(500)).max(20).default([]),
  /** External id of the message that this one answers. */
  replyTo: z.string().max(500).optional(),
  occurredAt,
  automated: z.boolean().optional(),
  /** What the channel tells of the person's language (BCP 47, such as `zh-CN`); what they write says more. */
  language: z.string().max(100).optional(),
  /** What the person said of their business beforehand, as in a form: put on the conversation. */
  metadata: z.record(z.string().regex(/^[a-z]\w{0,39}$/i), z.string().min(1).max(500)).optional(),
  window,
});

/** What became of something that we sent. `externalId` is what `send` returned. */
export const InboundReceipt = z.object({
  kind: z.literal('receipt'),
  dedupeKey,
  externalId: z.string().min(1).max(500),
  status: z.enum(['sent', 'delivered', 'read', 'failed']),
  failure: z
    .object({
      code: FailureCode,
      providerCode: z.string().optional(),
      message: z.string(),
      lasting: z.literal(true).optional(),
    })
    .optional(),
  occurredAt,
});

/** The customer changed, recalled or reacted to a message that exists: `externalId` names it. */
export const InboundChange = z.object({
  kind: z.enum(['edited', 'deleted', 'reaction']),
  dedupeKey,
  thread,
  sender,
  externalId: z.string().min(1).max(500),
  parts: z.array(Part).max(50).optional(),
  reaction: z.object({ emoji: z.string().max(64), removed: z.boolean().default(false) }).optional(),
  occurredAt,
});

/** The person is typing. Live only: it is passed on, never stored. */
export const InboundTyping = z.object({ kind: z.literal('typing'), thread, on: z.boolean() });

/** The person followed, unfollowed, opted in or out. */
export const InboundConsent = z.object({
  kind: z.enum(['opted-in', 'opted-out']),
  dedupeKey,
  thread,
  sender,
  reason: z.string().max(500).optional(),
  /** Who writes takes messages again, as the provider has it: the next message of theirs says so, should no event have said it. */
  untilWritten: z.literal(true).optional(),
  window,
  occurredAt,
});

/** What an adapter makes of one provider request: the only way into the store. */
export const InboundEvent = z.discriminatedUnion('kind', [
  InboundMessage,
  InboundReceipt,
  InboundChange,
  InboundTyping,
  InboundConsent,
]);
export type InboundEvent = z.infer<typeof InboundEvent>;
/** An event as an adapter writes it, before defaults are filled in. */
export type InboundEventInput = z.input<typeof InboundEvent>;
export type InboundMessage = z.infer<typeof InboundMessage>;
export type InboundReceipt = z.infer<typeof InboundReceipt>;
export type InboundChange = z.infer<typeof InboundChange>;
export type InboundConsent = z.infer<typeof InboundConsent>;
export type InboundTyping = z.infer<typeof InboundTyping>;

import { z } from 'zod';
import { Failure } from './failure.js';
import { Handle } from './handle.js';
import { Part } from './parts.js';

const time = z.iso.datetime();

export const MessageStatus = z
  .enum(['received', 'queued', 'sent', 'delivered', 'read', 'failed'])
  .meta({ id: 'MessageStatus' });
export type MessageStatus = z.infer<typeof MessageStatus>;

export const Author = z
  .object({
    kind: z.enum(['contact', 'agent', 'bot', 'system']),
    id: z.string().nullable().default(null),
    name: z.string().nullable().default(null),
    via: z
      .string()
      .optional()
      .describe(
        'Where it was written, if not through the API: `destination:ID`, or `channel`, in an app of the provider.',
      ),
    member: Handle.pick({ scheme: true, scope: true, value: true })
      .optional()
      .describe('Where the contact is a group: which of its members wrote.'),
  })
  .meta({ id: 'Author' });
export type Author = z.infer<typeof Author>;

export const Segments = z
  .object({
    count: z.int().positive(),
    encoding: z.enum(['gsm7', 'ucs2']).describe('UCS-2 where one message of several needs it.'),
  })
  .meta({ id: 'Segments' });
export type Segments = z.infer<typeof Segments>;

export const Message = z
  .object({
    id: z.string(),
    conversationId: z.string(),
    threadId: z.string(),
    sequence: z.int().positive(),
    direction: z.enum(['inbound', 'outbound']),
    author: Author,
    parts: z.array(Part),
    text: z.string(),
    subject: z.string().nullable().optional(),
    quoted: z
      .string()
      .nullable()
      .optional()
      .describe(
        'What came along and was not newly written, such as the history below an answer by mail; no part of `text`.',
      ),
    replyTo: z.string().nullable(),
    status: MessageStatus,
    failure: Failure.nullable().optional(),
    automated: z.boolean().optional(),
    occurredAt: time,
    receivedAt: time,
    sendAt: time.nullable().optional(),
    externalIds: z.array(z.string()),
    segments: Segments.optional().describe(
      'SMS only, and only in the answer to whoever sends: what the carrier will bill.',
    ),
  })
  .meta({ id: 'Message' });
export type Message = z.infer<typeof Message>;

export const ConversationStatus = z.enum(['open', 'pending', 'closed']).meta({ id: 'ConversationStatus' });
export type ConversationStatus = z.infer<typeof ConversationStatus>;

export const Reference = z
  .object({ destinationId: z.string(), ticketId: z.string(), url: z.string().nullable().default(null) })
  .meta({ id: 'Reference' });
export type Reference = z.infer<typeof Reference>;

export const Conversation = z
  .object({
    id: z.string(),
    status: ConversationStatus,
    subject: z.string().nullable(),
    priority: z.enum(['low', 'normal', 'high', 'urgent']),
    queue: z.string().nullable().describe('Where the helpdesk is to put it, by the routing rules or by hand.'),
    tags: z.array(z.string()),
    metadata: z.record(z.string(), z.unknown()),
    contactId: z.string().optional(),
    threads: z.array(z.object({ id: z.string(), accountId: z.string(), channel: z.string() })),
    references: z.array(Reference),
    createdAt: time.optional(),
    updatedAt: time.optional(),
  })
  .meta({ id: 'Conversation' });
export type Conversation = z.infer<typeof Conversation>;

export const Contact = z
  .object({
    id: z.string(),
    name: z.string().nullable(),
    handles: z.array(Handle),
    company: z
      .object({
        id: z.string(),
        name: z.string(),
        level: z.string().nullable(),
        products: z.array(z.string()).optional(),
      })
      .nullable(),
    crm: z.object({ id: z.string(), url: z.string().nullable() }).nullable(),
  })
  .meta({ id: 'Contact' });
export type Contact = z.infer<typeof Contact>;

export const AccountRef = z
  .object({ id: z.string(), channel: z.string(), name: z.string().nullable() })
  .meta({ id: 'AccountRef' });
export type AccountRef = z.infer<typeof AccountRef>;

export const EVENT_TYPES = [
  'message.received', 'message.queued', 'message.sent', 'message.delivered', 'message.read', 'message.failed',
  'message.edited', 'message.deleted', 'message.reaction',
  'conversation.opened', 'conversation.updated', 'conversation.closed', 'conversation.reopened',
  'contact.created', 'contact.updated', 'contact.merged', 'contact.unmerged', 'contact.conflict',
  'contact.opted-in', 'contact.opted-out', 'contact.erased',
  'account.connected', 'account.degraded', 'account.disconnected',
  'attachment.ready', 'attachment.unavailable',
  'typing.started', 'typing.stopped',
] as const; // prettier-ignore
export const EventType = z.enum(EVENT_TYPES).meta({ id: 'EventType' });
export type EventType = z.infer<typeof EventType>;

/** What an event tells: a snapshot of each thing it concerns. Which keys are present depends on the family of the type. */
export const EventData = z
  .object({
    conversation: Conversation.optional(),
    contact: Contact.optional(),
    account: AccountRef.optional(),
    message: Message.optional(),
    reaction: z.object({ emoji: z.string(), removed: z.boolean() }).optional(),
    merge: z
      .object({
        id: z.string(),
        survivorId: z.string(),
        mergedId: z.string(),
        handles: z.array(Handle),
        threadIds: z.array(z.string()),
        conversationIds: z.array(z.string()),
        reason: z.string().optional(),
      })
      .optional()
      .describe(
        'A key that is limited to accounts sees neither the reason nor the handles, and only threads and conversations of its own.',
      ),
    restored: Contact.optional().describe('Who is back after `contact.unmerged`; `contact` is the other side.'),
    conflict: z.object({ id: z.string(), contactIds: z.array(z.string()), handle: Handle }).optional(),
    attachment: z.object({ fileId: z.string(), messageId: z.string(), reason: z.string().optional() }).optional(),
    status: z
      .object({
        state: z.string(),
        detail: z.string(),
        action: z.string().nullable(),
        gap: z
          .object({ from: time, to: time })
          .optional()
          .describe('Messages of this time may have been missed for good.'),
      })
      .optional(),
    erasure: z
      .object({ id: z.string(), contactIds: z.array(z.string()), conversationIds: z.array(z.string()) })
      .optional()
      .describe('Of `contact.erased`: the proof, and ids that lead nowhere any more.'),
    changes: z.array(z.string()).optional(),
    via: z
      .string()
      .optional()
      .describe('Of `conversation.*`: the ticket system in which it was done, as `destination:ID`.'),
    reason: z.string().optional(),
  })
  .meta({ id: 'EventData' });
export type EventData = z.infer<typeof EventData>;

/** One entry of the unified stream, as destinations and `GET /v1/events` see it. `data` is null once it was erased. */
export const StreamEvent = z
  .object({
    id: z.string(),
    type: EventType,
    timestamp: time,
    sequence: z.int().positive().nullable(),
    data: EventData.nullable(),
  })
  .meta({ id: 'StreamEvent' });
export type StreamEvent = z.infer<typeof StreamEvent>;

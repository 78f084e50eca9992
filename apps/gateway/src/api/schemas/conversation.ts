import { Conversation, ConversationStatus, Segments } from '#normalizer';
import { z } from 'zod';
import { commaList, paging } from '../core/page.js';
import { metadataInput, timeInput } from './elements.js';

const id = z.string().max(200).optional();

export const ConversationQuery = z.strictObject({
  ...paging,
  status: commaList(ConversationStatus).optional().describe('`open`, `pending`, `closed`; several with commas.'),
  contactId: id,
  accountId: id.describe('With a thread on this account.'),
  channel: id.describe('With a thread on this type of channel.'),
  priority: commaList(Conversation.shape.priority).optional(),
  queue: commaList(z.string().max(100)).optional().describe('Several with commas.'),
  tag: id,
  destinationId: id.describe('That has a reference of this destination.'),
  ticketId: id.describe('That is this ticket, of `destinationId` or of any.'),
  updatedSince: timeInput.optional(),
});

export const ConversationPatch = z
  .strictObject({
    status: ConversationStatus.optional(),
    subject: z.string().max(1_000).nullable().optional(),
    priority: Conversation.shape.priority.optional(),
    queue: z.string().min(1).max(100).nullable().optional().describe('Null takes it out of its queue.'),
    tags: z.array(z.string().min(1).max(100)).max(100).optional().describe('Replaces all tags.'),
    metadata: metadataInput.optional(),
    references: z
      .array(
        z.strictObject({
          destinationId: z.string().max(200),
          ticketId: z.string().min(1).max(500).nullable().describe('Null forgets it.'),
          url: z.string().max(4_096).nullable().optional(),
        }),
      )
      .max(20)
      .optional()
      .describe('The current ticket of each destination named; raises no event.'),
  })
  .meta({ id: 'ConversationPatch' });

export const HistoryQuery = z.strictObject({
  limit: paging.limit,
  cursor: paging.cursor,
  after: z.coerce.number<string>().int().nonnegative().optional().describe('Only messages with a higher `sequence`.'),
  before: z.coerce
    .number<string>()
    .int()
    .positive()
    .optional()
    .describe('Only messages with a lower `sequence`; without `after` the latest ones, still ascending.'),
});

export const Sendability = z
  .object({
    threadId: z.string(),
    accountId: z.string(),
    channel: z.string(),
    canSend: z.boolean(),
    code: z.string().optional().describe('Why not: the code with which a reply would be refused.'),
    until: z.string().nullable().describe('When the reply window closes.'),
    remaining: z.int().nullable().describe('Provider messages left in the window.'),
    parts: z.array(z.string()).describe('Part types that the channel takes, natively or as a fallback.'),
    limits: z.record(z.string(), z.unknown()),
    needs: z
      .object({ messages: z.int().positive(), segments: Segments.nullable() })
      .optional()
      .describe('What `text` would take: provider messages, and as SMS the segments that the carrier bills.'),
  })
  .meta({ id: 'Sendability' });

export const SendabilityQuery = z.strictObject({
  text: z.string().min(1).max(10_000).optional().describe('A draft: `needs` says what it would take.'),
});

export const TypingInput = z
  .strictObject({
    on: z.boolean().default(true),
    name: z.string().max(200).optional().describe('Who is typing, where the channel shows that.'),
    via: z
      .union([z.strictObject({ threadId: z.string().max(200) }), z.strictObject({ accountId: z.string().max(200) })])
      .optional(),
  })
  .meta({ id: 'TypingInput' });

export const TraceItem = z
  .object({
    direction: z.string().describe('Who was called: the provider (`out`) or we (`in`).'),
    at: z.string(),
    exchange: z.record(z.string(), z.unknown()).describe('Request and answer, without secrets and message bodies.'),
  })
  .meta({ id: 'TraceItem' });

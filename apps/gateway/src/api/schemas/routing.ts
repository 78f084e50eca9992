import { Routing } from '#config';
import { ROUTING_FACTS } from '#conversations';
import { z } from 'zod';
import { timeInput } from './elements.js';

const values = z.array(z.string());
const id = z.string().max(200).optional();
const facts = Object.fromEntries(
  ROUTING_FACTS.map((fact) => [fact, z.array(z.string().min(1).max(500)).max(100).optional()]),
) as Record<(typeof ROUTING_FACTS)[number], z.ZodOptional<z.ZodArray<z.ZodString>>>;

export const RoutingView = Routing.meta({ id: 'Routing' });

export const RoutingTest = z
  .strictObject({
    conversationId: id.describe('A conversation, as it was opened.'),
    contactId: id.describe('A contact who opens a conversation.'),
    accountId: id.describe('The account on which it is opened.'),
    text: z.string().max(100_000).optional().describe('The first message, whose language is found out.'),
    at: timeInput.optional().describe('When it is opened; now unless told.'),
    facts: z.strictObject(facts).optional().describe('Facts that stand in place of those that are known.'),
  })
  .refine(({ conversationId, contactId }) => conversationId === undefined || contactId === undefined, {
    message: 'give a conversation or a contact, not both',
  })
  .meta({ id: 'RoutingTest' });

export const RoutingTrial = z
  .object({
    rule: z.string().nullable().describe('The rule that decides: the first that matches.'),
    set: z.object({
      priority: z.string().optional(),
      queue: z.string().optional(),
      tags: values.optional(),
    }),
    facts: z.record(z.string(), values).describe('What the conditions were held against.'),
    rules: z.array(
      z.object({
        name: z.string(),
        matches: z.boolean(),
        conditions: z.array(z.object({ fact: z.string(), expected: values, found: values, holds: z.boolean() })),
      }),
    ),
  })
  .meta({ id: 'RoutingTrial' });

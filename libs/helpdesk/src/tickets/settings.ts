import { z } from 'zod';

const FIELDS = ['contact', 'handle', 'company', 'level', 'products', 'crm', 'channel', 'priority', 'queue', 'tags', 'said', 'link'] as const; // prettier-ignore

/** Settings that every connector to a ticket system takes: spread them into its own. */
export const ticketSettings = {
  language: z.enum(['en', 'zh']).default('en').describe('Language of the words that we add to tickets.'),
  statusNotes: z
    .enum(['failures', 'all'])
    .default('failures')
    .describe('Which ends of answers come back as internal notes: those that failed, or every one.'),
  fallback: z
    .array(
      z.strictObject({
        channel: z.string().min(1).describe('Type of the channel, such as `sms-twilio`.'),
        after: z.number().nonnegative().optional().describe('Seconds without a delivery after which it is taken.'),
      }),
    )
    .max(5)
    .optional()
    .describe(
      'Other channels for answers, in order: taken when one fails for good, or was not delivered `after` seconds.',
    ),
  fields: z
    .partialRecord(z.enum(FIELDS), z.string().min(1))
    .optional()
    .describe(
      `Fields of the system that take what is known of a conversation, by its name: ${FIELDS.map((key) => `\`${key}\``).join(', ')}.`,
    ),
};
export type TicketSettings = z.infer<z.ZodObject<typeof ticketSettings>>;

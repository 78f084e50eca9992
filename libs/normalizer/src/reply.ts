import { z } from 'zod';
import { Part } from './parts.js';

const content = {
  text: z.string().min(1).max(100_000).optional(),
  parts: z.array(Part).min(1).max(50).optional(),
};
const author = z
  .object({
    id: z.string().max(200).optional(),
    name: z.string().max(500).optional(),
    kind: z.enum(['agent', 'bot']).default('agent'),
  })
  .optional();

const fallback = z
  .array(
    z.union([
      z.strictObject({ accountId: z.string(), after: z.number().nonnegative().optional() }),
      z.strictObject({ channel: z.string(), after: z.number().nonnegative().optional() }),
    ]),
  )
  .max(5)
  .optional()
  .describe('Other ways, in order: taken when sending fails for good, or when nothing was delivered `after` seconds.');

/** The body of `POST /v1/conversations/{id}/messages`, and what connectors hand in. `text` or `parts`, not both. */
export const ReplyInput = z
  .strictObject({
    ...content,
    author,
    via: z.union([z.strictObject({ threadId: z.string() }), z.strictObject({ accountId: z.string() })]).optional(),
    replyTo: z.string().max(200).optional(),
    fallback,
    sendAt: z.iso.datetime({ offset: true }).optional(),
  })
  .refine((reply) => (reply.text === undefined) !== (reply.parts === undefined), {
    message: 'give either text or parts, not both',
  })
  .meta({ id: 'ReplyInput' });
export type ReplyInput = z.infer<typeof ReplyInput>;

/** The body of `POST /v1/messages`: write first, on the account named, to a contact or a handle. */
export const FirstMessageInput = z
  .strictObject({
    to: z.union([
      z.strictObject({ contactId: z.string() }),
      z.strictObject({
        handle: z.strictObject({ scheme: z.string(), scope: z.string().optional(), value: z.string() }),
      }),
    ]),
    accountId: z.string(),
    ...content,
    subject: z
      .string()
      .min(1)
      .max(1_000)
      .optional()
      .describe(
        'Where the channel has subjects, as mail has: elsewhere it is refused. What has one of its own answers nothing.',
      ),
    template: z
      .strictObject({
        name: z.string(),
        locale: z.string().optional(),
        values: z.record(z.string(), z.string()).default({}),
      })
      .optional(),
    author,
    fallback,
    sendAt: z.iso.datetime({ offset: true }).optional(),
  })
  .refine((m) => [m.text, m.parts, m.template].filter((x) => x !== undefined).length === 1, {
    message: 'give exactly one of text, parts and template',
  })
  .meta({ id: 'FirstMessageInput' });
export type FirstMessageInput = z.infer<typeof FirstMessageInput>;

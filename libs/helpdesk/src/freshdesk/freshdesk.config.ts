import { apiBase, secret } from '#normalizer';
import { z } from 'zod';
import { ticketSettings } from '../tickets/index.js';

const field = z.string().regex(/^cf_\w+$/, 'is the name of a ticket field of your own, such as `cf_tributary`');
const group = z.int().positive();
const status = z.int().min(2);

export const freshdeskConfig = z.object({
  ...ticketSettings,
  apiBase: apiBase('https://example.freshdesk.com').describe('Address of Freshdesk: `https://DOMAIN.freshdesk.com`.'),
  apiKey: secret().describe('API key of the agent as whom the gateway works.'),
  webhookSecret: secret()
    .min(16)
    .optional()
    .describe('What the automation sends in the header `X-Tributary-Secret`. Without it no callback is taken.'),
  referenceField: field
    .default('cf_tributary')
    .describe('Ticket field, a single line of text, that keeps which conversation a ticket is.'),
  stateField: field
    .default('cf_tributary_state')
    .describe('Ticket field, a single line of text, that keeps which status the gateway gave a ticket last.'),
  emails: z
    .boolean()
    .default(false)
    .describe(
      'Are customers known to Freshdesk by their e-mail address, where a channel vouches for it? Freshdesk mails every reply to those by itself, beside the channel.',
    ),
  group: group.optional().describe('Number of the group that takes new tickets. Default: as Freshdesk assigns them.'),
  queues: z
    .record(z.string(), group)
    .optional()
    .describe('Groups for conversations that the routing rules put into a queue: the name of the queue, the number.'),
  statuses: z
    .strictObject({
      open: status.default(2).describe('Status of an open conversation. Default: Open.'),
      pending: status.default(3).describe('Status of one that waits. Default: Pending.'),
      closed: status.default(4).describe('Status of a closed one. Default: Resolved.'),
    })
    .prefault({})
    .describe('Numbers of the statuses that conversations are given.'),
});
export type FreshdeskConfig = z.infer<typeof freshdeskConfig>;

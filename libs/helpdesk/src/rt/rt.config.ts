import { secret, webAddress } from '#normalizer';
import { z } from 'zod';
import { ticketSettings } from '../tickets/index.js';

const status = (name: string, what: string) => z.string().min(1).default(name).describe(`Status that ${what}.`);

export const rtConfig = z.object({
  ...ticketSettings,
  apiBase: webAddress()
    .overwrite((url) => url.replace(/\/+$/, ''))
    .describe('Address of RT, without `/REST/2.0`.'),
  token: secret()
    .regex(/^\d+-\d+-\w+$/, 'expected an authentication token of RT, such as 1-14-9edc...')
    .describe('Authentication token of the user that the gateway works as.'),
  queue: z.string().min(1).default('General').describe('Queue in which tickets are made.'),
  queues: z
    .record(z.string(), z.string().min(1))
    .optional()
    .describe('Queues of RT by the queues that routing rules name; those that are not listed go to `queue`.'),
  requestor: z
    .enum(['contact', 'none'])
    .default('contact')
    .describe(
      '`contact`: each customer becomes a user of RT without a mail address; `none`: tickets have no requestor.',
    ),
  statuses: z
    .object({
      open: status('open', 'an open conversation has'),
      pending: status('stalled', 'a pending conversation has'),
      closed: status('resolved', 'a closed conversation has'),
    })
    .prefault({})
    .describe('Names of statuses, where the lifecycle of the queue has others.'),
});
export type RtConfig = z.infer<typeof rtConfig>;

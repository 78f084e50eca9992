import { apiBase, secret } from '#normalizer';
import { z } from 'zod';
import { ticketSettings } from '../tickets/index.js';

const name = z.string().min(1).max(200);

export const redmineConfig = z.object({
  ...ticketSettings,
  apiBase: apiBase('https://redmine.example').describe('Address of Redmine, with the path under which it runs.'),
  apiKey: secret().describe('API access key of the user as whom the gateway works (My account, on the right).'),
  project: name.describe('Identifier of the project that takes new issues, as in its address.'),
  queues: z
    .record(z.string(), name)
    .optional()
    .describe(
      'Projects for conversations that the routing rules put into a queue: the name of the queue, the identifier.',
    ),
  tracker: name.optional().describe('Name of the tracker of new issues. Default: the first one of the project.'),
  sendFilesAlone: z
    .boolean()
    .default(false)
    .describe('Are files that an agent attaches without a word of a note sent to the customer as well?'),
  statuses: z
    .strictObject({
      open: name.optional().describe('Status of an open conversation.'),
      pending: name.optional().describe('Status of one that waits.'),
      closed: name.optional().describe('Status of a closed one.'),
    })
    .default({})
    .describe(
      'Names of the statuses that conversations are given. Default: `open` and `closed` are the first ones of their kind; without `pending` that is `open` as well.',
    ),
});
export type RedmineConfig = z.infer<typeof redmineConfig>;

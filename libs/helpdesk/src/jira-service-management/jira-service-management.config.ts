import { apiBase, secret } from '#normalizer';
import { z } from 'zod';
import { ticketSettings } from '../tickets/index.js';

const id = z.string().regex(/^\d+$/);
const name = z.string().min(1).max(200);

export const jiraConfig = z.object({
  ...ticketSettings,
  apiBase: apiBase('https://example.atlassian.net').describe('Address of the site.'),
  user: z.email().describe('Mail address of the user as whom the gateway works: an agent of the project.'),
  token: secret().describe('API token of that user (id.atlassian.com, Security).'),
  webhookSecret: secret().optional().describe('Secret of the webhook. Without it no callback is taken.'),
  project: z
    .string()
    .regex(/^[A-Z][A-Z0-9_]*$/)
    .describe('Key of the project, as it begins its requests: `SUP` of SUP-12.'),
  requestType: id.describe('Number of the type of new requests, as in the address of its form: `/create/12`.'),
  queues: z
    .record(z.string(), id)
    .optional()
    .describe('Types for conversations that the routing rules put into a queue: the name of the queue, the number.'),
  customers: z
    .enum(['none', 'mail'])
    .default('none')
    .describe(
      'Who raises a request: `none`: our user, always; `mail`: the customer, where a channel vouches for their mail address. Jira mails such a customer each answer, unless its notifications are switched off.',
    ),
  statuses: z
    .strictObject({
      open: name.optional().describe('Status of an open conversation.'),
      pending: name.optional().describe('Status of one that waits.'),
      closed: name.optional().describe('Status of a closed one.'),
    })
    .default({})
    .describe(
      'Names of the statuses that conversations are given. Default: `open` and `closed` are the first ones that the workflow leads to; without `pending` that is `open` as well.',
    ),
  resolution: name
    .optional()
    .describe('Name of the resolution that requests are closed with, where the workflow asks for one.'),
});
export type JiraConfig = z.infer<typeof jiraConfig>;

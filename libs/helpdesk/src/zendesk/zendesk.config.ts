import { apiBase, secret } from '#normalizer';
import { z } from 'zod';
import { ticketSettings } from '../tickets/index.js';

const group = z.string().min(1).max(200);

export const zendeskConfig = z.object({
  ...ticketSettings,
  apiBase: apiBase('https://example.zendesk.com').describe('Address of Zendesk: `https://SUBDOMAIN.zendesk.com`.'),
  email: z
    .email()
    .optional()
    .describe('Address of the agent whose API token it is. Leave it out where `token` is an OAuth access token.'),
  token: secret().describe('API token, or OAuth access token with the scopes `read` and `write`.'),
  webhookSecret: secret().optional().describe('Signing secret of the webhook. Without it no callback is taken.'),
  group: group.optional().describe('Group that takes new tickets. Default: as Zendesk assigns them.'),
  queues: z
    .record(z.string(), group)
    .optional()
    .describe('Groups for conversations that the routing rules put into a queue: the name of the queue, the group.'),
});
export type ZendeskConfig = z.infer<typeof zendeskConfig>;

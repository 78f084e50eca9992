import { apiBase, secret } from '#normalizer';
import { z } from 'zod';
import { ticketSettings } from '../tickets/index.js';

const id = z.int().positive();

export const chatwootConfig = z.object({
  ...ticketSettings,
  apiBase: apiBase('https://app.chatwoot.com').describe('Address of Chatwoot.'),
  token: secret().describe('Access token of the administrator as whom the gateway works (Profile settings).'),
  webhookSecret: secret()
    .optional()
    .describe('Secret of the webhook. Without it no callback is taken, and answers are noticed by asking every 5 s.'),
  account: id.describe('Number of the account, as in the address of its pages: `/app/accounts/1`.'),
  inbox: id.describe('Number of the inbox, of the channel API, that takes the conversations: `/settings/inboxes/7`.'),
  queues: z
    .record(z.string(), id)
    .optional()
    .describe('Teams for conversations that the routing rules put into a queue: the name of the queue, the number.'),
});
export type ChatwootConfig = z.infer<typeof chatwootConfig>;

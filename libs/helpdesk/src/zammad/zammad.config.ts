import { apiBase, secret } from '#normalizer';
import { z } from 'zod';
import { ticketSettings } from '../tickets/index.js';

const name = z.string().min(1).max(200);

export const zammadConfig = z.object({
  ...ticketSettings,
  apiBase: apiBase('https://zammad.example').describe('Address of Zammad.'),
  token: secret().describe('Access token of the user as whom the gateway works, with the right `ticket.agent`.'),
  webhookSecret: secret()
    .optional()
    .describe('"HMAC SHA1 signature token" of the webhook. Without it no callback is taken.'),
  group: name.describe('Group that takes new tickets.'),
  queues: z
    .record(z.string(), name)
    .optional()
    .describe('Groups for conversations that the routing rules put into a queue: the name of the queue, the group.'),
  statuses: z
    .strictObject({
      open: name.default('open').describe('State of an open conversation.'),
      pending: name.default('open').describe('State of one that waits: none that asks for a time of reminder.'),
      closed: name.default('closed').describe('State of a closed one.'),
    })
    .prefault({})
    .describe('States that conversations are given.'),
});
export type ZammadConfig = z.infer<typeof zammadConfig>;

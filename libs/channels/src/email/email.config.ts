import { demandLogin, mailboxSettings } from '#mail';
import { z } from 'zod';

const rate = z
  .object({
    perMinute: z.number().positive().max(6_000).default(30).describe('Mails a minute. Microsoft 365 takes 30.'),
    perRecipientPerMinute: z.number().positive().max(600).default(10).describe('Mails a minute in one conversation; others go on meanwhile.'),
    automaticPerHour: z.int().min(1).max(60).default(1).describe('Answers of bots (`author.kind: bot`) to one address in any hour; more are refused as `throttled`. Two programs that answer each other stop at it.'),
  })
  .prefault({})
  .describe('How fast the account sends.'); // prettier-ignore

/** Settings of an `email` account. */
export const emailConfig = z.object({ ...mailboxSettings, rate }).superRefine(demandLogin);
export type EmailConfig = z.infer<typeof emailConfig>;

import { demandLogin, mailboxSettings } from '#mail';
import { z } from 'zod';

const rate = z
  .object({
    perMinute: z.number().positive().max(6_000).default(30).describe('Mails a minute. Microsoft 365 takes 30.'),
    perRecipientPerMinute: z.number().positive().max(600).default(10).describe('Mails a minute in one conversation; others go on meanwhile.'),
  })
  .prefault({})
  .describe('How fast the account sends.'); // prettier-ignore

/** Settings of an `email` account. */
export const emailConfig = z.object({ ...mailboxSettings, rate }).superRefine(demandLogin);
export type EmailConfig = z.infer<typeof emailConfig>;

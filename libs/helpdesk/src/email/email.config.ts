import { demandLogin, mailboxSettings } from '#mail';
import { emailAddress } from '#normalizer';
import { z } from 'zod';
import { ticketSettings } from '../tickets/index.js';

const { fields: _mailHasNone, ...ticket } = ticketSettings;

const address = () =>
  z
    .string()
    .refine((text) => emailAddress(text) !== null, 'expected one mail address, such as rt@example.com')
    .overwrite((text) => emailAddress(text) ?? text);
const sender = z
  .string()
  .refine(
    (text) => emailAddress(text) !== null || /^[a-z0-9-]+(\.[a-z0-9-]+)+$/i.test(text),
    'expected a mail address or a domain',
  )
  .overwrite((text) => emailAddress(text) ?? text.toLowerCase());
const line = (most: number) => z.string().regex(/^\P{Cc}+$/u, 'expected one line of text').max(most); // prettier-ignore
const each = <T extends z.ZodType>(kind: (status: string) => T) => ({
  open: kind('open'),
  pending: kind('pending'),
  closed: kind('closed'),
});

const mailbox = z
  .object({
    ...mailboxSettings,
    saveSent: z
      .boolean()
      .default(true)
      .describe(
        'Puts a copy of what was sent into the Sent folder, by which nothing is sent twice. Switch it off where the server does that itself: Gmail, Microsoft 365.',
      ),
    replyDays: z.int().min(1).max(3_650).default(3_650).describe('How long our marks are good for, days: an answer to an older mail is not taken.'),
  })
  .superRefine(demandLogin); // prettier-ignore

const status = z
  .object({
    tell: z
      .boolean()
      .default(true)
      .describe('Tells in an internal mail when a conversation is closed or opened again. Switch it off where such a mail opens a ticket that is closed.'),
    commands: z
      .object(each((name) => line(200).optional().describe(`Line that makes a ticket ${name} when a mail begins with it.`)))
      .prefault({})
      .describe('Lines that the system takes for commands, such as `Status: resolved`: put on top of the mails that tell a status.'),
    marks: z
      .object(each((name) => z.array(line(200)).max(10).default([]).describe(`Its mails with one of these in their subject tell that a ticket is ${name}.`)))
      .prefault({})
      .describe('How the mails look by which the system tells that a ticket was closed or opened, such as `Resolved:`. Mail alone tells neither.'),
  })
  .prefault({})
  .describe('Closing and opening again, both ways: only as far as the system understands and tells it by mail.'); // prettier-ignore

/** Settings of an `email` destination. */
export const emailConfig = z.object({
  ...ticket,
  to: address().describe('Address of the ticket system: mail to it becomes a ticket.'),
  mailbox: mailbox.describe('Our own mailbox: what the ticket system answers to. Nothing else should use it.'),
  answersFrom: z.array(sender).min(1).max(50).describe('Addresses, or domains, from which mail may be an answer: those of the ticket system, or of its agents. Each has to be proven (`mailbox.authentication`).'),
  subjectTag: z
    .enum(['auto', 'required', 'none'])
    .default('auto')
    .describe('Tags such as [example.com #123] that the system puts into subjects are kept and used from then on. `required`: the system knows a ticket by nothing else; until it has told the tag, at most two minutes, further mails wait.'),
  subjectMark: z.boolean().default(false).describe('Puts our mark into subjects too: for systems whose mails keep neither References nor Reply-To.'),
  machineAnswers: z.boolean().default(false).describe('The system marks what agents write as written by a machine (`Auto-Submitted: auto-generated`), as Jira does: it is taken for answers all the same.'),
  status,
}); // prettier-ignore
export type EmailConfig = z.infer<typeof emailConfig>;

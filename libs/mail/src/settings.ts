import { emailAddress, secret, webAddress } from '#normalizer';
import { secretValues } from '#transport';
import { z } from 'zod';

const address = () =>
  z
    .string()
    .refine((text) => emailAddress(text) !== null, 'expected one mail address, such as support@example.com')
    .overwrite((text) => emailAddress(text) ?? text);
/** One line of text: what becomes part of a header or a command holds no line end. */
const line = (most: number) =>
  z
    .string()
    .regex(/^\P{Cc}+$/u, 'expected one line of text')
    .max(most);
const pem = (name: string) =>
  z.string().regex(/^\s*-----BEGIN [A-Z ]+-----/, `expected the text of a PEM file (${name})`);
const domain = () =>
  z
    .string()
    .regex(/^[a-z0-9.-]{1,253}$/i, 'expected a domain')
    .toLowerCase();

/** How one of the two servers is reached. There is no way without TLS. */
const server = (what: string, port: string, timeoutMs: number) => ({
  host: z.string().regex(/^[^\s/@]{1,253}$/, 'expected a host name or an address').describe(`Host of the ${what} server.`),
  port: z.int().min(1).max(65_535).optional().describe(`Its port. Default: ${port}.`),
  security: z
    .enum(['tls', 'starttls'])
    .default('tls')
    .describe('Encrypted from the first octet, or by STARTTLS, without which nothing is said. There is no way without TLS.'),
  user: line(320).optional().describe('Name to log in with. Default: `address`.'),
  password: secret().optional().describe('Password or authorisation code of this server, where it is not `password`.'),
  tls: z
    .object({
      ca: pem('CERTIFICATE').optional().describe('Certificate of the authority to trust, in place of the public ones.'),
      serverName: domain().optional().describe('Name in the certificate, where it is not the host.'),
    })
    .prefault({})
    .describe('How its certificate is verified.'),
  timeoutMs: z.int().min(100).max(300_000).default(timeoutMs).describe('How long to wait for a connection, and for each answer, milliseconds.'),
}); // prettier-ignore

const imap = z.object({
  ...server('IMAP', '993, and 143 for STARTTLS', 60_000),
  folders: z.array(line(500)).min(1).max(20).default(['INBOX']).describe('Folders in which mail of customers arrives. The first one is watched, the others are looked through every `pollS`.'),
  since: z
    .union([z.literal('now'), z.iso.date()])
    .default('now')
    .describe('What is taken from a folder that is looked at for the first time: mail that comes `now` and later, or all that arrived since a day (2026-01-31).'),
  pollS: z.int().min(1).max(3_600).default(60).describe('How often folders are looked through that are not watched, and all where the server has no IDLE, seconds.'),
  idleS: z.int().min(1).max(1_740).default(25).describe('How long IDLE stands before the server is asked whether it is still there, seconds. A connection that died is found out so long after, and 20 s.'),
  markSeen: z.boolean().default(false).describe('Marks mail as read once it is stored.'),
  moveTo: line(500).optional().describe('Folder into which mail is moved once it is stored. Default: it stays where it is.'),
}).refine(({ folders, moveTo }) => moveTo === undefined || !folders.includes(moveTo), {
  message: 'must not be one of the folders that mail is taken from',
  path: ['moveTo'],
}); // prettier-ignore

const smtp = z.object({
  ...server('SMTP', '465, and 587 for STARTTLS', 30_000),
  maxBytes: z.int().min(65_536).max(150_000_000).default(20_000_000).describe('Largest mail that is sent, bytes as they travel; attachments beyond become links.'),
}); // prettier-ignore

const oauth = z
  .object({
    provider: z.enum(['microsoft', 'google', 'other']).describe('Who gives out the tokens.'),
    tenant: z.string().regex(/^[\w.-]{1,253}$/).optional().describe('Microsoft: directory (tenant) id. Needed for `client-credentials`.'),
    grant: z
      .enum(['client-credentials', 'refresh-token'])
      .default('refresh-token')
      .describe('`client-credentials`: the application itself may open the mailbox (Microsoft; at Google a service account that acts for the mailbox). `refresh-token`: somebody logged in once and allowed it.'),
    clientId: line(500).describe('Application (client) id; for a Google service account its e-mail address.'),
    clientSecret: secret().optional().describe('Client secret. A public client with a refresh token has none.'),
    privateKey: secret().optional().describe('Google service account: its private key (PEM), in place of `clientSecret`.'),
    refreshToken: secret().optional().describe('Refresh token, for the grant of that name.'),
    endpoint: webAddress().optional().describe('Where tokens are fetched. Default: that of the provider.'),
    scope: line(2_000).optional().describe('Scope that is asked for. Default: that of mailboxes at the provider.'),
  })
  .superRefine((given, ctx) => {
    const need = (key: keyof typeof given, when: boolean, message: string) => {
      if (when && given[key] === undefined) ctx.addIssue({ code: 'custom', path: [key], message });
    };
    const own = given.grant === 'client-credentials';
    need('refreshToken', !own, 'is needed for the grant `refresh-token`');
    need('tenant', own && given.provider === 'microsoft' && given.endpoint === undefined, 'is needed for `client-credentials`');
    need('clientSecret', own && given.provider !== 'google', 'is needed for `client-credentials`');
    need('privateKey', own && given.provider === 'google', 'is needed for `client-credentials` at Google');
    need('endpoint', given.provider === 'other', 'is needed where the provider is neither Microsoft nor Google');
  })
  .describe('Log in with OAuth 2 (XOAUTH2 or OAUTHBEARER) in place of a password: Microsoft 365 and Gmail.'); // prettier-ignore

const proof = z
  .object({
    servers: z
      .array(line(253).toLowerCase())
      .max(20)
      .default([])
      .describe('Names (authserv-id) under which your own mail servers write `Authentication-Results`, such as mx.google.com. What others wrote is never believed: your servers must remove what comes under their names.'),
    verify: z.boolean().default(true).describe('Verifies DKIM ourselves, where none of `servers` said anything: a signature by the domain of From, or one above it.'),
  })
  .prefault({})
  .describe('What proves that a mail is from whom it says. Without proof a sender is `claimed`, and shares no conversation with a proven one.'); // prettier-ignore

const dkim = z
  .object({
    domain: domain().describe('Domain that signs: that of `address`.'),
    selector: domain().describe('Selector of its key in DNS.'),
    privateKey: secret().describe('Private key (PEM).'),
  })
  .optional()
  .describe('Signs outgoing mail with DKIM here. Leave it out where your mail server signs.');

/**
 * Settings of a mailbox, whoever uses it: how it is read, how mail is sent from it, what proves who wrote, what marks our mail. To be spread into the
 * settings of a channel or a connector, with `demandLogin` as their refinement.
 */
export const mailboxSettings = {
  address: address().describe('Address of the mailbox: what mail comes to, and what ours comes from.'),
  name: line(200).optional().describe('Name beside the address, such as Example Support.'),
  aliases: z.array(address()).max(50).default([]).describe('Further addresses of the mailbox: mail from them is our own, and no customer.'),
  imap: imap.describe('Where mail is fetched.'),
  smtp: smtp.describe('Where mail is sent.'),
  password: secret().optional().describe('Password of the mailbox, app password or authorisation code.'),
  oauth: oauth.optional(),
  authentication: proof,
  replySecret: secret().min(16).optional().describe('Signs the marks by which an answer is recognised. Default: derived from the password or client secret; set it so that marks outlive a change of those.'),
  replyAddress: z.enum(['plus', 'none']).default('none').describe('`plus`: answers come to support+MARK@example.com, which your server must deliver to the mailbox.'),
  replyDays: z.int().min(1).max(3_650).default(180).describe('How long such a mark is good for, days.'),
  dkim,
  saveSent: z.boolean().default(false).describe('Puts a copy of what was sent into the Sent folder. Gmail and Microsoft 365 do that by themselves.'),
  maxBytes: z.int().min(65_536).max(150_000_000).default(35_000_000).describe('Largest mail that is read, bytes; of a larger one only the header is, and a note says so.'),
}; // prettier-ignore
const mailbox = z.object(mailboxSettings);
/** A mailbox as it is used: settings that are checked. */
export type Mailbox = z.infer<typeof mailbox>;

/** Refines settings of a mailbox: there is a way to log in to both of its servers. */
export function demandLogin({ imap: reads, smtp: sends, password, oauth: tokens }: Mailbox, ctx: z.RefinementCtx): void {
  if (tokens || password !== undefined || (reads.password !== undefined && sends.password !== undefined)) return;
  ctx.addIssue({ code: 'custom', path: ['password'], message: 'give a password, or `oauth`' });
} // prettier-ignore

/** The secrets among the settings of a mailbox: none of them may be told. */
export function secretsOf(config: Mailbox): string[] {
  return secretValues(mailbox, config);
}

/** Port of a server, where none is set: those of implicit TLS (RFC 8314), or of STARTTLS. */
export function portOf(config: Mailbox, protocol: 'imap' | 'smtp'): number {
  const { port, security } = config[protocol];
  const usual = { imap: { tls: 993, starttls: 143 }, smtp: { tls: 465, starttls: 587 } };
  return port ?? usual[protocol][security];
}

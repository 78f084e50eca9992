import type { Readable } from 'node:stream';
import DKIM from 'nodemailer/lib/dkim';
import MailComposer, { type MailComposerAttachment } from 'nodemailer/lib/mail-composer';
import type { SMTPEnvelope } from 'nodemailer/lib/smtp-connection';
import type { MailContext } from '../context.js';
import type { Mailbox } from '../settings.js';
import { LOOP_HEADER, loopMark } from '../token/index.js';
import type { Identity } from './identity.js';
import { oneLine } from './one-line.js';

/** A mail that is to be sent. */
export interface OutgoingMail {
  readonly identity: Identity;
  readonly subject: string;
  /** Name beside the address of the mailbox. Default: that of the settings. */
  readonly name?: string;
  readonly content: MailContent;
  /** No person wrote it: what it is of RFC 3834. Programs that answer by themselves then do not. */
  readonly automatic?: 'auto-generated' | 'auto-replied';
  /** Further headers, for rules of whoever gets it. */
  readonly headers?: Readonly<Record<string, string>>;
}

/** What a mail says and carries. */
export interface MailContent {
  readonly text: string;
  readonly html?: string | undefined;
  readonly attachments: readonly MailComposerAttachment[];
  /** How large it gets as it travels, bytes, at most. */
  readonly bytes: number;
}

/** A mail, ready to be handed over. */
export interface ComposedMail {
  readonly envelope: SMTPEnvelope;
  /** The mail as octets, made while it is read; once only. */
  readonly source: Readable;
}

/** Makes the octets of a mail. Nothing in it can become a header that is not meant to be one. The same twice, but for its date. */
export function compose(mail: OutgoingMail, { config, now }: Pick<MailContext, 'config' | 'now'>): ComposedMail {
  const { identity, content } = mail;
  const { text, html, attachments, bytes } = content;
  const name = oneLine(mail.name ?? config.name ?? '');
  const node = new MailComposer({
    from: { name, address: config.address },
    to: { name: '', address: identity.to },
    ...(identity.replyTo && { replyTo: { name, address: identity.replyTo } }),
    subject: oneLine(mail.subject),
    messageId: `<${identity.messageId}>`,
    references: identity.references.map((id) => `<${id}>`),
    ...(identity.inReplyTo !== undefined && { inReplyTo: `<${identity.inReplyTo}>` }),
    date: new Date(now()),
    headers: headersOf(mail, config),
    ...{ text, ...(html !== undefined && { html }), attachments: [...attachments] },
    ...{ disableFileAccess: true, disableUrlAccess: true, newline: 'win', baseBoundary: identity.messageId.slice(-40) },
  }).compile();
  if (config.dkim) sign(node, config.dkim);
  return { envelope: envelopeOf(identity, config, bytes), source: node.createReadStream() };
}

/**
 * Whom it is from and whom to. A server that reports what becomes of mail (RFC 3461) is asked to report failures alone, with the id of the envelope, which
 * stands in its report whatever it returns of the mail, and with whom we wrote to, wherever that was passed on to.
 */
function envelopeOf({ to, envelopeId }: Identity, { address }: Mailbox, bytes: number): SMTPEnvelope {
  return {
    ...{ from: address, to: [to], size: bytes, use8BitMime: !isAscii(to + address) },
    dsn: { ret: 'HDRS', notify: ['FAILURE'], envid: envelopeId, ...(isAscii(to) && { orcpt: `rfc822;${to}` }) },
  };
}

/** What tells other programs that no person wrote it (RFC 3834), and ourselves that it was us. */
function headersOf({ automatic, headers }: OutgoingMail, config: Mailbox): Record<string, string> {
  const mark = { ...headers, [LOOP_HEADER]: loopMark(config) };
  return automatic ? { ...mark, 'Auto-Submitted': automatic, 'X-Auto-Response-Suppress': 'All' } : mark;
}

function sign(node: ReturnType<MailComposer['compile']>, dkim: NonNullable<Mailbox['dkim']>): void {
  const { domain: domainName, selector: keySelector, privateKey } = dkim;
  const signer = new DKIM({ domainName, keySelector, privateKey });
  node.processFunc((input) => signer.sign(input as Readable));
}

export function isAscii(text: string): boolean {
  return /^[\x20-\x7e]*$/.test(text);
}

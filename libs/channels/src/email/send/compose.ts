import type { Readable } from 'node:stream';
import type { MediaPart, OutboundUnit } from '#normalizer';
import DKIM from 'nodemailer/lib/dkim';
import MailComposer from 'nodemailer/lib/mail-composer';
import type { SMTPEnvelope } from 'nodemailer/lib/smtp-connection';
import type { AdapterContext } from '../../core/adapter.js';
import type { EmailConfig } from '../email.config.js';
import { LOOP_HEADER, loopMark } from '../token/index.js';
import { bodyOf, referredIn } from './body.js';
import { identify, type Identity } from './identity.js';
import { carry } from './media.js';
import { textBytes } from './sizes.js';
import { oneLine, subjectOf } from './subject.js';

type Context = Pick<AdapterContext<EmailConfig>, 'accountId' | 'config' | 'openFile' | 'fileUrl' | 'now'>;

/** RFC 3461 section 4.4. */
const LONGEST_ENVELOPE_ID = 100;

/** A mail, ready to be handed over. */
export interface Mail {
  readonly identity: Identity;
  readonly envelope: SMTPEnvelope;
  /** The mail as octets, made while it is read; once only. */
  readonly source: Readable;
}

/**
 * Makes the mail of a unit, of at most `maxBytes` as it travels: files that do not fit become addresses. Nothing in it can become a
 * header that is not meant to be one. Two attempts of a unit make the same mail, but for its date.
 */
export function compose(unit: OutboundUnit, ctx: Context, maxBytes: number): Mail {
  const { config } = ctx;
  const identity = identify(unit, ctx);
  const { attachments, bytes, text, html } = contentOf(unit, ctx, maxBytes);
  const node = new MailComposer({
    from: { name: oneLine(config.name ?? ''), address: config.address },
    to: { name: '', address: identity.to },
    ...(identity.replyTo && { replyTo: { name: oneLine(config.name ?? ''), address: identity.replyTo } }),
    subject: subjectOf(unit, oneLine(config.name ?? config.address)),
    messageId: `<${identity.messageId}>`,
    references: identity.references.map((id) => `<${id}>`),
    ...(identity.inReplyTo !== undefined && { inReplyTo: `<${identity.inReplyTo}>` }),
    date: new Date(ctx.now()),
    headers: headersOf(unit, config),
    ...{ text, ...(html !== undefined && { html }), attachments: [...attachments] },
    ...{ disableFileAccess: true, disableUrlAccess: true, newline: 'win', baseBoundary: identity.messageId.slice(-40) },
  }).compile();
  if (config.dkim) sign(node, config.dkim);
  const envelope = envelopeOf(identity, config, bytes);
  return { identity, envelope, source: node.createReadStream() };
}

/**
 * Whom it is from and whom to. A server that reports what becomes of mail (RFC 3461) is asked to report failures alone, with our id, which
 * stands in its report whatever it returns of the mail.
 */
function envelopeOf({ to, messageId }: Identity, { address }: EmailConfig, bytes: number): SMTPEnvelope {
  const named = messageId.length <= LONGEST_ENVELOPE_ID && { envid: messageId };
  return {
    ...{ from: address, to: [to], size: bytes, use8BitMime: !isAscii(to + address) },
    dsn: { ret: 'HDRS', notify: ['FAILURE'], ...named },
  };
}

function contentOf({ parts }: OutboundUnit, ctx: Context, maxBytes: number) {
  const media = parts.filter((part): part is MediaPart => part.type === 'media');
  const referred = referredIn(parts);
  // The longest that the texts can get: with an address in place of every file.
  const none = carry(media, { room: 0, referred, ctx });
  const longest = bodyOf(parts, none.links, referred);
  const room = maxBytes - textBytes(longest.text, longest.html ?? '');
  const { attachments, links, shown, bytes } = carry(media, { room, referred, ctx });
  const { text, html } = bodyOf(parts, links, shown);
  return { attachments, text, html, bytes: bytes + textBytes(text, html ?? '') };
}

/** What tells other programs that no person wrote it (RFC 3834), and ourselves that it was us. */
function headersOf(unit: OutboundUnit, config: EmailConfig): Record<string, string> {
  const mark = { [LOOP_HEADER]: loopMark(config) };
  if (unit.notice !== true && unit.author?.kind !== 'bot') return mark;
  const submitted = unit.replyTo === undefined ? 'auto-generated' : 'auto-replied';
  return { ...mark, 'Auto-Submitted': submitted, 'X-Auto-Response-Suppress': 'All' };
}

function sign(node: ReturnType<MailComposer['compile']>, dkim: NonNullable<EmailConfig['dkim']>): void {
  const { domain: domainName, selector: keySelector, privateKey } = dkim;
  const signer = new DKIM({ domainName, keySelector, privateKey });
  node.processFunc((input) => signer.sign(input as Readable));
}

export function isAscii(text: string): boolean {
  return /^[\x20-\x7e]*$/.test(text);
}

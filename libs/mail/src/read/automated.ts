import type { Mailbox } from '../settings.js';
import { CONVERSATION_HEADER, LOOP_HEADER, loopMark } from '../token/index.js';
import { idsOf, textOf, valueOf, valuesOf, type Headers } from './headers.js';
import { ourIds } from './report.js';

/** Mail that went round more often than any honest one (RFC 5321 section 6.3 asks servers to allow 100). */
const MOST_HOPS = 50;
const ROBOTS =
  /^(?:mailer-daemon|postmaster|no-?_?reply|do-?_?not-?_?reply|bounces?|auto-?reply|notifications?)(?:[+-].*)?$/;
const SUBJECTS =
  /^\s*(?:automatic reply|auto(?:matic)?[ -]?(?:reply|response)|out of (?:the )?office|away from my mail|vacation (?:reply|response|message)|(?:automatische )?abwesenheitsnotiz|absence du bureau|fuera de (?:la )?oficina|afwezigheidsbericht|自动回复|自动答复|自動回覆|自動返信|外出时的自动回复|automatische antwort|réponse automatique|respuesta automática)\s*(?:[:：]|$)/i;
/** Headers of which one is enough: lists and mailings (RFC 2369, 2919), and what programs put on answers of their own. */
const TELLTALES = [
  'list-id',
  'list-post',
  'list-unsubscribe',
  'x-autoreply',
  'x-autorespond',
  'x-autoresponse',
  'x-auto-reply-from',
  'x-mail-autoreply',
  'feedback-id',
];

const REPLIES = ['x-autoreply', 'x-autorespond', 'x-autoresponse', 'x-auto-reply-from', 'x-mail-autoreply'];

/** What a program says of an answer that nobody wrote, whoever it is from: it is on holiday, or has got the mail. */
export const AUTOMATIC_REPLY = 'an automatic reply';

/** Why a mail was sent by a program on its own, in words; null where a person sent it, as far as can be seen (RFC 3834). */
export function automationOf(headers: Headers, address: string | null): string | null {
  return signsOf(headers, address)[0] ?? null;
}

/** Everything by which it can be seen that a program sent a mail, the surest first; `AUTOMATIC_REPLY` last, where it is one. */
export function signsOf(headers: Headers, address: string | null): string[] {
  const submitted = valueOf(headers, 'auto-submitted').toLowerCase().split(/[;\s]/)[0]!;
  const precedence = valueOf(headers, 'precedence');
  const telltales = TELLTALES.filter((name) => valueOf(headers, name) !== '');
  const said = SUBJECTS.test(textOf(valueOf(headers, 'subject')));
  const replied = submitted === 'auto-replied' || /^auto_reply\b/i.test(precedence) || said || telltales.some((name) => REPLIES.includes(name));
  return [
    ...(submitted !== '' && submitted !== 'no' ? ['Auto-Submitted'] : []),
    ...(/^(?:bulk|list)\b/i.test(precedence) ? ['Precedence'] : []),
    ...(/^(?:junk|auto_reply)\b/i.test(precedence) ? ['Precedence: junk'] : []),
    ...(valueOf(headers, CONVERSATION_HEADER.toLowerCase()) !== '' ? ['what a gateway told a ticket system'] : []),
    ...telltales,
    ...(/\b(?:all|oof|autoreply)\b/i.test(valueOf(headers, 'x-auto-response-suppress')) ? ['X-Auto-Response-Suppress'] : []),
    ...(/^<\s*>$/.test(valueOf(headers, 'return-path')) ? ['no sender of the envelope'] : []),
    ...(/^multipart\/report\b/i.test(valueOf(headers, 'content-type')) ? ['a report'] : []),
    ...(ROBOTS.test(address?.split('@')[0] ?? '') ? ['the address of a program'] : []),
    ...(said ? ['its subject'] : []),
    ...(valuesOf(headers, 'received').length > MOST_HOPS ? ['a loop'] : []),
    ...(replied ? [AUTOMATIC_REPLY] : []),
  ];
} // prettier-ignore

const BOUNCERS = /^(?:mailer-daemon|postmaster|mail-daemon)@/;
const RETURNED =
  /undeliver|delivery (?:status|failure|has failed|failed|problem)|mail delivery|returned (?:mail|to sender)|failure notice|could not be delivered|退信|无法送达|投递失败|发送失败|未能送达|無法傳遞/i;
const LATE = /delay|warning|will be retried|延迟|延遲|稍后重试/i;

/**
 * Mail of a server that says, in whatever form, that mail did not arrive (`returned`) or will do so later (`late`): by the address of such
 * programs or by its subject, and no answer that somebody's program gave in their absence.
 */
export function bounceOf(headers: Headers, address: string | null): 'returned' | 'late' | null {
  if (/^auto-replied/i.test(valueOf(headers, 'auto-submitted'))) return null;
  const subject = textOf(valueOf(headers, 'subject'));
  if (!BOUNCERS.test(address ?? '') && !RETURNED.test(subject)) return null;
  return LATE.test(subject) ? 'late' : 'returned';
}

/**
 * Does mail bear an id of ours as its own, or our mark where a server gave it another id? From our address it is what this gateway wrote,
 * come back; from another one somebody's program made it of ours.
 */
export function bearsOurs(headers: Headers, config: Mailbox): boolean {
  const domain = config.address.slice(config.address.lastIndexOf('@') + 1);
  const [id] = idsOf(valueOf(headers, 'message-id'));
  return (id !== undefined && isOurId(id, domain)) || valueOf(headers, LOOP_HEADER.toLowerCase()) === loopMark(config);
}

/**
 * Was it handed to this mailbox, or to a list? By what servers write when they do that, and neither senders nor those that keep a copy of what is sent: Gmail
 * writes Return-Path on copies, too.
 */
export function wasDelivered(headers: Headers): boolean {
  return ['delivered-to', 'x-original-to', 'envelope-to', 'x-envelope-to', 'list-id'].some(
    (name) => valueOf(headers, name) !== '',
  );
}

export function isOurId(id: string, domain: string): boolean {
  return ourIds(id)[0] === id && id.toLowerCase().endsWith(`@${domain}`);
}

/** Mail from an address of the mailbox that the gateway did not write: somebody else did, by another program, or a form of a web site. */
export function isFromOurAddress(address: string | null, config: Mailbox): boolean {
  return address !== null && (address === config.address || config.aliases.includes(address));
}

import { emailAddress, type InboundEventInput } from '#normalizer';
import {
  failureOf,
  isOurId,
  isProvenKey,
  readEnvelopeId,
  readToken,
  replySecretOf,
  type IncomingMail,
  type Report,
} from '#mail';
import type { AccountContext } from './context.js';

type Receipt = Extract<InboundEventInput, { kind: 'receipt' }>;
type Failure = NonNullable<Receipt['failure']>;
type Recipient = Report['recipients'][number];

interface Base {
  readonly dedupeKey: string;
  readonly occurredAt: string;
}

/** A report, the mail that brings it, and what its events begin with. */
interface Reported {
  readonly report: Report;
  readonly mail: IncomingMail;
  readonly base: Base;
  readonly context: AccountContext;
}

/**
 * What a report tells of mail of ours: a receipt, a complaint, or nothing new (delayed, deleted unread). Undefined where it is about no mail of ours, where
 * nothing shows that it is by a server on the way of that mail (`vouched`), or where it says nothing that is known: then it is a mail like others.
 */
export async function eventsOfReport(mail: IncomingMail, base: Base, context: AccountContext): Promise<InboundEventInput[] | undefined> {
  const { report } = mail;
  if (!report) return undefined;
  const reported = { report, mail, base, context };
  switch (report.kind) {
    case 'delivery':
      return ofDelivery(reported);
    case 'disposition':
      return ofDisposition(reported);
    case 'complaint':
      return complaint(reported);
    case 'unstructured':
      return ofWords(reported);
  }
} // prettier-ignore

async function ofDelivery(reported: Reported): Promise<InboundEventInput[] | undefined> {
  const found = await vouched(reported);
  if (!found || found.recipients.length === 0) return undefined;
  const failed = found.recipients.find(({ action }) => action === 'failed');
  if (failed) {
    const theirs = threadFor(failed.final, found.id, reported.context) !== null;
    return receipt(reported, found.id, 'failed', cameBack(failed.status, failed.diagnostic, theirs));
  }
  const delivered = found.recipients.some(({ action }) => ['delivered', 'relayed', 'expanded'].includes(action));
  return delivered ? receipt(reported, found.id, 'delivered') : [];
}

/**
 * The mail of ours that a report of delivery is about, and what it says of whom it went to. Whoever has the mail knows its id, and can write a report. Believed is:
 *
 * - one that names the id of the envelope, which servers on the way alone were told (RFC 3461);
 * - else one without a sender of the envelope (RFC 3464 section 2), as far as our server writes who that was, that says of the very person we wrote to what
 *   became of it: the token in the id of the mail is good for no other;
 * - else, where mail for that person was passed on to another address that the report names alone, one that our server wrote to be without such a sender, and
 *   that is proven to be from the domain of that person, of our mailbox, or of the server that took the mail from us.
 */
async function vouched({ report, mail, context }: Reported): Promise<{ id: string; recipients: readonly Recipient[] } | undefined> {
  const { accountId, config } = context;
  const owner = { secret: replySecretOf(config), owner: accountId, domain: domainOf(config.address) };
  const enveloped = readEnvelopeId(report.envelopeId, owner);
  if (enveloped !== null) return { id: enveloped, recipients: report.recipients };
  const id = ownId(report, context);
  if (id === undefined || !isWithoutSender(mail)) return undefined;
  const meant = (addresses: readonly string[]) => addresses.find((address) => threadFor(address, id, context) !== null);
  const theirs = report.recipients.filter(({ addresses }) => meant(addresses) !== undefined);
  if (theirs.length > 0) return { id, recipients: theirs };
  const person = meant(report.named);
  return person !== undefined && mail.returnPath === '' && (await isOnTheWay(mail, person, context)) ? { id, recipients: report.recipients } : undefined;
} // prettier-ignore

/**
 * Mailboxes that servers have, and people do not: RFC 2142; Exchange; who passes complaints on at Yahoo (feedback@arf.mail.yahoo.com) and Microsoft
 * (staff@hotmail.com). Everybody at a large provider has its proof, which holds for a mail that they signed and send on without a sender, too.
 */
const SERVERS = /^(?:mailer-daemon|mail-daemon|postmaster|abuse|feedback|staff|microsoftexchange[0-9a-f]+)(?:[+-].*)?@/;

/** Is the author a server, proven, and of a domain through which mail to this person goes? */
async function isOnTheWay({ author, doubt }: IncomingMail, person: string, { config }: AccountContext) {
  const domain = domainOf(author.address ?? '');
  if (!SERVERS.test(author.address ?? '') || !domain.includes('.')) return false;
  const way = [domainOf(person), domainOf(config.address), config.smtp.host].map((name) => name.toLowerCase());
  const related = way.some((name) => name === domain || name.endsWith(`.${domain}`) || domain.endsWith(`.${name}`));
  return related && (await doubt()) === undefined;
}

/** Servers that keep to no standard say it in words: of whom, and of which mail, they must say all the same. */
function ofWords(reported: Reported): InboundEventInput[] | undefined {
  const { report, mail, context } = reported;
  const id = ownId(report, context);
  if (id === undefined || mail.bounce === null || !isWithoutSender(mail)) return undefined;
  if (!report.named.some((address) => threadFor(address, id, context) !== null)) return undefined;
  if (mail.bounce === 'late') return [];
  const status = /\b([245]\.\d{1,3}\.\d{1,3})\b/.exec(report.said)?.[1] ?? '';
  if (status.startsWith('2')) return undefined;
  const known = [domainOf(context.config.address), domainOf(mail.author.address ?? '')];
  const theirs = report.named.every(
    (one) => threadFor(one, id, context) !== null || known.includes(domainOf(one).toLowerCase()),
  );
  return receipt(reported, id, 'failed', cameBack(status, report.said, theirs));
}

/** Why a mail failed. That there is nobody lasts only where it is said of whom we wrote to (`theirs`): who passes mail on has it, whatever becomes of it behind them. */
function cameBack(status: string, said: string, theirs: boolean): Failure {
  const { lasting, ...failure } = failureOf(status, said);
  return { ...failure, ...(theirs && lasting && { lasting }) };
}

/**
 * Whoever it was forwarded to may have read it, too, and whoever has the mail can say so: believed is whom it went to, who writes it themselves (RFC 8098
 * section 3), with the proof that their thread has.
 */
async function ofDisposition(reported: Reported): Promise<InboundEventInput[] | undefined> {
  const { report, mail, context } = reported;
  const id = ownId(report, context);
  const thread = id === undefined ? null : threadFor(mail.author.address ?? '', id, context);
  if (id === undefined || thread === null) return undefined;
  if (isProvenKey(thread) !== false && (await mail.doubt()) !== undefined) return undefined;
  return report.said === 'displayed' ? receipt(reported, id, 'read') : [];
}

/** What a report of reading tells of a mail whose id a server gave it: to whom that went the store alone knows. */
export interface ReadElsewhere {
  readonly id: string;
  /** Null where they did not read it. */
  readonly event: InboundEventInput | null;
}

/** Undefined where a mail is no such report. */
export function readElsewhere(mail: IncomingMail, base: Base, context: AccountContext): ReadElsewhere | undefined {
  const { report } = mail;
  const [id] = report?.ids ?? [];
  if (report?.kind !== 'disposition' || id === undefined || ownId(report, context) !== undefined) return undefined;
  const [event] = receipt({ report, mail, base, context }, id, 'read');
  return { id, event: report.said === 'displayed' ? event! : null };
}

/**
 * Only who got the very mail can complain of it, since its id holds a token of theirs; and who else was sent it knows that id. Believed is a server on the way. It
 * may have a sender of the envelope: that of Yahoo has (help.yahoo.com, SLN26007).
 */
async function complaint({ report, mail, base, context }: Reported): Promise<InboundEventInput[] | undefined> {
  const id = ownId(report, context);
  const address = emailAddress(report.address);
  const thread = id === undefined ? null : threadFor(report.address, id, context);
  if (address === null || thread === null || report.said === 'not-spam') return undefined;
  if (!(await isOnTheWay(mail, address, context))) return undefined;
  const sender = { handles: [{ scheme: 'email', value: address, proof: 'claimed' as const }] };
  return [
    { kind: 'opted-out', ...base, thread, sender, reason: `complaint: ${report.said || 'abuse'}`, untilWritten: true },
  ];
}

function receipt({ base }: Reported, externalId: string, ...[status, failure]: [Receipt['status'], Failure?]): Receipt[] {
  return [{ kind: 'receipt', ...base, externalId, status, ...(failure && { failure }) }];
} // prettier-ignore

/** Reports have no sender to whom they could come back (RFC 5321 section 4.5.5). Undefined: our server does not write who it was. */
function isWithoutSender({ returnPath }: IncomingMail): boolean {
  return returnPath === undefined || returnPath === '';
}

/** An id of the form that we give to mail. */
function ownId(report: Report, { config }: AccountContext): string | undefined {
  return report.ids.find((id) => isOurId(id, domainOf(config.address)));
}

/** The thread of the mail `id`, where it went to this very address; else null. */
function threadFor(text: string, id: string, { accountId, config, now }: AccountContext): string | null {
  const address = emailAddress(text);
  if (address === null) return null;
  return readToken([id], { secret: replySecretOf(config), accountId, address, now, maxAgeDays: config.replyDays });
}

function domainOf(address: string): string {
  return address.slice(address.lastIndexOf('@') + 1);
}

import {
  AUTOMATIC_REPLY,
  failureOf,
  isOurId,
  octetsIn,
  readEnvelopeId,
  readMail,
  replySecretOf,
  writeLocation,
  type IncomingMail,
  type Report,
  type Source,
  type Where,
} from '#mail';
import type { PartInput } from '#normalizer';
import type { AnswerFile, HelpdeskAction } from '../core/connector.js';
import { answered, statusChanged, type TicketStatus } from '../tickets/index.js';
import { tagIn } from './tag.js';
import { keepThread, recallThread, ticketIn, type Context } from './thread.js';
import { withoutInternal } from './words.js';

/** Signs of a program that ticket systems put on what agents write, too. */
const ALSO_ON_ANSWERS = new Set(['Precedence', 'X-Auto-Response-Suppress', 'list-id', 'list-post', 'list-unsubscribe', 'feedback-id', 'the address of a program']); // prettier-ignore
/** What stands for the words of a mail that has none. */
const EMPTY = 'mail: empty';
const STATUSES = ['closed', 'pending', 'open'] as const satisfies readonly TicketStatus[];

/** What a mail in our mailbox tells: an answer of an agent, a status, that a mail of ours came back; mostly nothing. */
export async function actionsOf(source: Source, where: Where, ctx: Context): Promise<readonly HelpdeskAction[]> {
  const { uid, octets, arrived, whole } = source;
  const location = writeLocation({ ...where, uid }, octets);
  const now = ctx.now();
  const mail = await readMail(octets, { config: ctx.config.mailbox, location, receivedAt: arrived ?? now, now });
  if (!mail) return [];
  if (mail.report) return cameBack(mail, ctx);
  const ticketId = ticketIn([...mail.returned, mail.subject], ctx);
  if (ticketId === null) return unmarked(mail, ctx);
  const doubt = await doubtOf(mail, ctx);
  if (doubt === null) await learn(mail, ticketId, ctx);
  const status = statusIn(mail, ctx);
  const done = { id: mail.digest, ticketId };
  if (status) return doubt === null ? [statusChanged(done, status)] : [];
  if (isAutomatic(mail, ctx)) return [];
  return answerOf(mail, { ticketId, ctx, doubt, whole });
}

/**
 * An answer without a mark of ours: nobody knows whose it is. The gateway finds no such ticket, and keeps it where operators see it. What is not proven to be from
 * whom answers come is none.
 */
async function unmarked(mail: IncomingMail, ctx: Context): Promise<readonly HelpdeskAction[]> {
  if (isAutomatic(mail, ctx) || statusIn(mail, ctx) || (await doubtOf(mail, ctx)) !== null) return [];
  const ticketId = `without a mark of ours: ${mail.subject}`.slice(0, 200);
  return answerOf(mail, { ticketId, ctx, doubt: null, whole: true });
}

function statusIn({ subject }: IncomingMail, { config }: Context): TicketStatus | undefined {
  return STATUSES.find((one) => config.status.marks[one].some((mark) => subject.includes(mark)));
}

/** Why nobody vouches that a mail is an answer, in words; null where it is proven to be from whom answers come. */
async function doubtOf({ author, doubt }: IncomingMail, { config }: Context): Promise<string | null> {
  const { address } = author;
  if (address === null) return 'it names no sender';
  const domain = address.slice(address.lastIndexOf('@') + 1);
  if (!config.answersFrom.some((one) => one === address || one === domain))
    return `its sender ${address} is not among \`answersFrom\``;
  const why = await doubt();
  return why === undefined ? null : `its sender ${address} is not proven (${why})`;
}

/** Keeps the tag by which the system knows the ticket. */
async function learn({ subject }: IncomingMail, ticketId: string, ctx: Context): Promise<void> {
  const kept = await recallThread(ticketId, ctx);
  if (!kept) return;
  const tag = ctx.config.subjectTag === 'none' ? null : tagIn(subject, kept.subject);
  if (kept.answered && (tag === null || tag === kept.tag)) return;
  await keepThread(ticketId, { ...kept, answered: true, ...(tag !== null && { tag }) }, ctx);
}

/** Did a program write it, and no agent? What a system puts on everything says nothing. */
function isAutomatic({ signs, bounce, fromUs }: IncomingMail, { config }: Context): boolean {
  if (signs.includes(AUTOMATIC_REPLY) || bounce !== null || fromUs) return true;
  return signs.some((sign) => !ALSO_ON_ANSWERS.has(sign) && !(sign === 'Auto-Submitted' && config.machineAnswers));
}

interface About {
  readonly ticketId: string;
  readonly ctx: Context;
  /** Why nobody vouches for it. */
  readonly doubt: string | null;
  /** Is it all there, and not its head alone? */
  readonly whole: boolean;
}

function answerOf(mail: IncomingMail, { ticketId, ctx, doubt, whole }: About): readonly HelpdeskAction[] {
  const { author, parts, subject, digest } = mail;
  const [unreadable] = parts.flatMap((part) =>
    part.type === 'unsupported' && part.providerType !== EMPTY ? part : [],
  );
  const words = parts.map(textOf).filter(Boolean).join('\n\n');
  const text = words === subject ? '' : withoutInternal(words);
  const files = parts.flatMap(fileOf);
  if (text === '' && files.length === 0 && !unreadable && whole) return [];
  const tooLarge = whole ? null : 'it is larger than `mailbox.maxBytes`';
  const why = doubt ?? tooLarge ?? (unreadable ? `it cannot be read (${unreadable.providerType})` : null);
  const said = why === null ? { text, files } : { text: text || subject || '-' };
  const name = author.name?.replace(/\s+via\s+\S+$/i, '') ?? author.address;
  const actions = answered({ id: digest, ticketId, ...said, author: { name } }, ctx.config);
  if (why === null) return actions;
  const refusal = { code: 'unauthorized', message: `an answer by mail was not passed on: ${why}` } as const;
  return actions.map((action) => (action.kind === 'reply' ? { ...action, refusal } : action));
}

/** A file of an answer; the mail itself is none. */
function fileOf(part: PartInput): AnswerFile[] {
  if (part.type !== 'media' || part.purpose === 'original' || part.ref === undefined) return [];
  const { ref, name, mimeType } = part;
  return [{ ref, ...(name && { name }), ...(mimeType && { mimeType }) }];
}

function textOf(part: PartInput): string {
  return part.type === 'text' || part.type === 'html' ? part.text : '';
}

/**
 * A report that a mail of ours did not arrive, or nothing. It names the id of the envelope, which servers alone were told, or else the id of the mail, and
 * comes without a sender of its own (RFC 3464 section 2), as far as our server writes that.
 */
async function cameBack(mail: IncomingMail, ctx: Context): Promise<readonly HelpdeskAction[]> {
  const { report, bounce, digest, returnPath } = mail;
  const messageId = report && reportedId(report, { returnPath, ctx });
  const ticketId = messageId ? ticketIn([messageId], ctx) : null;
  const event = messageId ? octetsIn(messageId, 16) : null;
  if (!report || ticketId === null || event === null) return [];
  const failed = report.recipients.find(({ action }) => action === 'failed');
  const returned = report.kind === 'unstructured' && bounce === 'returned';
  if (!failed && !returned) return [];
  const { code, message } = failed ? failureOf(failed.status, failed.diagnostic) : failureOf('', report.said);
  const eventId = `evt_${event.toString('hex')}`;
  const kept = await recallThread(ticketId, ctx);
  if (kept) await keepThread(ticketId, { ...kept, returned: [...new Set([...(kept.returned ?? []), eventId])] }, ctx);
  return [{ kind: 'undelivered', dedupeKey: `returned:${digest}`, ticketId, eventId, failure: { code, message } }];
}

function reportedId(
  report: Report,
  { returnPath, ctx }: { returnPath: string | undefined; ctx: Context },
): string | null {
  const { address } = ctx.config.mailbox;
  const domain = address.slice(address.lastIndexOf('@') + 1);
  const owner = { secret: replySecretOf(ctx.config.mailbox), owner: ctx.destinationId, domain };
  const named = returnPath ? undefined : report.ids.find((id) => isOurId(id, domain));
  return readEnvelopeId(report.envelopeId, owner) ?? named ?? null;
}

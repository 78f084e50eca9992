import { readMail, writeLocation, type IncomingMail, type Source, type Where } from '#mail';
import type { PartInput } from '#normalizer';
import type { AnswerFile, HelpdeskAction } from '../core/connector.js';
import { answered, statusChanged, type TicketStatus } from '../tickets/index.js';
import { doubtOf, isAutomatic, isEcho, isOfProgram } from './belief.js';
import { cameBack } from './reports.js';
import { tagIn } from './tag.js';
import { keepThread, recallThread, ticketsIn, type Context, type Kept } from './thread.js';
import { withoutInternal } from './words.js';

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
  const returned = await cameBack(mail, ctx);
  if (returned) return [returned];
  const ticketIds = ticketsIn([...mail.returned, mail.subject], ctx);
  const [ticketId] = ticketIds;
  const doubt = await doubtOf(mail, ctx);
  if (ticketId === undefined) return isEcho(mail, ctx) ? [] : unmarked(mail, { ctx, doubt });
  const kept = await recallThread(ticketId, ctx);
  if (doubt === null && ticketIds.length === 1) await learn(mail, { ticketId, kept, ctx });
  // Automatic answers to what we wrote are ours as well, by what the system says; they tell the tag.
  if (isEcho(mail, ctx)) return [];
  const externalId = kept?.conversation;
  const status = statusIn(mail, kept, ctx);
  if (status && doubt !== null) return [];
  if (status)
    return ticketIds.map((id) =>
      statusChanged({ id: keyOf(mail, id), ticketId: id, ...(id === ticketId && { externalId }) }, status),
    );
  if (isAutomatic(mail, ctx)) return [];
  if (isOfProgram(mail, ctx)) return ofProgram(mail, { ctx, doubt });
  const several = ticketIds.length > 1 ? SEVERAL : null;
  return answerOf(mail, { ticketId, externalId, ctx, doubt: doubt ?? several, whole });
}

const SEVERAL =
  'it bears the marks of several conversations, as answers in merged tickets do, and would go to one customer alone: answer each by itself';

interface Judged {
  readonly ctx: Context;
  /** Why nobody vouches for it. */
  readonly doubt: string | null;
}

/**
 * An answer without a mark of ours: nobody knows whose it is. The gateway finds no such ticket, and keeps it where operators see it. What is not proven to be from
 * whom answers come is none.
 */
function unmarked(mail: IncomingMail, { ctx, doubt }: Judged): readonly HelpdeskAction[] {
  if (isAutomatic(mail, ctx)) return [];
  return isOfProgram(mail, ctx) ? ofProgram(mail, { ctx, doubt }) : ofNobody('without a mark of ours', mail, { ctx, doubt }); // prettier-ignore
}

/** What noreply@ writes is an answer or a notification: nobody knows. It is kept where operators see it, and no mail is sent for it, which could make another. */
function ofProgram(mail: IncomingMail, judged: Judged): readonly HelpdeskAction[] {
  return ofNobody(`${mail.author.address} is a program's, and not named in answersFrom`, mail, judged);
}

function ofNobody(why: string, mail: IncomingMail, { ctx, doubt }: Judged): readonly HelpdeskAction[] {
  if (doubt !== null) return [];
  return answerOf(mail, { ticketId: `${why}: ${mail.subject}`.slice(0, 200), ctx, doubt, whole: true });
}

/** The status of which a mark stands in the subject, beyond what the customer wrote into it. */
function statusIn({ subject }: IncomingMail, kept: Kept | null, { config }: Context): TicketStatus | undefined {
  const times = (text: string, mark: string) => text.split(mark).length;
  const theirs = kept?.subject ?? '';
  return STATUSES.find((one) => config.status.marks[one].some((mark) => times(subject, mark) > times(theirs, mark)));
}

/** Names what a mail does to a ticket: the same words may be written to two customers within a second. */
function keyOf({ digest }: IncomingMail, ticketId: string): string {
  return `${ticketId}:${digest}`;
}

/** Keeps the tag by which the system knows the ticket. */
async function learn({ subject }: IncomingMail, { ticketId, kept, ctx }: { ticketId: string; kept: Kept | null; ctx: Context }): Promise<void> {
  if (!kept) return;
  const tag = ctx.config.subjectTag === 'none' ? null : tagIn(subject, kept.subject);
  if (kept.answered && (tag === null || tag === kept.tag)) return;
  await keepThread(ticketId, { ...kept, answered: true, ...(tag !== null && { tag }) }, ctx);
} // prettier-ignore

interface About extends Judged {
  readonly ticketId: string;
  readonly externalId?: string | undefined;
  /** Is it all there, and not its head alone? */
  readonly whole: boolean;
}

function answerOf(mail: IncomingMail, { ticketId, externalId, ctx, doubt, whole }: About): readonly HelpdeskAction[] {
  const { author, parts, subject } = mail;
  const [unreadable] = parts.flatMap((part) =>
    part.type === 'unsupported' && part.providerType !== EMPTY ? part : [],
  );
  const words = withoutInternal(parts);
  const text = words.text === subject ? '' : words.text;
  const files = parts.flatMap(fileOf);
  if (text === '' && files.length === 0 && !unreadable && whole && !words.lost) return [];
  const tooLarge = whole ? null : 'it is larger than `mailbox.maxBytes`';
  const cut = words.lost
    ? 'it has words below or beside what is for agents only: write above of that, or without it'
    : null;
  const why = doubt ?? tooLarge ?? (unreadable ? `it cannot be read (${unreadable.providerType})` : cut);
  const said = why === null ? { text, files } : { text: text || subject || '-' };
  const name = author.name?.replace(/\s+via\s+\S+$/i, '') ?? author.address;
  const actions = answered({ id: keyOf(mail, ticketId), ticketId, externalId, ...said, author: { name } }, ctx.config);
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

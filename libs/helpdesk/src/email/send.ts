import { CONVERSATION_HEADER, contentWith, findSent, sendMail, type MailContent, type OutgoingMail } from '#mail';
import { ProviderFailure } from '#normalizer';
import { escapeHtml, link, paragraph } from '../tickets/html.js';
import type { Attachment, Entry, Fact, NewTicket, Ticket } from '../tickets/index.js';
import { withoutTags } from './tag.js';
import {
  identityOf,
  keepThread,
  mailboxOf,
  recallThread,
  ticketIdOf,
  tokenOf,
  type Context,
  type Kept,
} from './thread.js';
import { mailWords } from './words.js';

/** How long mails wait for the tag by which alone the system knows the ticket, and when to look again. */
const TAG_PATIENCE_MS = 120_000;
const TAG_AGAIN_MS = 5_000;
/** Where Request Tracker is to look for commands alone (`CommandByMailHeader`): customers write no headers. */
const COMMAND_HEADER = 'X-RT-Command';
/** How a text begins that RT-Extension-CommandByMail takes for commands: a word and a colon. */
const LIKE_A_COMMAND = /^\s*\S+(?:\{[^\n]*\})?\s*:/;
/** What stands above of such: no command follows after what is none. */
const NO_COMMAND = '***';

/** The ticket of this external id, where its first mail was sent, as far as can be seen: in the Sent folder, or by what the system answered. */
export async function find(externalId: string, ctx: Context): Promise<Ticket | null> {
  const id = ticketIdOf(externalId, ctx);
  const kept = await recallThread(id, ctx);
  if (!kept) return null;
  if (kept.answered) return { id };
  const sent = await sentOf([kept.opening], { id, kept, ctx });
  return sent.length > 0 ? { id } : null;
}

/** Sends the first mail of a thread, which tells everything that is known. What it is about is kept first. */
export async function create(ticket: NewTicket, ctx: Context): Promise<Ticket> {
  const id = ticketIdOf(ticket.externalId, ctx);
  const [opening = ''] = ticket.opening.ids;
  const conversation = ticket.externalId;
  const subject = withoutTags(ticket.subject) || conversation;
  const before = await recallThread(id, ctx);
  const kept = { ...before, conversation, subject, opening, since: before?.since ?? ctx.now() };
  await keepThread(id, kept, ctx);
  await send(ticket.opening, { id, kept, ctx, facts: ticket.facts });
  return { id };
}

/** Sends a further mail. */
export async function append(id: string, entry: Entry, ctx: Context): Promise<void> {
  if (entry.status && !ctx.config.status.tell) return;
  const [opening = ''] = entry.ids;
  // Of a thread that is known no more only the name is left.
  const kept = (await recallThread(id, ctx)) ?? { conversation: '', subject: '', opening, since: 0 };
  if (ctx.config.subjectTag === 'required' && kept.tag === undefined && ctx.now() - kept.since < TAG_PATIENCE_MS)
    throw new ProviderFailure('unavailable', 'the ticket system has not told yet by which tag it knows the ticket', {
      retryAfterMs: TAG_AGAIN_MS,
    });
  await send(entry, { id, kept, ctx });
}

/** Which entries were sent already; null where nothing is known of the thread. */
export async function recorded(id: string, ids: readonly string[], ctx: Context): Promise<readonly string[] | null> {
  const kept = await recallThread(id, ctx);
  return kept && sentOf(ids, { id, kept, ctx });
}

interface Thread {
  readonly id: string;
  readonly kept: Kept;
  readonly ctx: Context;
}

/** Those of these entries whose mails are in the Sent folder, and did not come back. */
async function sentOf(ids: readonly string[], { id, kept, ctx }: Thread): Promise<readonly string[]> {
  const mails = ids
    .filter((one) => !kept.returned?.includes(one))
    .map((one) => ({ one, messageId: identityOf(one, id, { opening: kept.opening, ctx }).messageId }));
  const sent = mails.length > 0 && (await findSent(mails.map(({ messageId }) => messageId), mailboxOf(ctx))); // prettier-ignore
  return sent ? mails.filter(({ messageId }) => sent.has(messageId)).map(({ one }) => one) : [];
}

async function send(entry: Entry, { id, kept, ctx, facts = [] }: Thread & { facts?: readonly Fact[] }): Promise<void> {
  const [entryId = ''] = entry.ids;
  const identity = identityOf(entryId, id, { opening: kept.opening, ctx });
  const { config } = ctx;
  const command = entry.status && config.status.commands[entry.status];
  const subject = [
    ...(entryId === kept.opening ? [] : ['Re:']),
    ...(kept.tag === undefined ? [] : [kept.tag]),
    kept.subject,
    ...(config.subjectMark ? [`(${tokenOf(identity)})`] : []),
  ].join(' '); // prettier-ignore
  const mail = (maxBytes: number): OutgoingMail => ({
    ...{ identity, subject, content: contentOf(entry, { facts, ctx, maxBytes }) },
    ...(entry.author && { name: entry.author.name }),
    ...(entry.kind === 'note' && { automatic: 'auto-generated' }),
    headers: {
      ...(kept.conversation && { [CONVERSATION_HEADER]: kept.conversation }),
      ...(command !== undefined && { [COMMAND_HEADER]: command }),
    },
  });
  await sendMail(mail, mailboxOf(ctx));
  if (!kept.returned?.includes(entryId)) return;
  const now = (await recallThread(id, ctx)) ?? kept;
  await keepThread(id, { ...now, returned: now.returned?.filter((one) => one !== entryId) ?? [] }, ctx);
}

interface Around {
  readonly facts: readonly Fact[];
  readonly ctx: Context;
  readonly maxBytes: number;
}

/** What a mail says: files that the server has no room for are linked. */
function contentOf(entry: Entry, { facts, ctx, maxBytes }: Around): MailContent {
  for (let carried = entry.attachments.length; ; carried -= 1) {
    const linked = entry.attachments.slice(carried);
    const content = contentWith(bodyOf(entry, { facts, linked, ctx }), entry.attachments.slice(0, carried));
    if (carried === 0 || content.bytes <= maxBytes) return content;
  }
}

/** Text, and html where nothing in it has to be read by a machine. */
function bodyOf(entry: Entry, { facts, linked, ctx }: Omit<Around, 'maxBytes'> & { linked: readonly Attachment[] }): { text: string; html?: string } {
  const { language, status } = ctx.config;
  const words = mailWords(language);
  const command = entry.status && status.commands[entry.status];
  const note = entry.kind === 'note' ? words.internal : undefined;
  const first = command === undefined && LIKE_A_COMMAND.test(entry.text) ? NO_COMMAND : undefined;
  const links = linked.map(({ name, url }) => ({ name, url }));
  const text = [
    ...(note === undefined ? [command ?? first] : [command, `${note}\n${words.answers}`]),
    entry.text,
    ...(links.length > 0 ? [[words.linked, ...links.map(({ name, url }) => `${name} ${url}`)].join('\n')] : []),
    ...(facts.length > 0 ? [[words.about, ...facts.map(({ label, value }) => `${label}: ${value}`)].join('\n')] : []),
  ].filter((piece) => piece !== undefined).join('\n\n');
  if (command !== undefined) return { text };
  const list = (items: readonly string[]) => `<ul>${items.map((item) => `<li>${item}</li>`).join('')}</ul>`;
  const html = [
    ...(note === undefined ? [] : [paragraph(`${note}\n${words.answers}`)]),
    entry.html,
    ...(links.length > 0 ? [paragraph(words.linked), list(links.map(({ name, url }) => link(url, name)))] : []),
    ...(facts.length > 0 ? [`<hr>${paragraph(words.about)}`, list(facts.map(({ label, value }) => `${escapeHtml(label)}: ${link(value, value)}`))] : []),
  ].join('\n');
  return { text, html };
} // prettier-ignore

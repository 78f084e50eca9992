import { identify, readTokens, replySecretOf, threadKey, type Identity, type MailContext } from '#mail';
import type { ConnectorContext } from '../core/connector.js';
import type { EmailConfig } from './email.config.js';

export type Context = ConnectorContext<EmailConfig>;

/** What is kept of a thread of mails, for the ticket system cannot be asked. */
export interface Kept {
  /** The conversation, as the ticket bears it. */
  readonly conversation: string;
  readonly subject: string;
  /** The id of the entry that its first mail stands for. */
  readonly opening: string;
  /** When it began, milliseconds since the epoch. */
  readonly since: number;
  /** What the system puts into subjects, where it does. */
  readonly tag?: string;
  /** Has the system answered anything? Then it has the ticket. */
  readonly answered?: boolean;
  /** Ids of entries that came back. */
  readonly returned?: readonly string[];
}

/** Tokens are good for whoever may answer (`answersFrom`), wherever mail goes by then. */
const ANYBODY = 'the ticket system';
/** Tickets are answered years later. */
const KEPT_MS = 5 * 365 * 86_400_000;

/** How the context of a connector is that of its mailbox. */
export function mailboxOf(ctx: Context): MailContext {
  return { ...ctx, config: ctx.config.mailbox };
}

/** The id of a ticket: what its reply tokens name. Made of what the ticket stands for, so that it can be told before there is one. */
export function ticketIdOf(externalId: string, { destinationId }: Pick<Context, 'destinationId'>): string {
  return threadKey({ root: externalId, address: destinationId, claimed: false });
}

export async function recallThread(ticketId: string, ctx: Context): Promise<Kept | null> {
  const kept = await ctx.recall(`thread:${ticketId}`);
  return kept ? (JSON.parse(kept) as Kept) : null;
}

export async function keepThread(ticketId: string, kept: Kept | null, ctx: Context): Promise<void> {
  await ctx.remember(`thread:${ticketId}`, kept ? JSON.stringify(kept) : '', kept ? KEPT_MS : 1);
}

/**
 * The identity of the mail of an entry, the same on every attempt. Its Message-ID holds the id of the event, by which a mail that comes back is known. All
 * but the first mail answer the first.
 */
export function identityOf(
  id: string,
  ticketId: string,
  { opening, ctx }: { opening: string; ctx: Context },
): Identity {
  const { destinationId: owner, config } = ctx;
  const [, uuid] = /^evt_([0-9a-f]{32})$/.exec(id) ?? [];
  const made = {
    ...{ owner, to: config.to, goodFor: ANYBODY, threadKey: ticketId, madeAt: timeIn(id) ?? ctx.now() },
    unique: uuid === undefined ? id : Buffer.from(uuid, 'hex'),
  };
  if (id === opening) return identify(made, config.mailbox);
  const first = identityOf(opening, ticketId, { opening, ctx });
  // One address for the whole thread: systems take it for that of a person.
  const { replyTo } = first;
  return { ...identify({ ...made, answers: first.messageId }, config.mailbox), ...(replyTo && { replyTo }) };
}

/** When what an id names was made, milliseconds since the epoch: ids are UUIDv7. */
function timeIn(id: string): number | undefined {
  const [, time] = /^[a-z]{3}_([0-9a-f]{12})[0-9a-f]{20}/.exec(id) ?? [];
  return time === undefined ? undefined : Number.parseInt(time, 16);
}

/** The tickets that texts name by tokens of ours, whoever brings them back: mostly one, or none. */
export function ticketsIn(texts: readonly string[], ctx: Context): string[] {
  const { destinationId: accountId, config } = ctx;
  const { mailbox } = config;
  const place = { secret: replySecretOf(mailbox), accountId, address: ANYBODY };
  return readTokens(texts, { ...place, now: ctx.now(), maxAgeDays: mailbox.replyDays });
}

/** The reply token of a mail, to stand in its subject. */
export function tokenOf({ messageId }: Identity): string {
  return /^t\.(.+)\.[a-z2-7]+@/.exec(messageId)?.[1] ?? '';
}

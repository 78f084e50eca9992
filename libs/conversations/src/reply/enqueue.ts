import type { Sql } from '#database';
import {
  choiceIndex,
  type ChoiceOption,
  type FittedUnit,
  type Message,
  newId,
  type Part,
  ProviderFailure,
  type Segments,
} from '#normalizer';
import type { AccountRules, ChannelDirectory } from '../ports.js';
import type { ThreadRow } from './context.js';
import { demandSendable, needsWindow } from './rules.js';

/** What is to be sent, as the row of the table `message` holds it. */
export interface Sendable {
  readonly id: string;
  readonly parts: Part[];
  readonly reply_to: string | null;
  /** Its own: it begins something, and answers nothing. */
  readonly subject: string | null;
  /** The conversation's. */
  readonly topic: string | null;
  readonly author: { name: string | null; kind?: string };
}

/**
 * Puts a message on its way over a thread: fits it to the channel, checks window, quota, opt-out and how often bots answer, and lays its units (SQL `lay_units`). Returns the
 * message as readers get it. Throws `ProviderFailure` before anything is written.
 */
export async function enqueue(
  sql: Sql,
  channels: ChannelDirectory,
  job: { message: Sendable; thread: ThreadRow },
): Promise<Message> {
  const { message, thread } = job;
  const rules = channels.rules(thread.account_id);
  const perHour = message.author.kind === 'bot' ? rules?.automaticPerHour : undefined;
  const answers = message.subject === null && (rules?.namesLast || perHour !== undefined);
  const last = answers ? await lastFrom(sql, thread.id) : undefined;
  if (last?.automated && perHour !== undefined)
    throw new ProviderFailure('content-refused', 'a machine wrote last: a bot that answers it might do so for ever');
  const named = rules?.namesLast ? (last?.external_id ?? undefined) : undefined;
  const replyTo = message.reply_to ? await externalIdOf(sql, message.reply_to) : named;
  const { parts } = message;
  const subject = message.subject ?? message.topic;
  demandSendable(thread, rules, needsWindow(message) ? 1 : 0);
  const fitting = { parts, ...(subject && { subject }), ...(replyTo && { replyTo }) };
  const units = channels.fit(thread.account_id, fitting, thread.external_id);
  demandSendable(thread, rules, units.filter(needsWindow).length);

  const news = message.subject !== null;
  if ((last || news) && perHour !== undefined) await demandTurn(sql, thread.id, { perHour, news });

  const options = units.flatMap(askedIn).at(-1);
  const typed = options && JSON.stringify(typedAnswers(message.id, options));
  const rows = units.map(({ choiceMap: _, ...unit }) => ({
    id: newId('unt'),
    content: { ...unit, author: { name: message.author.name, ...(message.author.kind === 'bot' && { kind: 'bot' }) } },
  }));
  const values = [message.id, thread.id, typed ?? null, JSON.stringify(rows), rules?.hosted ?? false, isCounted(rules)];
  const [laid] = await sql.query<{ message: Message }>(LAY_UNITS, values);
  const segments = segmentsOf(units);
  return { ...laid!.message, ...(segments && { segments }) };
}

const LAY_UNITS = { name: 'lay_units', text: 'select lay_units($1, $2, $3::jsonb, $4::jsonb, $5, $6) as message' };

/** Does the provider count what is sent in answer to a message? */
function isCounted(rules: AccountRules | undefined): boolean {
  return rules?.window?.messages !== undefined;
}

async function externalIdOf(sql: Sql, messageId: string): Promise<string | undefined> {
  const [row] = await sql.query<{ external_ids: string[] }>(
    { name: 'external_ids_of', text: 'select external_ids from message where id = $1' },
    [messageId],
  );
  return row?.external_ids[0];
}

/** How the provider names the newest message that came over a thread, and whether nobody wrote it. */
async function lastFrom(sql: Sql, threadId: string): Promise<Last | undefined> {
  const [row] = await sql.query<Last>(LAST_FROM, [threadId]);
  return row;
}

interface Last {
  /** Null where its provider gave it no name. */
  readonly external_id: string | null;
  readonly automated: boolean;
}

const LAST_FROM = {
  name: 'last_from',
  text: `select automated, (
      select n.external_ids[1] from message n where n.thread_id = $1 and n.direction = 'inbound' and n.external_ids <> '{}'
      order by n.thread_sequence desc limit 1) as external_id
    from message where thread_id = $1 and direction = 'inbound' order by thread_sequence desc limit 1`,
};

/** Takes the turn of a bot's answer. Throws `throttled` where this person got as many as they may within an hour. */
async function demandTurn(
  sql: Sql,
  threadId: string,
  { perHour, news }: { readonly perHour: number; readonly news: boolean },
): Promise<void> {
  const [row] = await sql.query<{ next: Date | null }>(COUNT_AUTOMATIC, [threadId, perHour, news]);
  if (!row?.next) return;
  const retryAfterMs = Math.max(1_000, row.next.getTime() - Date.now());
  const often = perHour === 1 ? 'an answer of a bot' : `${perHour} answers of bots`;
  throw new ProviderFailure(
    'throttled',
    `they got ${often} within the hour: the next one may go at ${row.next.toISOString()}`,
    { retryAfterMs, scope: 'item' },
  );
}

const COUNT_AUTOMATIC = { name: 'count_automatic', text: 'select count_automatic($1, $2, $3) as next' };

/** What the carrier bills for all of them, where all of them are SMS. */
export function segmentsOf(units: readonly FittedUnit[]): Segments | undefined {
  const counts = units.flatMap(({ segments }) => segments ?? []);
  if (units.length === 0 || counts.length < units.length) return undefined;
  const encoding = counts.some((unit) => unit.encoding === 'ucs2') ? 'ucs2' : 'gsm7';
  return { count: counts.reduce((sum, unit) => sum + unit.segments, 0), encoding };
}

/** The options that a unit asks to pick from, as buttons or as a numbered list: either can be answered by typing. */
function askedIn({ choiceMap, parts }: FittedUnit): (readonly ChoiceOption[])[] {
  return choiceMap ? [choiceMap] : parts.flatMap((part) => (part.type === 'choices' ? [part.options] : []));
}

/** The parts that typed answers become, by what is typed. */
function typedAnswers(messageId: string, options: readonly ChoiceOption[]): Record<string, Part> {
  const entries = Object.entries(choiceIndex(options));
  return Object.fromEntries(
    entries.map(([key, { id, label }]) => [key, { type: 'choice', optionId: id, label, messageId }]),
  );
}

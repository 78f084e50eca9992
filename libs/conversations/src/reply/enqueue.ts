import type { Sql } from '#database';
import { choiceIndex, type ChoiceOption, type FittedUnit, newId, type Part } from '#normalizer';
import type { ChannelDirectory } from '../ports.js';
import type { ThreadRow } from './context.js';
import { demandSendable } from './rules.js';

/** What is to be sent, as the row of the table `message` holds it. */
export interface Sendable {
  readonly id: string;
  readonly parts: Part[];
  readonly reply_to: string | null;
  readonly subject: string | null;
  readonly author: { name: string | null };
}

/**
 * Puts a message on its way over a thread: fits it to the channel, checks window, quota and opt-out, and lays one unit and one outbox row per provider
 * message. On a hosted channel it is sent when this commits. Throws `ProviderFailure` before anything is written.
 */
export async function enqueue(
  sql: Sql,
  channels: ChannelDirectory,
  job: { message: Sendable; thread: ThreadRow },
): Promise<void> {
  const { message, thread } = job;
  const rules = channels.rules(thread.account_id);
  const replyTo = message.reply_to ? await externalIdOf(sql, message.reply_to) : undefined;
  demandSendable(thread, rules, 1);
  const { parts, subject } = message;
  const units = channels.fit(thread.account_id, { parts, ...(subject && { subject }), ...(replyTo && { replyTo }) });
  demandSendable(thread, rules, units.length);

  const options = units.flatMap(askedIn).at(-1);
  const answers = options && JSON.stringify(typedAnswers(message.id, options));
  await sql.query(PLACE, [thread.id, message.id, units.length, answers ?? null]);
  if (rules?.hosted) {
    await sql.query(SENT, [message.id]);
    return;
  }
  const rows = units.map(({ choiceMap: _, ...unit }, index) => ({
    id: newId('unt'),
    index,
    content: { ...unit, author: { name: message.author.name } },
  }));
  await sql.query(LAY_UNITS, [message.id, thread.account_id, thread.id, JSON.stringify(rows)]);
}

/**
 * The message takes its place in the thread, and the thread remembers what a typed answer may mean until the next message to it. A message that a
 * visitor has seen in a hosted chat keeps its place there, also when it goes on over another channel.
 */
const PLACE = {
  name: 'place_message',
  text: `with t as (
      update thread set sequence = sequence + 1, sent_since_inbound = sent_since_inbound + $3, open_choices = $4::jsonb
      where id = $1 returning id, account_id, sequence)
    update message m set thread_id = t.id, account_id = t.account_id, thread_sequence = t.sequence from t
    where m.id = $2 and not (m.thread_sequence > 0 and (select a.hosted from account a where a.id = m.account_id))`,
};

const SENT = { name: 'hosted_sent', text: `select advance($1, 'sent', null, clock_timestamp())` };

const LAY_UNITS = {
  name: 'lay_units',
  text: `with rows as (select * from jsonb_to_recordset($4::jsonb) as r(id text, index int, content jsonb)),
    units as (
      insert into unit (id, message_id, account_id, thread_id, index, count, content)
      select id, $1, $2, $3, index, (select count(*) from rows), content from rows returning 1)
    select enqueue('unit', $2, $2 || ':' || $3, id) from rows order by index`,
};

async function externalIdOf(sql: Sql, messageId: string): Promise<string | undefined> {
  const [row] = await sql.query<{ external_ids: string[] }>(
    { name: 'external_ids_of', text: 'select external_ids from message where id = $1' },
    [messageId],
  );
  return row?.external_ids[0];
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

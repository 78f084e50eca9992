import type { Sql } from '#database';
import { NotFound } from '../ports.js';
import { writePolicy } from '../settings/policy.js';

/** What conditions are about. `during` and `outside` are about the fact `hours`: the names of the hours that a moment is in. */
export const ROUTING_FACTS = [
  'level',
  'company',
  'channel',
  'account',
  'product',
  'questionType',
  'language',
  'hours',
] as const;
export type RoutingFact = (typeof ROUTING_FACTS)[number];
export type RoutingFacts = Readonly<Record<RoutingFact, readonly string[]>>;
export type RoutingCondition = Exclude<RoutingFact, 'hours'> | 'during' | 'outside';

type Weekday = 'mon' | 'tue' | 'wed' | 'thu' | 'fri' | 'sat' | 'sun';

/** Working hours: spans `HH:MM-HH:MM` of each weekday on the clock of `zone`; none begins on a `closed` day (YYYY-MM-DD). */
export interface Hours {
  readonly zone: string;
  readonly weekly: Readonly<Partial<Record<Weekday, readonly string[] | undefined>>>;
  readonly closed: readonly string[];
}

export interface RoutingHints {
  readonly priority?: 'low' | 'normal' | 'high' | 'urgent' | undefined;
  readonly queue?: string | undefined;
  readonly tags?: readonly string[] | undefined;
}

export interface RoutingRule {
  readonly name: string;
  /** Each condition holds by any of its values, `outside` by none; all of them must hold. */
  readonly when: Readonly<Partial<Record<RoutingCondition, readonly string[] | undefined>>>;
  readonly set: RoutingHints;
}

export interface RoutingPolicy {
  readonly hours: Readonly<Record<string, Hours>>;
  /** The first that matches decides. */
  readonly rules: readonly RoutingRule[];
}

/**
 * Puts the rules in force, for conversations that are opened or judged again from now on. Throws where the database does not know a time zone: no message
 * could be stored then.
 */
export async function writeRouting(sql: Sql, policy: RoutingPolicy): Promise<boolean> {
  for (const [name, { zone }] of Object.entries(policy.hours)) {
    await sql.query('select now() at time zone $1', [zone]).catch((cause: unknown) => {
      throw new Error(`routing.hours.${name}.zone: the database does not know the time zone ${zone}`, { cause });
    });
  }
  return writePolicy(sql, 'routing', policy);
}

/** The rules in force. */
export async function readRouting(sql: Sql): Promise<RoutingPolicy> {
  const [row] = await sql.query<{ value: RoutingPolicy }>(`select value from setting where name = 'routing'`);
  return row?.value ?? { hours: {}, rules: [] };
}

/** Whether any rule asks for the language of a message; else nobody need find it out. */
export function asksForLanguage({ rules }: Pick<RoutingPolicy, 'rules'>): boolean {
  return rules.some(({ when }) => when.language !== undefined);
}

/** What a dry run is about: a conversation as it was opened, or a new one of a contact, or just facts. What is given here replaces what is known. */
export interface RoutingCase {
  readonly conversationId?: string | undefined;
  readonly contactId?: string | undefined;
  readonly accountId?: string | undefined;
  readonly language?: string | undefined;
  /** ISO 8601; now, or the time at which the conversation was opened. */
  readonly at?: string | undefined;
  readonly facts?: Partial<RoutingFacts> | undefined;
}

export interface RoutingTrial {
  /** Name of the rule that decides. */
  readonly rule: string | null;
  readonly set: RoutingHints;
  readonly facts: RoutingFacts;
  readonly rules: readonly {
    readonly name: string;
    readonly matches: boolean;
    readonly conditions: readonly {
      readonly fact: RoutingCondition;
      readonly expected: readonly string[];
      readonly found: readonly string[];
      readonly holds: boolean;
    }[];
  }[];
}

/** What the rules in force say of a case, and why; changes nothing. Throws `NotFound` for a conversation or contact that is not there. */
export async function tryRouting(sql: Sql, given: RoutingCase): Promise<RoutingTrial> {
  const { conversationId = null, contactId = null, accountId = null, language = null, at = null, facts = {} } = given;
  const [known] = await sql.query<{ conversation: boolean; contact: boolean }>(KNOWN, [conversationId, contactId]);
  if (!known!.conversation) throw new NotFound(`there is no conversation ${conversationId}`);
  if (!known!.contact) throw new NotFound(`there is no contact ${contactId}`);
  const values = [conversationId, contactId, accountId, language, at, JSON.stringify(facts)];
  const [row] = await sql.query<{ trial: RoutingTrial }>(TRIAL, values);
  return row!.trial;
}

const KNOWN = `select $1::text is null or exists (select 1 from conversation c where c.id = $1) as conversation,
  $2::text is null or exists (select 1 from contact c where c.id = $2 and c.merged_into is null) as contact`;

const TRIAL = `
with opened as (
    select coalesce($2::text, o.contact_id) as contact, coalesce($3::text, o.account) as account, o.metadata, coalesce($4::text, o.language) as language,
      coalesce($5::timestamptz, o.at, now()) as at
    from (select 1) one left join lateral (select x.* from conversation c cross join lateral opening_of(c) x where c.id = $1::text) o on true),
  told as (select routing_facts(contact, account, metadata, language, at) || $6::jsonb as facts from opened)
select jsonb_build_object('rule', route(facts)->'rule', 'set', coalesce(route(facts)->'set', '{}'), 'facts', facts, 'rules', explain_routing(facts)) as trial
from told`;

import type { PrechatAnswers } from '#channels';
import type { Sql, Statement } from '#database';
import type { Introduction, ProvenAddress } from './prechat-form.js';

/** A visitor's thread by name. */
export interface ThreadName {
  readonly accountId: string;
  readonly externalId: string;
}

export interface Standing {
  /** A message of the thread is stored: nothing is asked any more. */
  readonly begun: boolean;
  readonly introduction: (Introduction & { readonly version: number }) | undefined;
}

interface Row {
  readonly begun: boolean;
  readonly answers: PrechatAnswers;
  readonly proven: ProvenAddress[];
  readonly version: number | null;
}

const READ: Statement = {
  name: 'introduction',
  text: `select i.answers, i.proven, i.version,
      exists (select 1 from thread t where t.account_id = $1 and t.external_id = $2 and t.sequence > 0) as begun
    from (select 1) one left join introduction i on i.account_id = $1 and i.thread = $2`,
};
/** What nobody came back to in a month is forgotten with it. */
const KEEP = `with old as (delete from introduction where updated_at < now() - interval '30 days' and (account_id, thread) <> ($1, $2))
  insert into introduction (account_id, thread, answers, proven) values ($1, $2, $3::jsonb, $4::jsonb)
  on conflict (account_id, thread) do update set version = introduction.version + 1, updated_at = now()`;
const ANSWERS: Statement = { name: 'introduction_answers', text: `${KEEP}, answers = excluded.answers` };
const PROVEN: Statement = {
  name: 'introduction_proven',
  text: `${KEEP}, proven = (select jsonb_agg(distinct x) from jsonb_array_elements(introduction.proven || excluded.proven) x)`,
};
const FORGET: Statement = {
  name: 'introduction_forget',
  text: 'delete from introduction where account_id = $1 and thread = $2 and version = $3 returning 1',
};
/** What the person proved or said of themselves as somebody anonymous stays behind: it may have been somebody else at the same browser. */
const MOVE: Statement = {
  name: 'introduction_move',
  text: `with old as (delete from introduction where account_id = $1 and thread = $2 returning answers)
    insert into introduction (account_id, thread, answers) select $1, $3, answers - '{name,phone,email}'::text[] from old
    on conflict (account_id, thread) do nothing`,
};

/** What visitors said before their first message, kept until it is stored. */
export class ChatIntroductions {
  async read(sql: Sql, { accountId, externalId }: ThreadName): Promise<Standing> {
    const [row] = await sql.query<Row & Record<string, unknown>>(READ, [accountId, externalId]);
    const { begun, answers, proven, version } = row!;
    return { begun, introduction: version === null ? undefined : { answers, proven, version } };
  }

  async keepAnswers(sql: Sql, { accountId, externalId }: ThreadName, answers: PrechatAnswers): Promise<void> {
    await sql.query(ANSWERS, [accountId, externalId, JSON.stringify(answers), '[]']);
  }

  async keepProven(sql: Sql, { accountId, externalId }: ThreadName, proven: ProvenAddress): Promise<void> {
    await sql.query(PROVEN, [accountId, externalId, '{}', JSON.stringify([proven])]);
  }

  /** Forgets what was said, unless more was said since it was read. Returns whether nothing is left. */
  async forget(sql: Sql, { accountId, externalId }: ThreadName, version: number): Promise<boolean> {
    return (await sql.query(FORGET, [accountId, externalId, version])).length > 0;
  }

  /** An anonymous visitor has become a person: what they said of their business goes along. */
  async move(sql: Sql, { accountId, externalId }: ThreadName, to: string): Promise<void> {
    await sql.query(MOVE, [accountId, externalId, to]);
  }
}

import type { Sql, Statement } from '#database';
import type { CrmCompany, CrmRecord } from './crm-directory.js';

/** What the CRM says of a sender, in the form that the store takes. */
export interface CrmFinding {
  readonly id: string;
  readonly url: string | null;
  readonly name?: string | undefined;
  /** The company here, which stands already. */
  readonly companyId?: string | undefined;
  readonly metadata?: Readonly<Record<string, unknown>> | undefined;
  /** How well the link is proven; left out, it is a suggestion. */
  readonly proof?: 'channel' | 'verified' | undefined;
  /** Whoever has the proven link already may become one person with the contact. */
  readonly join?: true | undefined;
  /** A proven link of the CRM's own to somebody else gives way. */
  readonly replace?: true | undefined;
}

export interface CrmApplied {
  /** Who the contact is now: another one where it was merged. */
  readonly contactId: string;
  readonly outcome: 'linked' | 'suggested' | 'another' | 'taken' | 'merged' | 'conflict' | 'failed' | 'gone';
  readonly changes: readonly string[];
}

const COMPANY: Statement = { name: 'crm_company', text: 'select crm_company($1::jsonb, clock_timestamp()) as id' };
const APPLY: Statement = {
  name: 'crm_apply',
  text: `select contact_id as "contactId", outcome, changes from apply_crm($1, $2::jsonb, false, clock_timestamp())`,
};
const TAKEN: Statement = {
  name: 'crm_taken',
  text: `select 1 from handle where scheme = 'crm' and scope = '' and value = $1 and proof <> 'claimed' and contact_id <> $2`,
};

/** The company that a CRM tells of, made or brought up to date; its id here. */
export async function storeCrmCompany(sql: Sql, company: CrmCompany): Promise<string> {
  const [row] = await sql.query<{ id: string }>(COMPANY, [JSON.stringify(company)]);
  return row!.id;
}

/** The record as the store takes it; `companyId` is where its company stands. */
export function crmFinding(
  { id, url, name, products, metadata }: CrmRecord,
  companyId: string | undefined,
): CrmFinding {
  const further = { ...metadata, ...(products && { products }) };
  return {
    ...{ id, url, ...(name !== undefined && { name }), ...(companyId !== undefined && { companyId }) },
    ...(Object.keys(further).length > 0 && { metadata: further }),
  };
}

/** Shows on a contact what the CRM says, inside the caller's transaction, and tells the stream of what changed. */
export async function applyCrm(sql: Sql, contactId: string, finding: CrmFinding): Promise<CrmApplied> {
  const [row] = await sql.query<CrmApplied & Record<string, unknown>>(APPLY, [contactId, JSON.stringify(finding)]);
  return row!;
}

/** Is the proven link to this contact of the CRM another one's than this contact's? */
export async function isCrmTaken(sql: Sql, crmId: string, contactId: string): Promise<boolean> {
  return (await sql.query(TAKEN, [crmId, contactId])).length > 0;
}

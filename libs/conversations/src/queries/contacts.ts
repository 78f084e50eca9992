import type { Sql } from '#database';
import { NotFound } from '../ports.js';
import { visible, type VisibleAccounts } from './scope.js';

/** Throws `NotFound` unless the contact wrote on an account that the reader may see. */
export async function demandVisibleContact(sql: Sql, id: string, accounts: VisibleAccounts): Promise<void> {
  if (!accounts) return;
  const rows = await sql.query(`select 1 from contact c where c.id = $1 and ${visible.contact('c.id', 2)}`, [
    id,
    accounts,
  ]);
  if (rows.length === 0) throw new NotFound(`there is no contact ${id}`);
}

/** The ids of the contacts that a reader may see, as SQL for `listContacts`; null: all. */
export function visibleContacts(accounts: VisibleAccounts): { text: string; value: readonly string[] } | null {
  return accounts && { text: 'select contact_id from thread where account_id = any ($::text[])', value: accounts };
}

/** Tells the stream of a contact, with the names of what changed. */
export async function announceContact(
  sql: Sql,
  type: 'contact.created' | 'contact.updated',
  about: { id: string; changes?: readonly string[] },
): Promise<void> {
  const extra = about.changes && JSON.stringify({ changes: about.changes });
  await sql.query('select emit($1, null, $2, null, $3::jsonb, clock_timestamp())', [type, about.id, extra ?? null]);
}

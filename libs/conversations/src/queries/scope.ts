/** The accounts that a reader may see; null: all of them. Every query of this folder takes it, and answers as if nothing else existed. */
export type VisibleAccounts = readonly string[] | null;

/**
 * SQL conditions of these readers, for a query parameter that holds the accounts or null. `$n` stands for the parameter, the alias for the row.
 */
export const visible = {
  account: (column: string, n: number) => `($${n}::text[] is null or ${column} = any ($${n}::text[]))`,
  conversation: (column: string, n: number) =>
    `($${n}::text[] is null or exists (select 1 from conversation_thread vj join thread vt on vt.id = vj.thread_id
      where vj.conversation_id = ${column} and vt.account_id = any ($${n}::text[])))`,
  contact: (column: string, n: number) =>
    `($${n}::text[] is null or exists (select 1 from thread vt where vt.contact_id = ${column} and vt.account_id = any ($${n}::text[])))`,
};

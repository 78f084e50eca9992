import type { Sql } from '#database';

/** What of the settings file the store's own functions go by, each under its name in the table `setting`. */
export type PolicyName = 'identity' | 'routing';

/** Puts a policy where every process and the SQL functions find it. Returns whether it is another than before. */
export async function writePolicy(sql: Sql, name: PolicyName, value: unknown): Promise<boolean> {
  const rows = await sql.query(
    `insert into setting (name, value) values ($1, $2::jsonb)
     on conflict (name) do update set value = excluded.value, updated_at = now() where setting.value <> excluded.value returning 1`,
    [name, JSON.stringify(value)],
  );
  return rows.length > 0;
}

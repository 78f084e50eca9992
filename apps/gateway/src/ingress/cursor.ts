import type { Sql } from '#database';

/** How far a source was read: committed with what it gave. Null before the first time. */
export async function readCursor(sql: Sql, name: string): Promise<string | null> {
  const [row] = await sql.query<{ value: string }>('select value from cursor where name = $1', [name]);
  return row?.value ?? null;
}

/** Of a source whose news are stored elsewhere; arrivals commit theirs themselves. */
export async function writeCursor(sql: Sql, name: string, value: string): Promise<void> {
  await sql.query(WRITE, [name, value]);
}

const WRITE = `insert into cursor (name, value) values ($1, $2)
  on conflict (name) do update set value = excluded.value, updated_at = now()`;

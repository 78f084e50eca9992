import type { Sql } from '#database';
import { newId } from '#normalizer';

export interface Company {
  readonly id: string;
  readonly name: string;
  readonly level: string | null;
  readonly metadata: Record<string, unknown>;
  readonly createdAt: string;
  readonly updatedAt: string;
}

export interface CompanyChange {
  readonly name?: string | undefined;
  readonly level?: string | null | undefined;
  readonly metadata?: Readonly<Record<string, unknown>> | undefined;
}

const VIEW = `jsonb_build_object('id', c.id, 'name', c.name, 'level', c.level, 'metadata', c.metadata, 'createdAt', iso(c.created_at),
  'updatedAt', iso(c.updated_at)) as view`;

/** Companies in order of their making. `name` is a part of the name, any case. */
export async function listCompanies(
  sql: Sql,
  page: { name?: string | undefined; after: string | null; limit: number },
): Promise<Company[]> {
  const rows = await sql.query<{ view: Company }>(
    `select ${VIEW} from company c where c.id > $1 and ($2::text is null or position(lower($2) in lower(c.name)) > 0) order by c.id limit $3`,
    [page.after ?? '', page.name ?? null, page.limit],
  );
  return rows.map((row) => row.view);
}

export async function findCompany(sql: Sql, id: string): Promise<Company | null> {
  const [row] = await sql.query<{ view: Company }>(`select ${VIEW} from company c where c.id = $1`, [id]);
  return row?.view ?? null;
}

export async function insertCompany(sql: Sql, input: CompanyChange & { name: string }): Promise<string> {
  const id = newId('cmp');
  await sql.query('insert into company (id, name, level, metadata) values ($1, $2, $3, $4)', [
    id,
    input.name,
    input.level ?? null,
    JSON.stringify(input.metadata ?? {}),
  ]);
  return id;
}

/** Changes what is given. `metadata` is merged key by key, and null removes a key. */
export async function updateCompany(sql: Sql, id: string, change: CompanyChange): Promise<void> {
  await sql.query(
    `update company set name = coalesce($2, name), level = case when $3 then $4 else level end,
      metadata = (select coalesce(jsonb_object_agg(key, value), '{}') from jsonb_each(metadata || $5::jsonb) where value <> 'null'),
      updated_at = clock_timestamp() where id = $1`,
    [id, change.name ?? null, change.level !== undefined, change.level ?? null, JSON.stringify(change.metadata ?? {})],
  );
}

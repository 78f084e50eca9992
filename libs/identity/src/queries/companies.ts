import type { Sql, Statement } from '#database';
import { newId } from '#normalizer';
import type { Contract } from '../company.js';

export interface Company {
  readonly id: string;
  /** What the customer directory calls it. */
  readonly externalId: string | null;
  readonly name: string;
  readonly level: string | null;
  readonly products: string[];
  readonly contracts: Contract[];
  readonly metadata: Record<string, unknown>;
  readonly createdAt: string;
  readonly updatedAt: string;
}

export interface CompanyChange {
  readonly externalId?: string | null | undefined;
  readonly name?: string | undefined;
  readonly level?: string | null | undefined;
  readonly products?: readonly string[] | undefined;
  readonly contracts?: readonly Contract[] | undefined;
  readonly metadata?: Readonly<Record<string, unknown>> | undefined;
}

/** The external id is another company's. */
export class ExternalIdTaken extends Error {
  override readonly name = 'ExternalIdTaken';

  constructor(readonly companyId: string) {
    super('the external id belongs to another company');
  }
}

const VIEW = `jsonb_build_object('id', c.id, 'externalId', c.external_id, 'name', c.name, 'level', c.level, 'products', c.products, 'contracts', c.contracts,
  'metadata', c.metadata, 'createdAt', iso(c.created_at), 'updatedAt', iso(c.updated_at)) as view`;

export interface CompanyFilter {
  /** Part of the name, any case. */
  readonly name?: string | undefined;
  readonly level?: string | undefined;
  readonly externalId?: string | undefined;
}

/** Companies in order of their making. */
export async function listCompanies(
  sql: Sql,
  page: { filter: CompanyFilter; after: string | null; limit: number },
): Promise<Company[]> {
  const { name, level, externalId } = page.filter;
  const rows = await sql.query<{ view: Company }>(
    `select ${VIEW} from company c where c.id > $1
      and ($2::text is null or (grams(c.name) @> grams($2) and position(lower($2) in lower(c.name)) > 0))
      and ($3::text is null or c.level = $3) and ($4::text is null or c.external_id = $4) order by c.id limit $5`,
    [page.after ?? '', name ?? null, level ?? null, externalId ?? null, page.limit],
  );
  return rows.map((row) => row.view);
}

export async function findCompany(sql: Sql, id: string): Promise<Company | null> {
  const [row] = await sql.query<{ view: Company }>(`select ${VIEW} from company c where c.id = $1`, [id]);
  return row?.view ?? null;
}

/** Makes a company; returns its id. Throws `ExternalIdTaken`. */
export async function insertCompany(sql: Sql, input: CompanyChange & { name: string }): Promise<string> {
  const id = newId('cmp');
  const rows = await sql.query(
    `insert into company (id, external_id, name, level, products, contracts, metadata)
     values ($1, $2, $3, $4, $5, $6::jsonb, merge_metadata('{}', $7::jsonb)) on conflict (external_id) do nothing returning 1`,
    [
      id,
      input.externalId ?? null,
      input.name,
      input.level ?? null,
      input.products ?? [],
      JSON.stringify(input.contracts ?? []),
      JSON.stringify(input.metadata ?? {}),
    ],
  );
  if (rows.length === 0) await demandFree(sql, input.externalId ?? '');
  return id;
}

const FIND = `select external_id as "externalId", name, level, products, contracts, metadata from company where id = $1 for update`;
const UPDATE = `update company set external_id = $2, name = $3, level = $4, products = $5, contracts = $6::jsonb, metadata = $7::jsonb,
  updated_at = clock_timestamp() where id = $1`;
const MERGED = `select merge_metadata($1::jsonb, $2::jsonb) as metadata`;

type Stored = Pick<Company, 'externalId' | 'name' | 'level' | 'products' | 'contracts' | 'metadata'>;

/**
 * Changes what is given (`metadata` key by key; null removes a key). The company's contacts show it at once, and the stream is told of each: in this
 * transaction where they are few, else soon (`followCompany`; hint `companies`). Returns how many are told, or null where there is no such company. Throws
 * `ExternalIdTaken`.
 */
export async function updateCompany(sql: Sql, id: string, change: CompanyChange): Promise<number | null> {
  const [old] = await sql.query<Stored & Record<string, unknown>>(FIND, [id]);
  if (!old) return null;
  const [merged] = await sql.query<Pick<Stored, 'metadata'>>(MERGED, [
    JSON.stringify(old.metadata),
    JSON.stringify(change.metadata ?? {}),
  ]);
  const given = Object.fromEntries(Object.entries(change).filter(([, value]) => value !== undefined));
  const next: Stored = { ...old, ...given, ...merged };
  const isOther = (keys: readonly (keyof Stored)[]) =>
    keys.some((key) => JSON.stringify(next[key]) !== JSON.stringify(old[key]));
  if (!isOther(['externalId', 'name', 'level', 'products', 'contracts', 'metadata'])) return 0;
  if (next.externalId !== null && next.externalId !== old.externalId) await demandFree(sql, next.externalId);
  const { externalId, name, level, products, contracts, metadata } = next;
  await sql.query(UPDATE, [id, externalId, name, level, products, JSON.stringify(contracts), JSON.stringify(metadata)]);
  return isOther(['name', 'level', 'products']) ? told(sql, TELL, id) : 0;
}

/** Deletes a company; its contacts stay, without it, and the stream is told of each, now or soon. Returns how many, or null where there is no such company. */
export async function deleteCompany(sql: Sql, id: string): Promise<number | null> {
  const [row] = await sql.query<{ found: boolean }>('select true as found from company where id = $1 for update', [id]);
  return row ? told(sql, DELETE, id) : null;
}

/** Goes on with what the change of a large company brings: tells of some of its contacts, or routes them anew. Returns whether there was anything to do. */
export async function followCompany(sql: Sql): Promise<boolean> {
  const [row] = await sql.query<{ more: boolean }>(FOLLOW);
  return row?.more ?? false;
}

const FOLLOW: Statement = { name: 'follow_company', text: 'select follow_company() as more' };
const TELL = 'select tell_company($1, clock_timestamp()) as told';
const DELETE = 'select delete_company($1, clock_timestamp()) as told';

async function told(sql: Sql, text: string, id: string): Promise<number> {
  const [row] = await sql.query<{ told: number }>(text, [id]);
  return row?.told ?? 0;
}

async function demandFree(sql: Sql, externalId: string): Promise<void> {
  const [row] = await sql.query<{ id: string }>('select id from company where external_id = $1', [externalId]);
  if (row) throw new ExternalIdTaken(row.id);
}

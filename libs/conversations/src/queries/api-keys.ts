import { createHash, randomBytes } from 'node:crypto';
import type { Sql } from '#database';
import { newId } from '#normalizer';
import { NotFound } from '../ports.js';

/** An API key as it may be shown: without the secret, which nobody has but the one it was given to. */
export interface ApiKey {
  readonly id: string;
  readonly name: string;
  readonly scopes: string[];
  readonly accounts: string[] | null;
  readonly expiresAt: string | null;
  readonly createdAt: string;
  readonly lastUsedAt: string | null;
}

export interface NewApiKey {
  readonly name: string;
  readonly scopes: readonly string[];
  readonly accounts?: readonly string[] | undefined;
  readonly expiresAt?: string | undefined;
}

const VIEW = `jsonb_build_object('id', id, 'name', name, 'scopes', to_jsonb(scopes), 'accounts', to_jsonb(accounts), 'expiresAt', iso(expires_at),
  'createdAt', iso(created_at), 'lastUsedAt', iso(last_used_at)) as view`;

/**
 * What is stored of a key. A plain SHA-256 is enough: the key is 256 random bits, so there is nothing to guess that a slow hash would make
 * slower, and it is looked up by its hash on every call.
 */
export function hashKey(secret: string): string {
  return createHash('sha256').update(secret).digest('hex');
}

/** Makes a key; `secret` is shown this once. */
export async function createApiKey(sql: Sql, input: NewApiKey): Promise<ApiKey & { secret: string }> {
  const secret = `trb_${randomBytes(32).toString('base64url')}`;
  const [row] = await sql.query<{ view: ApiKey }>(
    `insert into api_key (id, name, hash, scopes, accounts, expires_at) values ($1, $2, $3, $4, $5, $6) returning ${VIEW}`,
    [newId('key'), input.name, hashKey(secret), input.scopes, input.accounts ?? null, input.expiresAt ?? null],
  );
  if (!row) throw new Error('the key was not stored');
  return { ...row.view, secret };
}

/** The key that has this secret, unless it has expired. Its last use is noted to the minute. */
export async function findApiKey(sql: Sql, secret: string): Promise<Pick<ApiKey, 'id' | 'scopes' | 'accounts'> | null> {
  const [row] = await sql.query<{ id: string; scopes: string[]; accounts: string[] | null; stale: boolean }>(FIND, [
    hashKey(secret),
  ]);
  if (!row) return null;
  if (row.stale) await sql.query(NOTE_USE, [row.id]);
  return row;
}

const FIND = {
  name: 'api_key_find',
  text: `select id, scopes, accounts, coalesce(last_used_at < now() - interval '1 minute', true) as stale
    from api_key where hash = $1 and (expires_at is null or expires_at > now())`,
};
const NOTE_USE = { name: 'api_key_use', text: 'update api_key set last_used_at = now() where id = $1' };

/** Keys in order of their making, those after `after`. */
export async function listApiKeys(sql: Sql, page: { after: string | null; limit: number }): Promise<ApiKey[]> {
  const rows = await sql.query<{ view: ApiKey }>(`select ${VIEW} from api_key where id > $1 order by id limit $2`, [
    page.after ?? '',
    page.limit,
  ]);
  return rows.map((row) => row.view);
}

/** Throws `NotFound`. */
export async function getApiKey(sql: Sql, id: string): Promise<ApiKey> {
  const [row] = await sql.query<{ view: ApiKey }>(`select ${VIEW} from api_key where id = $1`, [id]);
  if (!row) throw new NotFound(`there is no key ${id}`);
  return row.view;
}

/** Revokes a key at once. Throws `NotFound`. */
export async function deleteApiKey(sql: Sql, id: string): Promise<void> {
  const rows = await sql.query('delete from api_key where id = $1 returning 1', [id]);
  if (rows.length === 0) throw new NotFound(`there is no key ${id}`);
}

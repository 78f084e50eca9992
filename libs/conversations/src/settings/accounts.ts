import { isDeepStrictEqual } from 'node:util';
import type { Database, Sql } from '#database';
import { InvalidInput, newId } from '#normalizer';
import type { z } from 'zod';
import { Conflict, NotFound } from '../ports.js';
import { changeConfig, checkConfig, ConfigSeal, maskConfig, plain, type Config } from './sealed-config.js';
import { Unsealable, type Vault } from './vault.js';

/** What the store has to know of a channel. */
export interface AccountKind {
  readonly config: z.ZodType;
  readonly continuity: 'contact' | 'thread';
  readonly hosted: boolean;
}

/** An account as stored. `config` is as given, with its secrets open. */
export interface AccountRecord {
  readonly id: string;
  readonly type: string;
  readonly name: string | null;
  readonly config: Config;
  readonly continuity: 'contact' | 'thread';
  /** Seconds. */
  readonly reopenWithinS: number;
  readonly hosted: boolean;
  readonly enabled: boolean;
  readonly managedBy: 'file' | 'api';
  readonly state: string;
  readonly stateDetail: string | null;
  /** What must be scanned to log in. */
  readonly stateLink: string | null;
  readonly createdAt: string;
  readonly updatedAt: string;
  /** Why the settings cannot be read (`config` is empty then): an unknown type, or secrets that cannot be opened. */
  readonly problem?: string;
}

export interface NewAccount {
  readonly id?: string | undefined;
  readonly type: string;
  readonly name?: string | null | undefined;
  readonly config?: Config | undefined;
  /** The channel's own where it is left out. */
  readonly continuity?: 'contact' | 'thread' | undefined;
  /** Seconds; 72 hours where it is left out. */
  readonly reopenWithinS?: number | undefined;
  readonly enabled?: boolean | undefined;
}
export type AccountPatch = Omit<NewAccount, 'id' | 'type'>;

const COLUMNS = `id, type, name, config, continuity, reopen_within_s as "reopenWithinS", hosted, enabled, managed_by as "managedBy", state,
  state_detail as "stateDetail", state_link as "stateLink", iso(created_at) as "createdAt", iso(updated_at) as "updatedAt"`;
const SAVE = `
  insert into account (id, type, name, config, continuity, reopen_within_s, hosted, enabled, managed_by)
  values ($1, $2, $3, $4::jsonb, $5, $6, $7, $8, $9)
  on conflict (id) do update set type = excluded.type, name = excluded.name, config = excluded.config, continuity = excluded.continuity,
    reopen_within_s = excluded.reopen_within_s, hosted = excluded.hosted, enabled = excluded.enabled, managed_by = excluded.managed_by,
    removed_at = null, updated_at = now(), state = case when account.removed_at is null then account.state else 'connecting' end
  returning ${COLUMNS}`;
const DAYS_3 = 259_200;

/**
 * Connected accounts. Whoever changes one tells the running processes afterwards, once it is committed: `Directory.changed()`; the hint given here
 * may come before the commit.
 */
export class AccountStore {
  private readonly seal: ConfigSeal;

  constructor(
    private readonly parts: { database: Database; vault: Vault; kind: (type: string) => AccountKind | undefined },
  ) {
    this.seal = new ConfigSeal(parts.vault, 'account');
  }

  /** All that are not removed, by id. */
  async list(sql: Sql = this.parts.database): Promise<AccountRecord[]> {
    const rows = await sql.query<AccountRecord>(`select ${COLUMNS} from account where removed_at is null order by id`);
    return rows.map((row) => this.opened(row));
  }

  /** Throws `NotFound`. */
  async get(sql: Sql, id: string): Promise<AccountRecord> {
    const [row] = await sql.query<AccountRecord>(
      `select ${COLUMNS} from account where id = $1 and removed_at is null`,
      [id],
    );
    if (!row) throw new NotFound(`there is no account ${id}`);
    return this.opened(row);
  }

  /** Throws `InvalidInput`, or `Conflict` (`taken`). The id of a removed account may be used again: its threads come back with it. */
  async create(sql: Sql, input: NewAccount): Promise<AccountRecord> {
    const id = input.id ?? newId('acc');
    const taken = await sql.query('select 1 from account where id = $1 and removed_at is null for update', [id]);
    if (taken.length > 0) throw new Conflict('taken', `there is an account ${id} already`);
    const config = changeConfig(this.kind(input.type).config, {}, input.config ?? {});
    return this.save(sql, { ...input, id, config }, 'api');
  }

  /** Members of `config` that are given replace the old ones; null removes one, `"***"` keeps a secret. Throws `NotFound`, `Conflict` (`read-only`), `InvalidInput`. */
  async update(sql: Sql, id: string, patch: AccountPatch): Promise<AccountRecord> {
    const old = await this.writable(sql, id);
    const { config } = this.kind(old.type);
    const merged = changeConfig(config, old.config, patch.config ?? {});
    const given = Object.fromEntries(Object.entries(patch).filter(([, value]) => value !== undefined));
    return this.save(sql, { ...old, ...given, config: merged }, 'api');
  }

  /** Takes it out of use; threads, messages and history stay. Throws `NotFound`, `Conflict` (`read-only`). */
  async remove(sql: Sql, id: string): Promise<void> {
    await this.writable(sql, id);
    await sql.query('update account set removed_at = now(), updated_at = now(), state_link = null where id = $1', [id]);
    this.parts.database.hint('directory');
  }

  /**
   * Makes the accounts of the settings file what the store has of it: those that are no longer in the file are removed. What stands there already is not touched,
   * so that a second process with the same file does not have the first one connect anew.
   */
  async importFromFile(entries: readonly (NewAccount & { id: string })[]): Promise<void> {
    await this.parts.database.transaction(async (sql) => {
      for (const entry of entries) if (!(await this.stands(sql, entry))) await this.save(sql, entry, 'file');
      await sql.query(
        `update account set removed_at = now(), state_link = null where managed_by = 'file' and removed_at is null and not id = any ($1::text[])`,
        [entries.map(({ id }) => id)],
      );
    });
  }

  /** The settings as they may be shown: secrets as `"***"`. */
  masked(record: Pick<AccountRecord, 'type' | 'config'>): Config {
    const kind = this.parts.kind(record.type);
    return kind ? maskConfig(kind.config, record.config) : {};
  }

  /** Seals anew what was sealed with a key that is being replaced. */
  async renewSecrets(): Promise<void> {
    const { database, kind } = this.parts;
    for (const { id, type, config } of await database.query<{ id: string; type: string; config: Config }>(
      'select id, type, config from account',
    )) {
      const schema = kind(type)?.config;
      const renewed = schema && this.seal.renew(schema, id, config);
      if (renewed)
        await database.query('update account set config = $2::jsonb where id = $1', [id, JSON.stringify(renewed)]);
    }
  }

  private async stands(sql: Sql, entry: NewAccount & { id: string }): Promise<boolean> {
    const [row] = await sql.query<AccountRecord>(
      `select ${COLUMNS} from account where id = $1 and removed_at is null and managed_by = 'file'`,
      [entry.id],
    );
    if (!row) return false;
    const { type, name, config, continuity, reopenWithinS, hosted, enabled } = this.opened(row);
    const kind = this.kind(entry.type);
    checkConfig(kind.config, entry.config ?? {});
    return isDeepStrictEqual(
      [type, name, config, continuity, reopenWithinS, hosted, enabled],
      [
        ...[entry.type, entry.name ?? null, plain(entry.config), entry.continuity ?? kind.continuity],
        ...[entry.reopenWithinS ?? DAYS_3, kind.hosted, entry.enabled ?? true],
      ],
    );
  }

  private async save(sql: Sql, input: NewAccount & { id: string }, managedBy: 'file' | 'api'): Promise<AccountRecord> {
    const kind = this.kind(input.type);
    const config = input.config ?? {};
    checkConfig(kind.config, config);
    const [row] = await sql.query<AccountRecord>(SAVE, [
      input.id,
      input.type,
      input.name ?? null,
      JSON.stringify(this.seal.seal(kind.config, input.id, config)),
      input.continuity ?? kind.continuity,
      input.reopenWithinS ?? DAYS_3,
      kind.hosted,
      input.enabled ?? true,
      managedBy,
    ]);
    this.parts.database.hint('directory');
    return this.opened(row!);
  }

  /** Locked until the transaction ends: whoever changes it next builds on this change. */
  private async writable(sql: Sql, id: string): Promise<AccountRecord> {
    await sql.query('select 1 from account where id = $1 for update', [id]);
    const record = await this.get(sql, id);
    if (record.managedBy === 'file')
      throw new Conflict('read-only', `the account ${id} is managed by the settings file`);
    return record;
  }

  private kind(type: string): AccountKind {
    const kind = this.parts.kind(type);
    if (!kind)
      throw new InvalidInput([
        { path: 'type', message: 'expected a channel that exists; GET /v1/channels lists them' },
      ]);
    return kind;
  }

  private opened(row: AccountRecord): AccountRecord {
    const schema = this.parts.kind(row.type)?.config;
    if (!schema) return { ...row, config: {}, problem: `there is no channel ${row.type}` };
    try {
      return { ...row, config: this.seal.open(schema, row.id, row.config) };
    } catch (error) {
      if (error instanceof Unsealable) return { ...row, config: {}, problem: error.message };
      throw error;
    }
  }
}

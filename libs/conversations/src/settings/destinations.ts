import { randomBytes } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import type { Database, Sql } from '#database';
import { describeSettings, InvalidInput, newId } from '#normalizer';
import type { z } from 'zod';
import { Conflict, NotFound } from '../ports.js';
import { changeConfig, checkConfig, ConfigSeal, maskConfig, plain, type Config } from './sealed-config.js';
import { Unsealable, type Vault } from './vault.js';

/** What a destination gets; what is left out admits everything. */
export interface DestinationFilter {
  readonly events?: readonly string[] | undefined;
  readonly accounts?: readonly string[] | undefined;
  readonly channels?: readonly string[] | undefined;
}

/** A destination as stored. `config` is as given, with its secrets open and `secret` the newest signing secret. */
export interface DestinationRecord {
  readonly id: string;
  readonly type: string;
  readonly name: string | null;
  readonly config: Config;
  /** Those that sign now, newest first: two while a secret is being rotated. */
  readonly signingSecrets: readonly string[];
  readonly filter: DestinationFilter;
  readonly state: 'active' | 'paused';
  readonly pausedReason: string | null;
  /** When it is looked whether a destination that paused by itself can go on. */
  readonly nextProbeAt: string | null;
  readonly managedBy: 'file' | 'api';
  readonly createdAt: string;
  readonly updatedAt: string;
  /** Why the settings cannot be read: an unknown type, or secrets that cannot be opened. */
  readonly problem?: string;
}

export interface NewDestination {
  readonly id?: string | undefined;
  readonly type: string;
  readonly name?: string | null | undefined;
  readonly config?: Config | undefined;
  readonly filter?: DestinationFilter | undefined;
}
export type DestinationPatch = Omit<NewDestination, 'id' | 'type'>;

interface StoredSecret {
  readonly value: string;
  readonly expiresAt: string | null;
}
type Row = Omit<DestinationRecord, 'signingSecrets' | 'filter'> & {
  secrets: StoredSecret[];
  events: string[] | null;
  accounts: string[] | null;
  channels: string[] | null;
};

const COLUMNS = `id, type, name, config, secrets, filter_events as events, filter_accounts as accounts, filter_channels as channels, state,
  paused_reason as "pausedReason", iso(probe_at) as "nextProbeAt", managed_by as "managedBy", iso(created_at) as "createdAt", iso(updated_at) as "updatedAt"`;
/** Whose references are about to be forgotten, in the order in which everybody locks conversations. */
const LOCK_FORGETFUL = `
  select 1 from conversation where id in (
    select r.conversation_id from reference r join destination d on d.id = r.destination_id where d.id = $1 and d.removed_at is not null)
  order by id for no key update`;
/** One that is made again after it was removed begins anew: it is active, and what waited for the old one and its tickets are forgotten. */
const SAVE = `
  with forgotten as (
    delete from reference r using destination d where d.id = $1 and d.removed_at is not null and r.destination_id = d.id),
  orphans as (
    delete from outbox o using destination d where d.id = $1 and d.removed_at is not null and o.kind = 'event' and o.target_id = d.id)
  insert into destination (id, type, name, config, secrets, filter_events, filter_accounts, filter_channels, managed_by)
  values ($1, $2, $3, $4::jsonb, $5::jsonb, $6, $7, $8, $9)
  on conflict (id) do update set type = excluded.type, name = excluded.name, config = excluded.config, secrets = excluded.secrets,
    filter_events = excluded.filter_events, filter_accounts = excluded.filter_accounts, filter_channels = excluded.filter_channels,
    managed_by = excluded.managed_by, removed_at = null, updated_at = now(),
    state = case when destination.removed_at is null then destination.state else 'active' end,
    paused_reason = case when destination.removed_at is null then destination.paused_reason end,
    probe_at = case when destination.removed_at is null then destination.probe_at end
  returning ${COLUMNS}`;
/** What waits for it is deleted in small steps by `forgetOrphans`: in one step it would hold up the stream. */
const REMOVED = 'update destination set removed_at = now(), updated_at = now() where id = any ($1::text[])';
/** How long a replaced signing secret goes on signing beside the new one. */
const OVERLAP_MS = 24 * 3_600_000;

/** Ticket systems. As with accounts, whoever changes one calls `Directory.changed()` once it is committed. */
export class DestinationStore {
  private readonly seal: ConfigSeal;

  constructor(
    private readonly parts: { database: Database; vault: Vault; schema: (type: string) => z.ZodType | undefined },
  ) {
    this.seal = new ConfigSeal(parts.vault, 'destination');
  }

  /** All that are not removed, by id. */
  async list(sql: Sql = this.parts.database): Promise<DestinationRecord[]> {
    const rows = await sql.query<Row>(`select ${COLUMNS} from destination where removed_at is null order by id`);
    return rows.map((row) => this.opened(row));
  }

  /** Throws `NotFound`. */
  async get(sql: Sql, id: string): Promise<DestinationRecord> {
    return this.opened(await this.row(sql, id));
  }

  /** A signing secret that is left out is made; it is in the answer's `config.secret`. Throws `InvalidInput`, `Conflict` (`taken`). */
  async create(sql: Sql, input: NewDestination): Promise<DestinationRecord> {
    const id = input.id ?? newId('dst');
    const taken = await sql.query('select 1 from destination where id = $1 and removed_at is null for update', [id]);
    if (taken.length > 0) throw new Conflict('taken', `there is a destination ${id} already`);
    const config = changeConfig(this.schema(input.type), {}, input.config ?? {});
    return this.save(sql, { ...input, id, config }, { managedBy: 'api', secrets: [] });
  }

  /** As `AccountStore.update`; another `config.secret` rotates. Throws `NotFound`, `Conflict` (`read-only`), `InvalidInput`. */
  async update(sql: Sql, id: string, patch: DestinationPatch): Promise<DestinationRecord> {
    const row = await this.writable(sql, id);
    const old = this.opened(row);
    const config = changeConfig(this.schema(old.type), old.config, patch.config ?? {});
    const next = {
      id,
      type: old.type,
      name: patch.name === undefined ? old.name : patch.name,
      filter: patch.filter ?? old.filter,
      config,
    };
    return this.save(sql, next, { managedBy: 'api', secrets: row.secrets });
  }

  /** Takes it out of use and forgets what was still to be delivered. Throws `NotFound`, `Conflict` (`read-only`). */
  async remove(sql: Sql, id: string): Promise<void> {
    await this.writable(sql, id);
    await sql.query(REMOVED, [[id]]);
    this.parts.database.hint('directory');
  }

  /** A new signing secret; the old one goes on signing for 24 hours. Throws `NotFound`, `Conflict` (`read-only`, `not-supported`). */
  async rotateSecret(sql: Sql, id: string): Promise<DestinationRecord & { secret: string }> {
    const row = await this.writable(sql, id);
    if (!signs(this.schema(row.type)))
      throw new Conflict('not-supported', `destinations of type ${row.type} have no signing secret`);
    const secret = newSigningSecret();
    const old = this.opened(row);
    const saved = await this.save(
      sql,
      { ...old, config: { ...old.config, secret } },
      { managedBy: row.managedBy, secrets: row.secrets },
    );
    return { ...saved, secret };
  }

  /** Makes the destinations of the settings file what the store has of it; what stands there already is not touched. A secret that changed in the file rotates. */
  async importFromFile(entries: readonly (NewDestination & { id: string })[]): Promise<void> {
    await this.parts.database.transaction(async (sql) => {
      for (const entry of entries) {
        const [row] = await sql.query<Row>(`select ${COLUMNS} from destination where id = $1 for update`, [entry.id]);
        if (row && (await this.stands(sql, row, entry))) continue;
        await this.save(sql, entry, { managedBy: 'file', secrets: row?.secrets ?? [] });
      }
      const gone = await sql.query<{ id: string }>(
        `select id from destination where managed_by = 'file' and removed_at is null and not id = any ($1::text[])`,
        [entries.map(({ id }) => id)],
      );
      if (gone.length > 0) await sql.query(REMOVED, [gone.map(({ id }) => id)]);
    });
  }

  /** The settings as they may be shown: secrets as `"***"`. */
  masked(record: Pick<DestinationRecord, 'type' | 'config'>): Config {
    const schema = this.parts.schema(record.type);
    return schema ? maskConfig(schema, record.config) : {};
  }

  /** Seals anew what was sealed with a key that is being replaced. */
  async renewSecrets(): Promise<void> {
    const { database, vault, schema } = this.parts;
    for (const row of await database.query<Row>(`select ${COLUMNS} from destination`)) {
      const known = schema(row.type);
      const config = known && this.seal.renew(known, row.id, row.config);
      const stale = row.secrets.some(({ value }) => vault.isStale(value));
      if (!config && !stale) continue;
      const secrets = row.secrets.map((secret) => ({
        ...secret,
        value: this.sealSecret(row.id, this.openSecret(row.id, secret)),
      }));
      await database.query('update destination set config = $2::jsonb, secrets = $3::jsonb where id = $1', [
        row.id,
        JSON.stringify(config ?? row.config),
        JSON.stringify(secrets),
      ]);
    }
  }

  private async save(
    sql: Sql,
    input: NewDestination & { id: string },
    { managedBy, secrets }: { managedBy: 'file' | 'api'; secrets: readonly StoredSecret[] },
  ): Promise<DestinationRecord> {
    const schema = this.schema(input.type);
    const { secret: given, ...rest } = input.config ?? {};
    const newest = secrets[0] && this.openSecret(input.id, secrets[0]);
    const signing = signs(schema) ? (given ?? newest ?? newSigningSecret()) : undefined;
    checkConfig(schema, { ...rest, ...((signing ?? given) !== undefined && { secret: signing ?? given }) });
    const kept = signing === undefined ? [] : this.rotated(input.id, { secret: String(signing), newest, secrets });
    const { events, accounts, channels } = input.filter ?? {};
    await sql.query(LOCK_FORGETFUL, [input.id]);
    const [row] = await sql.query<Row>(SAVE, [
      input.id,
      input.type,
      input.name ?? null,
      JSON.stringify(this.seal.seal(schema, input.id, rest)),
      JSON.stringify(kept),
      events ?? null,
      accounts ?? null,
      channels ?? null,
      managedBy,
    ]);
    this.parts.database.hint('directory');
    return this.opened(row!);
  }

  /** Is it in use, and as the entry says? */
  private async stands(sql: Sql, row: Row, entry: NewDestination): Promise<boolean> {
    const [used] = await sql.query('select 1 from destination where id = $1 and removed_at is null', [row.id]);
    const { type, name, config, filter, managedBy, signingSecrets, problem } = this.opened(row);
    if (!used || managedBy !== 'file' || problem !== undefined) return false;
    const [secret] = signingSecrets;
    const wanted = { ...(secret !== undefined && { secret }), ...plain(entry.config) };
    checkConfig(this.schema(entry.type), wanted);
    return isDeepStrictEqual(
      [type, name, config, filter],
      [entry.type, entry.name ?? null, wanted, plain({ ...entry.filter })],
    );
  }

  /** The list with this secret as its newest; the one before it expires in 24 hours, expired ones fall out. */
  private rotated(
    id: string,
    given: { secret: string; newest: string | undefined; secrets: readonly StoredSecret[] },
  ): StoredSecret[] {
    const current = given.secrets.filter(({ expiresAt }) => expiresAt === null || Date.parse(expiresAt) > Date.now());
    if (given.secret === given.newest) return current;
    const until = new Date(Date.now() + OVERLAP_MS).toISOString();
    const older = current.map((secret) => ({ ...secret, expiresAt: secret.expiresAt ?? until }));
    return [{ value: this.sealSecret(id, given.secret), expiresAt: null }, ...older];
  }

  private async row(sql: Sql, id: string, lock: '' | 'for update' = ''): Promise<Row> {
    const [row] = await sql.query<Row>(
      `select ${COLUMNS} from destination where id = $1 and removed_at is null ${lock}`,
      [id],
    );
    if (!row) throw new NotFound(`there is no destination ${id}`);
    return row;
  }

  /** Locked until the transaction ends: whoever changes it next builds on this change. */
  private async writable(sql: Sql, id: string): Promise<Row> {
    const row = await this.row(sql, id, 'for update');
    if (row.managedBy === 'file')
      throw new Conflict('read-only', `the destination ${id} is managed by the settings file`);
    return row;
  }

  private schema(type: string): z.ZodType {
    const schema = this.parts.schema(type);
    if (!schema) throw new InvalidInput([{ path: 'type', message: 'expected a kind of destination that exists' }]);
    return schema;
  }

  private sealSecret(id: string, secret: string): string {
    return this.parts.vault.seal(secret, { table: 'destination', id, field: 'secrets' });
  }

  private openSecret(id: string, { value }: StoredSecret): string {
    return this.parts.vault.open(value, { table: 'destination', id, field: 'secrets' });
  }

  private opened({ secrets, events, accounts, channels, ...row }: Row): DestinationRecord {
    const filter = { ...(events && { events }), ...(accounts && { accounts }), ...(channels && { channels }) };
    const schema = this.parts.schema(row.type);
    if (!schema)
      return { ...row, config: {}, signingSecrets: [], filter, problem: `there is no connector ${row.type}` };
    try {
      const live = secrets.filter(({ expiresAt }) => expiresAt === null || Date.parse(expiresAt) > Date.now());
      const signingSecrets = live.map((secret) => this.openSecret(row.id, secret));
      const config = this.seal.open(schema, row.id, row.config);
      return {
        ...row,
        config: { ...config, ...(signingSecrets[0] && { secret: signingSecrets[0] }) },
        signingSecrets,
        filter,
      };
    } catch (error) {
      if (error instanceof Unsealable)
        return { ...row, config: {}, signingSecrets: [], filter, problem: error.message };
      throw error;
    }
  }
}

/** A connector signs when its settings have a secret of the name `secret`. */
function signs(schema: z.ZodType): boolean {
  return describeSettings(schema).some(({ name, secret }) => name === 'secret' && secret);
}

/** A secret in the form of the Standard Webhooks specification: 32 random bytes. */
function newSigningSecret(): string {
  return `whsec_${randomBytes(32).toString('base64')}`;
}

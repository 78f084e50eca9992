import { createHash } from 'node:crypto';
import { NotFound, type IntakePort } from '#conversations';
import type { Settings } from '#config';
import type { Database } from '#database';
import {
  builtinCrms,
  findContact,
  listHandles,
  type ContactRecord,
  type CrmContext,
  type CrmDirectory,
} from '#identity';
import { type ProviderFailure } from '#normalizer';
import { secretValues, withoutSecrets, type Health, type Http } from '#transport';
import type { Logger } from 'pino';
import type { SharedValues } from '../directory/index.js';
import type { Metrics } from '../ops/metrics.js';
import { CrmIntake } from './crm-intake.js';
import { Lookups } from './lookups.js';
import { Senders } from './senders.js';

export interface CrmParts {
  readonly settings: Settings['crm'];
  readonly database: Database;
  readonly http: Http;
  readonly shared: Pick<SharedValues, 'once' | 'forget'>;
  readonly metrics: Pick<Metrics, 'gauge'>;
  readonly log: Logger;
}

/** What came of asking the CRM anew. */
export interface Refreshed {
  readonly outcome:
    'linked' | 'suggested' | 'another' | 'conflict' | 'merged' | 'failed' | 'unknown' | 'nothing-proven';
  readonly changes: readonly string[];
  readonly contact: ContactRecord;
}

/** The CRM that the settings name, as the gateway uses it. Without one (`null`), people are whom import and API made known. */
export class Crm {
  static open(parts: CrmParts): Crm | null {
    const { settings } = parts;
    if (!settings) return null;
    const directory = builtinCrms.find(({ type }) => type === settings.type);
    if (!directory) throw new Error(`there is no CRM ${settings.type}`);
    return new Crm(parts, settings, directory);
  }

  private readonly lookups: Lookups;
  private readonly senders: Senders;
  private readonly config: unknown;
  /** For redaction: what must never be logged. */
  readonly secrets: readonly string[];

  private constructor(
    private readonly parts: CrmParts,
    private readonly settings: NonNullable<CrmParts['settings']>,
    private readonly directory: CrmDirectory,
  ) {
    this.config = directory.config.parse(settings.config);
    this.secrets = secretValues(directory.config, this.config);
    const { database, log } = parts;
    this.lookups = new Lookups({
      ask: (handle, signal) => directory.lookup(handle, this.context(signal)),
      ttlMs: settings.ttl * 1_000,
      absentMs: settings.absentTtl * 1_000,
      staleMs: settings.staleFor * 1_000,
      timeoutMs: settings.timeout * 1_000,
      onTrouble: (failure) => this.tell(failure),
    });
    parts.metrics.gauge('tributary_crm_lookups', 'Addresses being looked up in the CRM', () => this.lookups.size);
    const schemes = directory.schemes(this.config);
    this.senders = new Senders({ database, lookups: this.lookups, schemes, link: settings.link, log });
  }

  /** Intake that asks the CRM who writes. */
  before(intake: IntakePort): IntakePort {
    const { senders, lookups, settings, parts } = this;
    return new CrmIntake({
      intake,
      senders,
      hopeful: () => lookups.hopeful,
      budgetMs: settings.budget,
      log: parts.log,
    });
  }

  /** "Test these credentials". */
  async check(signal: AbortSignal): Promise<Health> {
    const { type, check } = this.directory;
    if (!check) return { ok: true, detail: `${type} has no credentials to test` };
    const health = await check(this.context(signal));
    return { ok: health.ok, detail: withoutSecrets(health.detail, this.secrets) };
  }

  /**
   * Asks anew by every proven handle of a contact, and shows what comes of it. A link of the CRM's own that says something else gives way. Throws `NotFound`, `ProviderFailure`.
   */
  async refresh(contactId: string): Promise<Refreshed> {
    const { database } = this.parts;
    await existing(database, contactId);
    const handles = this.senders.askable(await listHandles(database, contactId));
    await Promise.all(handles.map((handle) => this.lookups.refresh(handle)));
    const found = this.senders.who(handles);
    if (!found) {
      const outcome = handles.length === 0 ? 'nothing-proven' : 'unknown';
      return { outcome, changes: [], contact: await existing(database, contactId) };
    }
    const { outcome, changes, contactId: now } = await this.senders.apply(contactId, found, { replace: true });
    if (outcome === 'gone') throw new NotFound(`there is no contact ${contactId}`);
    const contact = await existing(database, now);
    return { outcome: outcome === 'taken' ? 'conflict' : outcome, changes, contact };
  }

  stop(): void {
    this.lookups.stop();
    this.senders.stop();
  }

  private context(signal: AbortSignal): CrmContext<unknown> {
    const { http, shared } = this.parts;
    const of = (key: string) => `crm:${this.settings.type}:${this.version}:${key}`;
    return {
      config: this.config,
      http,
      once: (key, ttlMs, make) => shared.once(of(key), ttlMs, make),
      forget: (key) => shared.forget(of(key)),
      now: Date.now,
      signal,
    };
  }

  /** Other credentials share no token with those before them. */
  private get version(): string {
    return createHash('sha256').update(JSON.stringify(this.config)).digest('base64url').slice(0, 16);
  }

  private tell(failure: ProviderFailure | null): void {
    const { log } = this.parts;
    if (failure === null) return log.info({ crm: this.settings.type }, 'the CRM answers again');
    const reason = withoutSecrets(failure.message, this.secrets);
    log.warn({ crm: this.settings.type, code: failure.code, reason }, 'the CRM fails; messages go on without it');
  }
}

async function existing(database: Database, id: string): Promise<ContactRecord> {
  const contact = await findContact(database, id);
  if (!contact) throw new NotFound(`there is no contact ${id}`);
  return contact;
}

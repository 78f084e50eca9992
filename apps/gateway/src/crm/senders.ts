import type { Database } from '#database';
import {
  applyCrm,
  crmFinding,
  isCrmTaken,
  storeCrmCompany,
  type CrmApplied,
  type CrmFinding,
  type CrmRecord,
} from '#identity';
import type { Handle } from '#normalizer';
import type { Logger } from 'pino';
import type { Flight, Known, Lookups } from './lookups.js';

export interface SendersParts {
  readonly database: Database;
  readonly lookups: Lookups;
  /** Schemes of handles that the CRM is asked for. */
  readonly schemes: readonly string[];
  /** The least proof of a handle that makes a proven link. */
  readonly link: 'channel' | 'verified';
  readonly log: Logger;
}

type Proof = 'channel' | 'verified';

/** Who the CRM says that a sender is, and by which handle. */
export interface Found {
  readonly known: Known & { readonly record: CrmRecord };
  /** Undefined where the handle proves too little: then it is a suggestion. */
  readonly proof: Proof | undefined;
}

const ATTEMPTS = 3;
const CONTENTION: ReadonlySet<unknown> = new Set(['40P01', '40001', '55P03', '23505']);
/** What is shown later, at once: the store has messages to take in. */
const CAP = 4;
const RANK = { claimed: 0, channel: 1, verified: 2 } as const;

/** What the CRM knows of those who write, and how it gets onto their contacts. */
export class Senders {
  private readonly schemes: ReadonlySet<string>;
  /** Contacts that wait for a look-up to end. */
  private readonly awaited = new WeakMap<Flight, Map<string, readonly Handle[]>>();
  private readonly queue: (() => Promise<void>)[] = [];
  private running = 0;
  private stopped = false;

  constructor(private readonly parts: SendersParts) {
    this.schemes = new Set(parts.schemes);
  }

  /** Of these, the handles that the CRM may be asked for: only proven ones, for a claim would read it what somebody else is in the CRM. */
  askable(handles: readonly Handle[]): readonly Handle[] {
    return handles.filter(({ scheme, proof }) => proof !== 'claimed' && this.schemes.has(scheme));
  }

  /** Begins to look up what is not fresh, and returns what is under way. */
  ask(handles: readonly Handle[]): Flight[] {
    const { lookups } = this.parts;
    return handles.flatMap((handle) => (lookups.isFresh(handle) ? [] : (lookups.find(handle) ?? [])));
  }

  /**
   * Who the sender is by all that is known of the handles: the best proven ones decide. Null where nobody is known by them, and where equally good ones lead to
   * different contacts of the CRM.
   */
  who(handles: readonly Handle[]): Found | null {
    for (const proof of ['verified', 'channel'] as const) {
      const found = handles
        .filter((handle) => handle.proof === proof)
        .flatMap((handle) => this.parts.lookups.known(handle) ?? [])
        .filter((known): known is Found['known'] => known.record !== null);
      const [first] = found;
      if (!first) continue;
      if (found.some(({ record }) => record.id !== first.record.id)) return null;
      return { known: first, proof: RANK[proof] >= RANK[this.parts.link] ? proof : undefined };
    }
    return null;
  }

  /** What goes with a message into the store. Throws what the database throws. */
  async finding({ known, proof }: Found): Promise<CrmFinding> {
    const { company } = known.record;
    if (company) known.companyId ??= await storeCrmCompany(this.parts.database, company);
    return { ...crmFinding(known.record, known.companyId), ...(proof && { proof }) };
  }

  /** The message of a contact is stored; `shown` went with it. What is not shown of the sender yet follows, now or when it is known. */
  stored(contactId: string, handles: readonly Handle[], shown: Found | undefined): void {
    if (shown) {
      shown.known.applied = { contactId, proof: shown.proof };
      if (shown.proof) this.later(() => this.joinIfTaken(contactId, handles, shown));
    } else this.show(contactId, handles);
    for (const handle of handles) {
      const flight = this.parts.lookups.isFresh(handle) ? undefined : this.parts.lookups.find(handle);
      if (flight) this.await(flight, contactId, handles);
    }
  }

  /** Shows on a contact what is known by now. Throws what the database throws. */
  async apply(contactId: string, found: Found, more: Pick<CrmFinding, 'replace'> = {}): Promise<CrmApplied> {
    const { database, log } = this.parts;
    const finding = { ...(await this.finding(found)), join: true as const, ...more };
    const applied = await this.persistently(() => database.transaction((sql) => applyCrm(sql, contactId, finding)));
    found.known.applied = { contactId: applied.contactId, proof: found.proof };
    if (applied.changes.length > 0 || applied.outcome === 'merged' || applied.outcome === 'conflict') {
      database.hint('outbox');
      database.hint('events');
    }
    if (applied.outcome === 'another' || applied.outcome === 'failed')
      log.warn({ contact: contactId, outcome: applied.outcome }, 'what the CRM says is not shown on the contact');
    return applied;
  }

  stop(): void {
    this.stopped = true;
    this.queue.length = 0;
  }

  private await(flight: Flight, contactId: string, handles: readonly Handle[]): void {
    const waiting = this.awaited.get(flight) ?? new Map<string, readonly Handle[]>();
    waiting.set(contactId, handles);
    if (this.awaited.has(flight)) return;
    this.awaited.set(flight, waiting);
    void flight.done.then(() => waiting.forEach((asked, contact) => this.show(contact, asked)));
  }

  private show(contactId: string, handles: readonly Handle[]): void {
    const found = this.who(handles);
    if (!found || isShown(found, contactId)) return;
    this.later(async () => {
      if (!isShown(found, contactId)) await this.apply(contactId, found);
    });
  }

  private async joinIfTaken(contactId: string, handles: readonly Handle[], shown: Found): Promise<void> {
    if (await isCrmTaken(this.parts.database, shown.known.record.id, contactId)) await this.apply(contactId, shown);
  }

  private later(work: () => Promise<void>): void {
    if (this.stopped) return;
    this.queue.push(work);
    if (this.running < CAP) void this.run();
  }

  private async run(): Promise<void> {
    this.running += 1;
    for (let work = this.queue.shift(); work; work = this.queue.shift()) {
      await work().catch((error: unknown) => {
        this.parts.log.warn({ err: error }, 'what the CRM says could not be stored; the next message tries again');
      });
    }
    this.running -= 1;
  }

  private async persistently<T>(work: () => Promise<T>, attempt = 1): Promise<T> {
    try {
      return await work();
    } catch (error) {
      if (attempt >= ATTEMPTS || !CONTENTION.has((error as { code?: unknown }).code)) throw error;
      return this.persistently(work, attempt + 1);
    }
  }
}

function isShown({ known: { applied }, proof }: Found, contactId: string): boolean {
  return applied?.contactId === contactId && RANK[applied.proof ?? 'claimed'] >= RANK[proof ?? 'claimed'];
}

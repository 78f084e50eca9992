import type { AdapterContext, ChannelAdapter } from '#channels';
import {
  contactOf,
  keepReference,
  knownMessages,
  referenceOf,
  ticketsOf,
  type AccountStore,
  type DestinationStore,
  type Files,
  type FileUrls,
} from '#conversations';
import type { Database } from '#database';
import { type ConnectorContext, type HelpdeskConnector, Holdings } from '#helpdesk';
import { redact, type Dial, type GuardedHttp, type Http, type MediaStream, type RawExchange } from '#transport';
import type { Logger } from 'pino';
import { runAccount, runDestination, type RunningAccount, type RunningDestination } from './running.js';
import type { SharedValues } from './shared-values.js';
import type { Trace, TraceWriter } from './trace-writer.js';

export interface DirectoryParts {
  readonly database: Database;
  readonly accounts: AccountStore;
  readonly destinations: DestinationStore;
  readonly adapters: readonly ChannelAdapter<unknown, unknown>[];
  readonly connectors: readonly HelpdeskConnector<unknown>[];
  /** For adapters, and for connectors (many small signed requests). */
  readonly http: GuardedHttp;
  readonly deliveryHttp: GuardedHttp;
  /** For adapters and connectors that speak another protocol. */
  readonly dial: Dial;
  readonly shared: SharedValues;
  readonly traces: TraceWriter;
  readonly files: Files;
  readonly fileUrls: FileUrls;
  /** Root of the addresses that providers call. */
  readonly publicUrl: string;
  readonly log: Logger;
}

/** Accounts and destinations whose settings do not work, by id, with the reason. */
export type Broken = ReadonlyMap<string, string>;

const RELOAD_MS = 30_000;
/** A hint may come before the commit that it tells of; this much later it is there. */
const SETTLE_MS = 300;
/** Messages of one call that its trace is noted for. */
const MOST_OF_ONE_CALL = 20;
/** How long a provider may fetch a file that is sent to it by address. */
const PROVIDER_URL_S = 3_600;
/** How long a file can be read by the address that a ticket shows. */
const TICKET_URL_S = 30 * 86_400;

/** What the running process knows of accounts and destinations, and what it gives to their adapters and connectors. */
export class Directory {
  private readonly byType: ReadonlyMap<string, ChannelAdapter<unknown, unknown>>;
  private readonly connectorsByType: ReadonlyMap<string, HelpdeskConnector<unknown>>;
  private runningAccounts: ReadonlyMap<string, RunningAccount> = new Map();
  private runningDestinations: ReadonlyMap<string, RunningDestination> = new Map();
  private brokenAccounts: Broken = new Map();
  private destinationsBroken: Broken = new Map();
  private readonly listeners = new Set<() => void>();
  private readonly holdings = new Holdings();
  private readonly end: (() => void)[] = [];
  private reloading: Promise<void> | undefined;
  private again = false;

  constructor(private readonly parts: DirectoryParts) {
    this.byType = new Map(parts.adapters.map((adapter) => [adapter.type, adapter]));
    this.connectorsByType = new Map(parts.connectors.map((connector) => [connector.type, connector]));
  }

  account(id: string): RunningAccount | undefined {
    return this.runningAccounts.get(id);
  }

  accounts(): RunningAccount[] {
    return [...this.runningAccounts.values()];
  }

  destination(id: string): RunningDestination | undefined {
    return this.runningDestinations.get(id);
  }

  destinations(): RunningDestination[] {
    return [...this.runningDestinations.values()];
  }

  /** Why an account that exists cannot be served. */
  broken(): Broken {
    return this.brokenAccounts;
  }

  /** Why a destination that exists gets nothing. */
  brokenDestinations(): Broken {
    return this.destinationsBroken;
  }

  adapters(): ChannelAdapter<unknown, unknown>[] {
    return [...this.byType.values()];
  }

  connectors(): HelpdeskConnector<unknown>[] {
    return [...this.connectorsByType.values()];
  }

  adapter(type: string): ChannelAdapter<unknown, unknown> | undefined {
    return this.byType.get(type);
  }

  connector(type: string): HelpdeskConnector<unknown> | undefined {
    return this.connectorsByType.get(type);
  }

  /** Everything that the account's adapter may touch. `messageId` ties the traces of its requests to a message; `untraced` ones leave none. */
  adapterContext(
    account: RunningAccount,
    options: { session?: unknown; signal: AbortSignal; messageId?: string; untraced?: boolean },
  ): AdapterContext<unknown, unknown> {
    const { shared } = this.parts;
    const of = (key: string) => `account:${account.id}:${key}`;
    return {
      accountId: account.id,
      config: account.config,
      session: options.session,
      http: options.untraced
        ? this.parts.http.traced({})
        : this.traced(this.parts.http, account.secrets, { accountId: account.id, messageId: options.messageId }),
      dial: this.parts.dial,
      once: (key, ttlMs, make) => shared.once(of(key), ttlMs, make),
      forget: (key) => shared.forget(of(key)),
      remember: (key, value, ttlMs) => shared.remember(of(key), value, ttlMs),
      recall: (key) => shared.recall(of(key)),
      known: (externalIds) => knownMessages(this.parts.database, account.id, externalIds),
      openFile: (fileId) => this.openFile(fileId),
      fileUrl: (fileId, seconds = PROVIDER_URL_S) => this.parts.fileUrls.sign(fileId, seconds),
      callbackUrl: this.callbackUrl(account),
      now: Date.now,
      signal: options.signal,
    };
  }

  /** Notes what a provider called with as a trace of each of these messages (of the first of very many, of none where there are none; some, under load). Beside the work: the call is answered first. */
  traceCall(account: RunningAccount, exchange: RawExchange, messageIds: readonly string[]): void {
    if (!this.parts.traces.wants(`in ${account.id}`, (exchange.response?.status ?? 500) >= 400)) return;
    setImmediate(() => {
      const redacted = redact(exchange, account.secrets);
      const brought = messageIds.length > 0 ? new Set(messageIds.slice(0, MOST_OF_ONE_CALL)) : [undefined];
      for (const messageId of brought)
        this.parts.traces.add({ accountId: account.id, messageId, direction: 'in', exchange: redacted });
    });
  }

  /** Everything that the destination's connector may touch. */
  connectorContext(
    destination: RunningDestination,
    options: { signal: AbortSignal; eventId?: string; replay: boolean; unsure?: boolean },
  ): ConnectorContext<unknown> {
    const { database, fileUrls, shared } = this.parts;
    const destinationId = destination.id;
    const of = (key: string) => `destination:${destinationId}:${key}`;
    return {
      destinationId,
      config: destination.config,
      http: this.traced(this.parts.deliveryHttp, destination.secrets, {
        destinationId: destination.id,
        eventId: options.eventId,
      }),
      dial: this.parts.dial,
      hold: (open) => this.holdings.hold(destination.id, destination.version, open),
      once: (key, ttlMs, make) => shared.once(of(key), ttlMs, make),
      forget: (key) => shared.forget(of(key)),
      remember: (key, value, ttlMs) => shared.remember(of(key), value, ttlMs),
      recall: (key) => shared.recall(of(key)),
      replay: options.replay,
      unsure: options.unsure ?? options.replay,
      reference: (conversationId) => referenceOf(database, conversationId, destinationId),
      ticketsOf: (contactId, before) => ticketsOf(database, { contactId, destinationId, before }),
      contactOf: (conversationId) => contactOf(database, conversationId),
      refer: (conversationId, ticket) => keepReference(database, { conversationId, destinationId }, ticket),
      signingSecrets: destination.signingSecrets,
      openFile: (fileId) => this.openFile(fileId),
      fileUrl: (fileId) => fileUrls.sign(fileId, TICKET_URL_S),
      conversationUrl: (id) =>
        `${this.parts.publicUrl.replace(/\/$/, '')}/console/conversations/${encodeURIComponent(id)}`,
      now: Date.now,
      signal: options.signal,
    };
  }

  /** Reads everything, and from then on again at hints and every 30 s. Throws where the database cannot be read. */
  async start(): Promise<void> {
    await this.reload();
    const quietly = () =>
      void this.reload().catch((error: unknown) =>
        this.parts.log.warn({ err: error }, 'accounts could not be read again'),
      );
    const timer = setInterval(quietly, RELOAD_MS).unref();
    let settle: NodeJS.Timeout | undefined;
    const stopHints = this.parts.database.onHint('directory', () => {
      quietly();
      clearTimeout(settle);
      settle = setTimeout(quietly, SETTLE_MS).unref();
    });
    this.end.push(() => (clearInterval(timer), clearTimeout(settle), stopHints()));
  }

  /** Nothing is read again, and what connectors held open is closed. */
  async stop(): Promise<void> {
    this.end.splice(0).forEach((end) => end());
    await this.holdings.close();
  }

  /** To be called once a change of accounts or destinations is committed: this process knows it when it resolves, the others soon. */
  async changed(): Promise<void> {
    this.parts.database.hint('directory');
    await this.reload();
  }

  /** Reads accounts and destinations from the store. Calls that come together share one more reading, begun after they came. */
  reload(): Promise<void> {
    if (this.reloading) {
      this.again = true;
      return this.reloading;
    }
    this.reloading = this.readUntilCurrent().finally(() => (this.reloading = undefined));
    return this.reloading;
  }

  /** Called after each change; returns how to stop. */
  onChange(listener: () => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  private async readUntilCurrent(): Promise<void> {
    do {
      this.again = false;
      await this.read();
    } while (this.again);
  }

  private async read(): Promise<void> {
    const [accounts, destinations] = [await this.parts.accounts.list(), await this.parts.destinations.list()];
    const broken = new Map<string, string>();
    const before = this.versions();
    this.runningAccounts = this.running(accounts, broken, (record) => runAccount(record, this.byType.get(record.type)));
    const brokenDestinations = new Map<string, string>();
    this.runningDestinations = this.running(destinations, brokenDestinations, (record) =>
      runDestination(record, this.connectorsByType.get(record.type)),
    );
    this.complain('account', broken, this.brokenAccounts);
    this.complain('destination', brokenDestinations, this.destinationsBroken);
    [this.brokenAccounts, this.destinationsBroken] = [broken, brokenDestinations];
    void this.holdings.keepOnly(this.destinations());
    if (this.versions() !== before) this.listeners.forEach((listener) => listener());
  }

  private running<R extends { id: string }, T>(
    records: readonly R[],
    broken: Map<string, string>,
    run: (record: R) => T,
  ): Map<string, T> {
    const entries = records.flatMap((record): [string, T][] => {
      try {
        return [[record.id, run(record)]];
      } catch (error) {
        broken.set(record.id, (error as Error).message);
        return [];
      }
    });
    return new Map(entries);
  }

  private complain(what: string, broken: Broken, before: Broken): void {
    for (const [id, reason] of broken) {
      if (before.get(id) !== reason)
        this.parts.log.error({ [what]: id, reason }, `the ${what} cannot be used: its settings do not work`);
    }
  }

  private versions(): string {
    const accounts = this.accounts().map(({ id, version }) => [id, version]);
    const destinations = this.destinations().map(({ id, version, state }) => [id, version, state]);
    return JSON.stringify([accounts, destinations, [...this.brokenAccounts], [...this.destinationsBroken]]);
  }

  private traced(http: GuardedHttp, secrets: readonly string[], belongs: Omit<Trace, 'direction' | 'exchange'>): Http {
    const whose = `out ${belongs.accountId ?? belongs.destinationId}`;
    return http.traced({
      secrets,
      wanted: (failed) => this.parts.traces.wants(whose, failed),
      trace: (exchange) => this.parts.traces.add({ ...belongs, direction: 'out', exchange }),
    });
  }

  private callbackUrl({ id, adapter, config }: RunningAccount): string {
    const { pathSecret } = (config ?? {}) as { pathSecret?: string };
    const guard =
      adapter.ingress.webhook?.guard === 'secret-path' && pathSecret ? `/${encodeURIComponent(pathSecret)}` : '';
    return `${this.parts.publicUrl.replace(/\/$/, '')}/channels/${id}${guard}`;
  }

  private openFile(fileId: string): Promise<MediaStream> {
    return this.parts.files.open(fileId);
  }
}

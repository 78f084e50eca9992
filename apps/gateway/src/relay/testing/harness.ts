import { jest } from '@jest/globals';
import type { ChannelAdapter } from '#channels';
import { Intake, Leases, type LeaseOptions, Store1700000000002 } from '#conversations';
import type { Database } from '#database';
import { afterDelivery, afterSend, type HelpdeskConnector, type RetryDecision } from '#helpdesk';
import { Identity1700000000001 } from '#identity';
import type { InboundEvent } from '#normalizer';
import type { RunningAccount, RunningDestination } from '../../directory/index.js';
import { NO_SESSIONS, type Observation, type RelayDirectory, type RetryRules } from '../ports.js';
import { RelayProcess, type RelayOptions } from '../relay-process.js';

export const STORE = { entities: [], migrations: [Identity1700000000001, Store1700000000002] };

/** The retry table, with delays of at most a tenth of a second. */
export const HASTY: RetryRules = {
  afterDelivery: (attempts, outcome) => hasten(afterDelivery(attempts, outcome, () => 0.5)),
  afterSend: (attempts, outcome) => hasten(afterSend(attempts, outcome, () => 0.5)),
};

function hasten(decision: RetryDecision): RetryDecision {
  return decision.kind === 'retry' ? { ...decision, delayMs: Math.min(decision.delayMs / 100, 100) } : decision;
}

/** Accounts and destinations as plain objects. */
export class FakeDirectory implements RelayDirectory {
  readonly destinationsById = new Map<string, RunningDestination>();
  readonly accountsById = new Map<string, RunningAccount>();
  private readonly listeners = new Set<() => void>();

  account = (id: string): RunningAccount | undefined => this.accountsById.get(id);
  accounts = (): RunningAccount[] => [...this.accountsById.values()];
  destination = (id: string): RunningDestination | undefined => this.destinationsById.get(id);
  destinations = (): RunningDestination[] => [...this.destinationsById.values()];
  adapterContext: RelayDirectory['adapterContext'] = (account, { session, signal }) =>
    ({ accountId: account.id, config: account.config, session, signal, now: Date.now }) as never;
  connectorContext: RelayDirectory['connectorContext'] = (destination, { signal, replay, unsure }) =>
    ({
      destinationId: destination.id,
      config: destination.config,
      signal,
      replay,
      unsure,
      signingSecrets: [],
    }) as never;

  onChange = (listener: () => void): (() => void) => {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  };

  addDestination(id: string, connector: HelpdeskConnector<never>, config: unknown): void {
    this.destinationsById.set(id, {
      ...{
        id,
        type: connector.type,
        name: null,
        config,
        filter: {},
        state: 'active',
        pausedReason: null,
        version: '1',
      },
      ...{ connector: connector as never, signingSecrets: [], secrets: [], managedBy: 'api' },
    });
  }

  addAccount(id: string, adapter: Partial<ChannelAdapter<never, never>>, config: unknown = {}): void {
    this.accountsById.set(id, {
      ...{ id, type: adapter.type ?? 'fake', name: null, config, enabled: true, version: '1', secrets: [] },
      ...{ adapter: adapter as never, continuity: 'contact', reopenWithinS: 1, managedBy: 'api' },
    });
  }

  change(): void {
    for (const listener of this.listeners) listener();
  }

  /** Reads the state of the destinations, as the directory does at a hint. */
  follow(database: Database): void {
    database.onHint('directory', () => {
      void database
        .query<{ id: string; state: 'active' | 'paused' }>('select id, state from destination')
        .then((rows) => {
          for (const { id, state } of rows) {
            const known = this.destinationsById.get(id);
            if (known) this.destinationsById.set(id, { ...known, state });
          }
          this.change();
        });
    });
  }
}

export interface Setup {
  readonly relay: RelayProcess;
  readonly leases: Leases;
  readonly seen: Observation[];
  stop(): Promise<void>;
}

/** Starts a relay, as one process would. */
export async function startRelay(
  database: Database,
  directory: FakeDirectory,
  options: Partial<RelayOptions> & { lease?: LeaseOptions } = {},
): Promise<Setup> {
  const leases = new Leases(database, { heartbeatMs: 200, ...options.lease });
  const seen: Observation[] = [];
  const log = { info: jest.fn(), warn: jest.fn(), error: jest.fn() };
  const relay = new RelayProcess({
    ...{
      database,
      leases,
      directory,
      sessions: NO_SESSIONS,
      signUrl: (id: string) => `/files/${id}`,
      log: log as never,
    },
    ...{ rules: HASTY, observe: (one: Observation) => seen.push(one) },
    ...options,
    settings: { pollMs: 200, drainMs: 3_000, ...options.settings },
  });
  leases.start();
  await relay.start();
  const stop = async (): Promise<void> => {
    await relay.drain();
    await leases.stop();
  };
  return { relay, leases, seen, stop };
}

/** Empties everything that a test makes. */
export async function reset(database: Database): Promise<void> {
  await database.query(
    'truncate account, destination, thread, conversation, conversation_thread, message, unit, inbox, external_ref, event, outbox, delivery, reference, lease, contact, handle',
  );
  await database.query(
    `insert into account (id, type, name, config, continuity) values ('sms', 'fake', 'SMS', '{}', 'contact')`,
  );
}

export async function addDestination(
  database: Database,
  id: string,
  events: string[] | null = ['message.received'],
): Promise<void> {
  await database.query(`insert into destination (id, type, config, filter_events) values ($1, 'post', '{}', $2)`, [
    id,
    events,
  ]);
}

let count = 0;

/** Messages of customers, in order. A customer is a conversation. */
export async function arrive(database: Database, ...lines: Line[]): Promise<void> {
  await take(new Intake(database), ...lines);
  database.hint('outbox');
}

export type Line = readonly [from: string, text: string];

/** The same through an intake of the test's own; nobody is told to look. */
export async function take(intake: Intake, ...lines: Line[]): Promise<void> {
  const events = lines.map(([from, text]): InboundEvent => ({
    kind: 'message',
    dedupeKey: `in-${(count += 1)}`,
    thread: from,
    sender: { handles: [{ scheme: 'phone', scope: '', value: from, proof: 'channel' }] },
    from: 'contact',
    parts: [{ type: 'text', text }],
    externalIds: [],
  }));
  await intake.accept('sms', events);
}

/** Waits until it holds; fails by the test's time limit. */
export async function until(holds: () => boolean | Promise<boolean>, what = 'it'): Promise<void> {
  const end = Date.now() + 30_000;
  while (!(await holds())) {
    if (Date.now() > end) throw new Error(`${what} did not come true`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

export async function outboxCount(database: Database): Promise<number> {
  const [row] = await database.query<{ n: number }>('select count(*)::int as n from outbox');
  return row!.n;
}

export function settled(database: Database): Promise<void> {
  return until(async () => (await outboxCount(database)) === 0, 'the outbox is empty');
}

/** The texts that a path received, in order, repeats folded by event id. */
export function texts(calls: readonly { id: string; event: { data: unknown } }[]): string[] {
  const first = calls.filter((call, index) => calls.findIndex(({ id }) => id === call.id) === index);
  return first.map(({ event }) => (event.data as { message: { text: string } }).message.text);
}

import { type Deliveries, type Entry, presentEvent, type Result } from '#conversations';
import { DeliveryRefused, outcomeOf, type RetryDecision } from '#helpdesk';
import { type Failure, FAILURES, type FailureCode, ProviderFailure, type StreamEvent } from '#normalizer';
import type { RunningDestination } from '../directory/index.js';
import { Doubt } from './doubt.js';
import type { Log, RelayDirectory, RetryRules } from './ports.js';
import type { Dispatch, Outcome, Route } from './route.js';

const NOT_DOWN = new Set<FailureCode>(['content-refused', 'unauthorized', 'config-invalid', 'throttled']);

export interface DeliverParts {
  readonly directory: RelayDirectory;
  readonly deliveries: Pick<Deliveries, 'suspend'>;
  readonly rules: RetryRules;
  readonly signUrl: (fileId: string) => string;
  readonly log: Log;
}

/** Most entries of one dispatch where a connector takes fewer at once, and after how long it takes no further one: its slot is others' too. */
const RUN = { entries: 16, ms: 2_000 };
/** Longest name of a ticket that is kept, as the API has it. */
const TICKET_ID = 200;

/** Events to ticket systems. */
export class DeliverRoute implements Route {
  private readonly doubt = new Doubt();

  constructor(private readonly parts: DeliverParts) {}

  available(id: string): boolean {
    return this.parts.directory.destination(id)?.state === 'active';
  }

  version(id: string): string | undefined {
    return this.parts.directory.destination(id)?.version;
  }

  bound(): readonly string[] {
    return [];
  }

  isBound(): boolean {
    return false;
  }

  boundLease(): undefined {
    return undefined;
  }

  batch(id: string): number {
    return Math.max(RUN.entries, this.parts.directory.destination(id)?.connector.capabilities.batch ?? 1);
  }

  rate(): null {
    return null;
  }

  /** One call of the connector after the other, as long as all is taken: what they did is settled together, so that one busy conversation goes fast too. */
  async dispatch(entries: readonly Entry[], { signal, goesOn, lease }: Dispatch): Promise<Outcome> {
    const destination = this.parts.directory.destination(entries[0]!.targetId);
    if (!destination) return { results: [], health: 'unknown', holdMs: 1_000 };
    const { batch, kind } = destination.connector.capabilities;
    const waitMs = gatheringMs(entries, destination);
    if (waitMs > 0) return { results: [], health: 'unknown', retryMs: waitMs };
    const end = performance.now() + RUN.ms;
    const deliver = (some: readonly Entry[]) =>
      this.deliver(some, destination, { signal, unsure: kind === 'tickets' && this.doubt.about(some, lease) });
    let outcome = await deliver(entries.slice(0, batch));
    const results = [...outcome.results];
    while (results.length < entries.length && isTaken(outcome) && goesOn() && performance.now() < end) {
      outcome = await deliver(entries.slice(results.length, results.length + batch));
      results.push(...outcome.results);
    }
    // Who took some is alive, whatever became of the next.
    const through = results.some(({ kind }) => kind === 'delivered');
    return { ...outcome, results, ...(through && { health: 'alive' }) };
  }

  private async deliver(
    entries: readonly Entry[],
    destination: RunningDestination,
    { signal, unsure }: { signal: AbortSignal; unsure: boolean },
  ): Promise<Outcome> {
    const [first] = entries as [Entry];
    if (!first.event) return { results: [{ kind: 'dropped' }], health: 'unknown' };
    if (entries.some(({ event }) => !event)) return { results: [], health: 'unknown', single: true };
    try {
      const events = entries.map((entry) => this.present(entry, destination));
      const context = { signal, eventId: first.itemId, replay: first.replay, unsure };
      const { reference } = await destination.connector.deliver(
        events,
        this.parts.directory.connectorContext(destination, context),
      );
      const last = entries.length - 1;
      const results = entries.map((_, index): Result => ({
        kind: 'delivered',
        ...(index === last && reference && reference.ticketId.length <= TICKET_ID && { reference }),
      }));
      return { results, health: 'alive' };
    } catch (error) {
      return this.failed(error, entries);
    }
  }

  async pause(id: string, reason: string): Promise<void> {
    this.parts.log.error(
      { destination: id, reason },
      'the destination is paused: a person must look at it, unless it turns out to work again',
    );
    await this.parts.deliveries.suspend(id, reason);
  }

  private present(entry: Entry, destination: RunningDestination): StreamEvent {
    const how = { destinationId: destination.id, signUrl: this.parts.signUrl };
    return presentEvent(entry.event!, how);
  }

  private failed(thrown: unknown, entries: readonly Entry[]): Outcome {
    const [head] = entries as [Entry];
    const known = thrown instanceof ProviderFailure || thrown instanceof DeliveryRefused;
    // Whatever went wrong on the wire is a ProviderFailure: another error is a fault of this event or of the connector's code.
    const error = known ? thrown : new ProviderFailure('content-refused', `the connector failed: ${String(thrown)}`);
    if (!known)
      this.parts.log.error({ err: thrown, destination: head.targetId, event: head.itemId }, 'a connector failed');
    const failure = failureOf(error);
    const decision = this.parts.rules.afterDelivery({ run: head.run, elapsedMs: sinceFirst(head) }, outcomeOf(error));
    if (entries.length > 1 && failure.code === 'content-refused') return { results: [], health: 'alive', single: true };
    return { ...settledBy(decision, failure), health: NOT_DOWN.has(failure.code) ? 'alive' : 'down' };
  }
}

/** How long the first entry is still held back so that those that follow go with it. */
function gatheringMs(entries: readonly Entry[], { connector }: RunningDestination): number {
  const { batch, gatherMs = 0 } = connector.capabilities;
  const [first] = entries as [Entry];
  if (gatherMs === 0 || entries.length >= batch || first.attempts > 0 || first.replay) return 0;
  return gatherMs - (first.ageMs + performance.now() - first.readAt);
}

function isTaken({ results }: Outcome): boolean {
  return results.length > 0 && results.every(({ kind }) => kind === 'delivered' || kind === 'dropped');
}

function settledBy(decision: RetryDecision, failure: Failure): Pick<Outcome, 'results' | 'holdMs' | 'pause'> {
  if (decision.kind === 'park') return { results: [{ kind: 'dead', failure }] };
  if (decision.kind === 'pause') return { results: [{ kind: 'retry', failure }], pause: decision.reason };
  const { delayMs, scope, run } = decision;
  return { results: [{ kind: 'retry', failure, delayMs, run }], ...(scope === 'target' && { holdMs: delayMs }) };
}

/** Milliseconds since the first attempt began to fail. */
export function sinceFirst(entry: Entry): number {
  return entry.attempts === 0 ? 0 : entry.tryingMs + performance.now() - entry.readAt;
}

/** The failure that is kept with the event: the status of an HTTP answer in the words of the closed table. */
export function failureOf(error: ProviderFailure | DeliveryRefused): Failure {
  if (error instanceof ProviderFailure) return error.toFailure();
  const code = codeOf(error.status);
  const { retryable, owner } = FAILURES[code];
  return { code, providerCode: String(error.status), message: error.message, retryable, owner };
}

function codeOf(status: number): FailureCode {
  if (status === 429) return 'throttled';
  if (status === 408 || status === 425 || status >= 500) return 'unavailable';
  if (status === 401 || status === 403) return 'unauthorized';
  if (status === 404 || status === 410 || status < 400) return 'config-invalid';
  return 'content-refused';
}

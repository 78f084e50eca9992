import type { StoredEvent } from '#channels';
import { park, storedKey, type IntakePort, type StoredItem } from '#conversations';
import type { Database } from '#database';
import { cleanDeep, InvalidInput, newId, parseInbound, type InboundEvent, type InboundEventInput } from '#normalizer';
import type { Logger } from 'pino';
import type { RunningAccount } from '../directory/index.js';
import type { Metrics } from '../ops/metrics.js';
import type { Profiles } from './profiles.js';

/** Where live events go that are not stored. */
export interface TypingSink {
  typing(accountId: string, thread: string, on: boolean): void;
}

export interface ArrivalParts {
  readonly database: Database;
  readonly intake: IntakePort;
  readonly live: TypingSink;
  /** Finds out more of who wrote. */
  readonly profiles?: Pick<Profiles, 'stored'>;
  readonly metrics: Metrics;
  readonly log: Logger;
  /** Country of phone numbers without a country code, where the account does not say (`defaultCountry`). */
  readonly country?: string | undefined;
}

/** From an adapter's events to the store: the one way for webhooks, polls and sockets. */
export class Arrivals {
  constructor(private readonly parts: ArrivalParts) {}

  /**
   * Checks, normalizes and stores events of one account, in order; resolves once they are committed. What is not of the model is parked
   * (`park`) and logged. Throws `DatabaseUnavailable`; nothing may be acknowledged then.
   */
  async accept(
    account: RunningAccount,
    inputs: readonly InboundEventInput[],
    cursor?: { name: string; value: string },
  ): Promise<StoredEvent[]> {
    const events: InboundEvent[] = [];
    for (const input of inputs) {
      const event = await this.normalize(account, input);
      if (event?.kind === 'typing') this.live(account, event);
      else if (event) events.push(event);
    }
    if (events.length === 0 && !cursor) return [];
    const stored = await this.parts.intake.accept(account.id, events, cursor);
    this.parts.profiles?.stored(account, events, stored);
    const duplicates = stored.reduce((count, { duplicate }) => count + Number(duplicate), 0);
    this.parts.metrics.intakeEvent(account.type, 'stored', stored.length - duplicates);
    if (duplicates > 0) this.parts.metrics.intakeEvent(account.type, 'duplicate', duplicates);
    return stored.map(({ dedupeKey, id, duplicate }: StoredItem) => ({ dedupeKey, id, duplicate }));
  }

  private async normalize(account: RunningAccount, input: InboundEventInput): Promise<InboundEvent | undefined> {
    try {
      return parseInbound(input, { defaultCountry: defaultCountry(account.config) ?? this.parts.country });
    } catch (error) {
      if (!(error instanceof InvalidInput)) throw error;
      await this.park(account, input, error);
      return undefined;
    }
  }

  private async park(account: RunningAccount, input: InboundEventInput, error: InvalidInput): Promise<void> {
    const id = newId('evt');
    const { dedupeKey } = input as { dedupeKey?: unknown };
    const key = typeof dedupeKey === 'string' && dedupeKey !== '' ? dedupeKey.slice(0, 500) : `invalid:${id}`;
    this.parts.metrics.intakeEvent(account.type, 'poison');
    this.parts.log.error(
      { account: account.id, poison: id, faults: error.errors.map(({ path }) => path) },
      'an event is not of the model and was parked',
    );
    const event = {
      id,
      accountId: account.id,
      dedupeKey: storedKey(cleanDeep(key) as string),
      stage: 'parse' as const,
    };
    await park(this.parts.database, { ...event, input: printable(input), error: error.message });
  }

  private live(account: RunningAccount, event: Extract<InboundEvent, { kind: 'typing' }>): void {
    this.parts.metrics.intakeEvent(account.type, 'live');
    this.parts.live.typing(account.id, event.thread, event.on);
  }
}

/** `defaultCountry` is what channels of phone numbers call the setting for numbers without a country code. */
function defaultCountry(config: unknown): string | undefined {
  const { defaultCountry: country } = (config ?? {}) as { defaultCountry?: unknown };
  return typeof country === 'string' ? country : undefined;
}

/** JSON that Postgres takes: what cannot be cleaned is left out. */
function printable(input: unknown): string {
  try {
    return JSON.stringify(cleanDeep(input)) ?? 'null';
  } catch {
    return '{"unreadable":true}';
  }
}

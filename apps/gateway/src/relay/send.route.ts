import { capabilitiesOf } from '#channels';
import { type Entry, type Lease, type Result, type Settler } from '#conversations';
import type { RetryDecision } from '#helpdesk';
import { type Failure, type OutboundUnit, ProviderFailure } from '#normalizer';
import type { RunningAccount } from '../directory/index.js';
import type { AccountStates } from '../ingress/account-states.js';
import { sinceFirst } from './deliver.route.js';
import type { Log, RelayDirectory, RetryRules, Sessions } from './ports.js';
import type { Outcome, Route } from './route.js';
import type { Rate } from './target.js';

/** A message that could not leave for so long, because its account does not work, is of no use any more. */
export const GIVE_UP_MS = 24 * 3_600_000;
/** How long an account that needs a person is left alone. Changing the account ends it. */
const STOPPED_MS = 10 * 60_000;
const ACTION = 'check the credentials and settings of the account; its messages wait, and are sent once it is changed';
const WORKING = { state: 'connected', detail: 'sending works again', action: null } as const;
/** Another statement is deciding about the unit. */
const BUSY_MS = 100;

export interface SendParts {
  readonly directory: RelayDirectory;
  readonly sessions: Sessions;
  readonly settler: Pick<Settler, 'start'>;
  readonly rules: RetryRules;
  readonly states: Pick<AccountStates, 'report'>;
  /** Between how many processes an account's rate is divided. */
  readonly processes: () => number;
  readonly log: Log;
}

/** Provider messages to customers. */
export class SendRoute implements Route {
  /** Accounts that need a person, as far as this process found out. */
  private readonly paused = new Set<string>();

  constructor(private readonly parts: SendParts) {}

  available(id: string): boolean {
    const account = this.parts.directory.account(id);
    return (
      account !== undefined &&
      account.enabled &&
      account.adapter.send !== undefined &&
      (!sendsBySocket(account) || this.boundLease(id) !== undefined)
    );
  }

  version(id: string): string | undefined {
    return this.parts.directory.account(id)?.version;
  }

  bound(): readonly string[] {
    return this.parts.directory
      .accounts()
      .filter(sendsBySocket)
      .map(({ id }) => id);
  }

  isBound(id: string): boolean {
    const account = this.parts.directory.account(id);
    return account !== undefined && sendsBySocket(account);
  }

  boundLease(id: string): Lease | undefined {
    return this.parts.sessions.of(id)?.lease;
  }

  batch(): number {
    return 1;
  }

  rate(id: string): Rate | null {
    const account = this.parts.directory.account(id);
    const rate = account && capabilitiesOf(account).rate;
    if (!account || !rate) return null;
    return sendsBySocket(account) ? rate : { ...rate, perSecond: rate.perSecond / this.parts.processes() };
  }

  async dispatch(
    entries: readonly Entry[],
    { lease, signal }: { lease: Lease; signal: AbortSignal },
  ): Promise<Outcome> {
    const [entry] = entries as [Entry];
    const account = this.parts.directory.account(entry.targetId);
    if (!account?.adapter.send) return { results: [], health: 'unknown', holdMs: 1_000 };
    if (!entry.unit) return { results: [{ kind: 'dropped' }], health: 'unknown' };
    const { idempotentSend } = account.adapter.capabilities;
    const start = await this.parts.settler.start(entry, lease);
    switch (start.verdict) {
      case 'go':
        return this.send(entry, account, { unit: entry.unit, signal });
      case 'again':
        return idempotentSend ? this.send(entry, account, { unit: entry.unit, signal }) : lost();
      case 'skip':
        return failedFor(start.failure);
      case 'gone':
        return { results: [{ kind: 'dropped' }], health: 'unknown' };
      case 'busy':
      case 'stale':
        return { results: [], health: 'unknown', retryMs: BUSY_MS };
    }
  }

  async pause(id: string, reason: string): Promise<void> {
    this.paused.add(id);
    await this.parts.states.report(id, {
      state: 'degraded',
      detail: `sending does not work: ${reason}`,
      action: ACTION,
    });
  }

  private async send(
    entry: Entry,
    account: RunningAccount,
    { unit, signal }: { unit: OutboundUnit; signal: AbortSignal },
  ): Promise<Outcome> {
    try {
      const session = this.parts.sessions.of(account.id)?.session;
      const context = this.parts.directory.adapterContext(account, {
        ...{ session, signal },
        ...(unit.notice ? { untraced: true } : { messageId: unit.messageId }),
      });
      const { externalIds, status = 'sent' } = await account.adapter.send!(unit, context);
      if (this.paused.delete(account.id)) await this.parts.states.report(account.id, WORKING);
      return { results: [{ kind: 'unit', status, externalIds }], health: 'alive' };
    } catch (error) {
      return this.failed(error, entry, account);
    }
  }

  private failed(caught: unknown, entry: Entry, account: RunningAccount): Outcome {
    const thrown = entry.unit?.notice ? withoutWords(caught) : caught;
    const known = thrown instanceof ProviderFailure;
    if (!known) this.parts.log.error({ err: thrown, account: account.id, unit: entry.itemId }, 'an adapter failed');
    // The contract of `send`: any other throw may have come after the request was written.
    const error = known ? thrown : new ProviderFailure('outcome-unknown', `the adapter failed: ${String(thrown)}`);
    const { code, retryAfterMs, scope } = error;
    const idempotent = account.adapter.capabilities.idempotentSend;
    const attempts = { run: entry.run, elapsedMs: sinceFirst(entry) };
    const decision = this.parts.rules.afterSend(attempts, {
      code,
      idempotent,
      ...(retryAfterMs !== undefined && { retryAfterMs }),
      ...(scope && { scope }),
    });
    const down = code === 'unavailable' || code === 'outcome-unknown' || code === 'reply-unreadable';
    return { ...settledBy(decision, error.toFailure(), entry), health: down ? 'down' : 'alive' };
  }
}

function sendsBySocket({ adapter }: RunningAccount): boolean {
  return adapter.ingress.socket?.sends === true;
}

/** What went wrong with a notice, without what the provider said of it: that may repeat what was sent. */
function withoutWords(thrown: unknown): ProviderFailure {
  if (!(thrown instanceof ProviderFailure))
    return new ProviderFailure('outcome-unknown', 'the adapter failed with a notice');
  const { code, retryAfterMs, scope } = thrown;
  return new ProviderFailure(code, `a notice was not sent: ${code}`, {
    ...(retryAfterMs !== undefined && { retryAfterMs }),
    ...(scope && { scope }),
  });
}

function settledBy(
  decision: RetryDecision,
  failure: Failure,
  entry: Entry,
): Pick<Outcome, 'results' | 'holdMs' | 'pause'> {
  const over = decision.kind === 'park' || (decision.kind === 'pause' && entry.ageMs > GIVE_UP_MS);
  if (over) return failedFor(failure);
  if (decision.kind === 'pause')
    return { results: [{ kind: 'retry', failure }], pause: decision.reason, holdMs: STOPPED_MS };
  const { delayMs, scope, run } = decision as Extract<RetryDecision, { kind: 'retry' }>;
  return { results: [{ kind: 'retry', failure, delayMs, run }], ...(scope === 'target' && { holdMs: delayMs }) };
}

function failedFor(failure: Failure): Outcome {
  return { results: [failedUnit(failure)], health: 'unknown' };
}

function failedUnit(failure: Failure): Result {
  return { kind: 'unit', status: 'failed', failure };
}

/** An attempt began in a process that did not live to tell its end. */
function lost(): Outcome {
  const message = 'the gateway stopped while sending: the provider may have taken it';
  return failedFor(new ProviderFailure('outcome-unknown', message).toFailure());
}

/** What becomes of a unit whose account has not worked for `GIVE_UP_MS`. */
export function givenUp(accountId: string): Result {
  const message = `the account ${accountId} was not there, or was disabled, for 24 hours`;
  return failedUnit(new ProviderFailure('config-invalid', message).toFailure());
}

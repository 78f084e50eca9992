import { setTimeout as delay } from 'node:timers/promises';
import type { Announcement } from '#channels';
import { Overloaded } from '#conversations';
import { DatabaseUnavailable, type Database } from '#database';
import type { Logger } from 'pino';
import type { Directory, RunningAccount, RunningDestination } from '../directory/index.js';
import type { AccountStates } from './account-states.js';
import type { Arrivals } from './arrivals.js';
import type { AgentActions } from './agent-actions.js';
import { readCursor, writeCursor } from './cursor.js';
import type { Hold, Task } from './held-tasks.js';
import { Patience } from './patience.js';

export interface PollParts {
  readonly database: Database;
  readonly directory: Directory;
  readonly arrivals: Arrivals;
  readonly actions: Pick<AgentActions, 'act'>;
  readonly states: AccountStates;
  readonly log: Logger;
}

/** One source that is asked at intervals. `ask` resolves once what it got is committed with its cursor. */
interface Source {
  readonly name: string;
  readonly version: string;
  readonly everyMs: number;
  ask(cursor: string | null, hold: Hold): Promise<{ more: boolean }>;
  told(error: unknown, patience: Patience): Promise<unknown>;
}

const HINT = 'poll';

/** Accounts and destinations that are asked for news: by one process at a time, and at once where a callback says so. */
export class Polls {
  private readonly wakers = new Map<string, () => void>();
  private readonly announced = new Map<string, Announcement>();
  private stopHints: (() => void) | undefined;

  constructor(private readonly parts: PollParts) {}

  start(): void {
    this.stopHints = this.parts.database.onHint(HINT, (payload) => this.woken(payload));
  }

  stop(): void {
    this.stopHints?.();
  }

  /** Has an account polled now, by whichever process polls it; `said` is told to the poll. */
  wakeAccount(accountId: string, said?: string): void {
    const name = `poll:account:${accountId}`;
    this.parts.database.hint(HINT, said === undefined ? name : `${name} ${said}`);
  }

  wakeDestination(destinationId: string): void {
    this.parts.database.hint(HINT, `poll:destination:${destinationId}`);
  }

  tasks(): Task[] {
    const { directory } = this.parts;
    const accounts = directory.accounts().flatMap((account) => (account.enabled ? this.ofAccount(account) : []));
    const destinations = directory.destinations().flatMap((destination) => this.ofDestination(destination));
    return [...accounts, ...destinations].map((source) => ({
      name: source.name,
      version: source.version,
      run: (hold: Hold) => this.keepAsking(source, hold),
    }));
  }

  private ofAccount(account: RunningAccount): Source[] {
    const { poll } = account.adapter.ingress;
    if (!poll || poll.wanted?.(account.config) === false) return [];
    const { announced } = this;
    const { directory, arrivals, states } = this.parts;
    const name = `poll:account:${account.id}`;
    return [
      {
        name,
        version: account.version,
        everyMs: poll.everyMs,
        async ask(cursor, hold) {
          const page = await poll.poll(
            cursor,
            directory.adapterContext(account, { signal: hold.signal }) as Parameters<typeof poll.poll>[1],
            announced.get(name),
          );
          if (!hold.held()) return { more: false };
          await arrivals.accept(account, page.events, { name, value: page.cursor });
          return { more: page.more ?? false };
        },
        told: (error, patience) =>
          states.report(
            account.id,
            error === null
              ? { state: 'connected', detail: 'the provider answers', action: null }
              : patience.report(error),
          ),
      },
    ];
  }

  private ofDestination(destination: RunningDestination): Source[] {
    const { poll } = destination.connector;
    if (!poll) return [];
    const { directory, actions, database, log } = this.parts;
    const name = `poll:destination:${destination.id}`;
    return [
      {
        name,
        version: destination.version,
        everyMs: poll.everyMs,
        async ask(cursor, hold) {
          const page = await poll.poll(
            cursor,
            directory.connectorContext(destination, { signal: hold.signal, replay: false }),
          );
          if (!hold.held()) return { more: false };
          await actions.act(destination, page.actions, hold.signal);
          await writeCursor(database, name, page.cursor);
          return { more: page.more ?? false };
        },
        async told(error) {
          if (error !== null)
            log.warn({ destination: destination.id, err: error }, 'a ticket system could not be polled');
        },
      },
    ];
  }

  private async keepAsking(source: Source, hold: Hold): Promise<void> {
    const patience = new Patience();
    while (hold.held() && !hold.signal.aborted) {
      const woken = this.waker(source.name, hold.signal);
      const waitMs = await this.askOnce(source, hold, patience);
      if (waitMs > 0 && !hold.signal.aborted) await woken(waitMs);
    }
    this.wakers.delete(source.name);
    this.announced.delete(source.name);
  }

  private woken(payload: string): void {
    const [name = '', said] = payload.split(/ (.*)/s);
    const wake = this.wakers.get(name);
    if (wake && said) this.announced.set(name, { said, at: Date.now() });
    wake?.();
  }

  /** Asks once; returns how long to wait for the next time. */
  private async askOnce(source: Source, hold: Hold, patience: Patience): Promise<number> {
    try {
      const { more } = await source.ask(await readCursor(this.parts.database, source.name), hold);
      patience.succeeded();
      await source.told(null, patience);
      return more ? 0 : source.everyMs;
    } catch (error) {
      if (hold.signal.aborted) return 0;
      // What cannot be stored now is asked for again, and says nothing of the other side.
      const ours = error instanceof Overloaded || error instanceof DatabaseUnavailable;
      const waitMs = Math.max(ours ? 0 : source.everyMs, patience.failed(error));
      this.parts.log.warn({ source: source.name, err: error, waitMs }, 'polling failed');
      if (!ours) await source.told(error, patience);
      return waitMs;
    }
  }

  /** A wait that a wake-up ends early, also one that came between this call and the wait. */
  private waker(name: string, signal: AbortSignal): (ms: number) => Promise<void> {
    const wake = new AbortController();
    this.wakers.set(name, () => wake.abort());
    return (ms) => delay(ms, undefined, { signal: AbortSignal.any([signal, wake.signal]) }).catch(() => undefined);
  }
}

import { setTimeout as delay } from 'node:timers/promises';
import type { SocketContext, SocketIngress, Standing } from '#channels';
import type { Lease } from '#conversations';
import type { Database } from '#database';
import type { ThreadRef } from '#normalizer';
import type { Logger } from 'pino';
import type { Sessions } from '../relay/ports.js';
import type { Directory, RunningAccount } from '../directory/index.js';
import type { AccountStates } from './account-states.js';
import type { Arrivals } from './arrivals.js';
import { readCursor } from './cursor.js';
import type { Hold, Task } from './held-tasks.js';
import { Patience } from './patience.js';

export interface SocketParts {
  readonly database: Database;
  readonly directory: Directory;
  readonly arrivals: Arrivals;
  readonly states: AccountStates;
  readonly log: Logger;
}

/** Typing that is late says nothing any more. */
const TYPING_MS = 5_000;

/** What the hint `account-typing` carries to whoever holds the connection. */
export interface AccountTyping {
  readonly accountId: string;
  readonly thread: ThreadRef;
  readonly on: boolean;
}

/** A live session, and the lease under which this process holds it. */
interface Held {
  readonly session: unknown;
  readonly lease: Lease;
}

/** Accounts that hold a connection to their provider: kept open by the one process that has the lease `account:<id>`. */
export class Sockets implements Sessions {
  private readonly sessions = new Map<string, Held>();
  private readonly listeners = new Set<() => void>();

  constructor(private readonly parts: SocketParts) {}

  of(accountId: string): Held | undefined {
    return this.sessions.get(accountId);
  }

  /** Shows or hides typing over a connection that this process holds; the connections of others are theirs. Never throws. */
  async typing({ accountId, thread, on }: AccountTyping): Promise<void> {
    const { directory, log } = this.parts;
    const [held, account] = [this.of(accountId), directory.account(accountId)];
    if (!held || !account) return;
    const context = directory.adapterContext(account, {
      session: held.session,
      signal: AbortSignal.timeout(TYPING_MS),
    });
    try {
      await account.adapter.typing?.(thread, on, context);
    } catch (error) {
      log.debug({ err: error, account: accountId }, 'typing was not shown');
    }
  }

  onChange(listener: () => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  tasks(): Task[] {
    return this.parts.directory.accounts().flatMap((account) => {
      const { socket } = account.adapter.ingress;
      if (!account.enabled || !socket) return [];
      return {
        name: `account:${account.id}`,
        version: account.version,
        run: (hold: Hold) => this.keepOpen(account, socket, hold),
      };
    });
  }

  private async keepOpen(account: RunningAccount, socket: SocketIngress<unknown, unknown>, hold: Hold): Promise<void> {
    const patience = new Patience();
    this.parts.states.forget(account.id);
    while (hold.held()) {
      const error = await this.connection(account, socket, { hold, connected: () => patience.succeeded() });
      if (hold.signal.aborted) return;
      const waitMs = patience.failed(error);
      this.parts.log.warn(
        { account: account.id, err: error, waitMs },
        'a connection to a provider was lost, or not made',
      );
      await this.parts.states.report(account.id, patience.report(error));
      await delay(waitMs, undefined, { signal: hold.signal }).catch(() => undefined);
    }
  }

  /** Opens the connection and holds it until it is lost or not wanted any more. Resolves with the reason. */
  private async connection(
    account: RunningAccount,
    socket: SocketIngress<unknown, unknown>,
    { hold, connected }: { hold: Hold; connected: () => void },
  ): Promise<unknown> {
    const abort = new AbortController();
    const signal = AbortSignal.any([hold.signal, abort.signal]);
    const ended = new Promise<unknown>((resolve) =>
      signal.addEventListener('abort', () => resolve(signal.reason), { once: true }),
    );
    const name = `account:${account.id}`;
    const emit: Parameters<typeof socket.open>[0] = async (events, cursor) => {
      if (!hold.held()) throw new Error('another process holds this account now');
      return this.parts.arrivals.accept(account, events, cursor === undefined ? undefined : { name, value: cursor });
    };
    let told = false;
    let telling: Promise<void> = Promise.resolve();
    try {
      const context = {
        ...this.parts.directory.adapterContext(account, { signal }),
        cursor: await readCursor(this.parts.database, name),
        lost: (error: Error) => abort.abort(error),
        report: (standing: Standing) => {
          if (signal.aborted) return;
          told = standing.state === 'connected';
          telling = telling.then(() => this.parts.states.report(account.id, standing));
        },
      };
      const session = await socket.open(emit, context as SocketContext<unknown>);
      try {
        this.sessions.set(account.id, { session, lease: hold.lease });
        this.listeners.forEach((listener) => listener());
        connected();
        if (!signal.aborted && !told)
          await this.parts.states.report(account.id, { state: 'connected', detail: 'connected', action: null });
        return await ended;
      } finally {
        this.sessions.delete(account.id);
        this.listeners.forEach((listener) => listener());
        await socket.close(session);
      }
    } catch (error) {
      return error;
    } finally {
      await telling;
      abort.abort(new Error('closed'));
    }
  }
}

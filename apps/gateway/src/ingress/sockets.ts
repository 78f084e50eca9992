import { setTimeout as delay } from 'node:timers/promises';
import type { Emit, SocketContext, SocketIngress, Standing } from '#channels';
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
  /** How long a connection may take to close, or to notice that it is not wanted while it is being opened. */
  readonly closeMs?: number;
  /** What is lost sooner counts as another failure in a row. */
  readonly steadyMs?: number;
}

const CLOSE_MS = 4_000;
const STEADY_MS = 60_000;
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

/** The time of one connection: `signal` asks for its end, `over` says that it is closed. */
interface Stretch {
  readonly hold: Hold;
  readonly signal: AbortSignal;
  readonly over: AbortSignal;
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
    const { steadyMs = STEADY_MS } = this.parts;
    this.parts.states.forget(account.id);
    while (hold.held() && !hold.signal.aborted) {
      let since = Infinity;
      const error = await this.connection(account, socket, { hold, connected: () => (since = performance.now()) });
      if (hold.signal.aborted) return;
      if (performance.now() - since >= steadyMs) patience.succeeded();
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
    let told = false;
    let shown: Standing | undefined;
    let telling: Promise<unknown> = Promise.resolve();
    const report = (standing: Standing) => {
      if (signal.aborted) return Promise.resolve(false);
      told = standing.state === 'connected';
      shown = standing.link === undefined ? undefined : standing;
      const stored = telling.then(() => this.parts.states.report(account.id, standing));
      telling = stored;
      return stored;
    };
    const store = new AbortController();
    try {
      const { emit, ...storing } = await this.storing(account, { hold, signal, over: store.signal });
      const context = { ...storing, report, lost: (error: Error) => abort.abort(error) };
      const session = await this.opened(socket, emit, context as SocketContext<unknown>);
      try {
        this.sessions.set(account.id, { session, lease: hold.lease });
        this.listeners.forEach((listener) => listener());
        connected();
        if (!signal.aborted && !told) await report({ state: 'connected', detail: 'connected', action: null });
        return await ended;
      } finally {
        this.sessions.delete(account.id);
        this.listeners.forEach((listener) => listener());
        await this.close(account, socket, session);
      }
    } catch (error) {
      return error;
    } finally {
      store.abort();
      await telling;
      if (shown && hold.held()) await this.parts.states.report(account.id, { ...shown, link: undefined }); // nobody can log in by it now
      abort.abort(new Error('closed'));
    }
  }

  /** What a connection stores by: until it is closed, and as long as this process holds the account. */
  private async storing(account: RunningAccount, { hold, signal, over }: Stretch) {
    const { arrivals, database, directory } = this.parts;
    const name = `account:${account.id}`;
    const demandHeld = () => {
      if (over.aborted || !hold.held()) throw new Error('another process or connection holds this account now');
    };
    const context = directory.adapterContext(account, { signal });
    const emit: Emit = async (events, cursor) => {
      demandHeld();
      return arrivals.accept(account, events, cursor === undefined ? undefined : { name, value: cursor });
    };
    const remember: typeof context.remember = async (...what) => {
      demandHeld();
      await context.remember(...what);
    };
    return { ...context, emit, remember, cursor: await readCursor(database, name) };
  }

  private async close(
    { id }: RunningAccount,
    socket: SocketIngress<unknown, unknown>,
    session: unknown,
  ): Promise<void> {
    const { log, closeMs = CLOSE_MS } = this.parts;
    const late = delay(closeMs, 'late', { ref: false });
    if ((await Promise.race([socket.close(session), late])) === 'late')
      log.warn({ account: id }, 'a connection does not close and is left to itself');
  }

  /** Opens a connection. What is still opening a while after it is not wanted any more is closed when it is open, and nothing waits for it. */
  private async opened(
    socket: SocketIngress<unknown, unknown>,
    emit: Emit,
    context: SocketContext<unknown>,
  ): Promise<unknown> {
    const { signal } = context;
    const { closeMs = CLOSE_MS } = this.parts;
    signal.throwIfAborted();
    const opening = socket.open(emit, context);
    const late = new Promise<null>((resolve) => {
      signal.addEventListener('abort', () => setTimeout(resolve, closeMs, null).unref(), { once: true });
    });
    const given = await Promise.race([opening.then((session) => ({ session })), late]);
    if (given) return given.session;
    void opening.then((session) => socket.close(session)).catch(() => undefined);
    throw signal.reason;
  }
}

import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { AdapterContext, Announcement, ChannelAdapter, Emit, Standing } from '#channels';
import { Overloaded, type Lease, type Leases } from '#conversations';
import { DatabaseUnavailable, type Database } from '#database';
import { ProviderFailure, type InboundEventInput } from '#normalizer';
import pino from 'pino';
import type { Directory, RunningAccount } from '../directory/index.js';
import type { AccountStates, StateReport } from './account-states.js';
import type { Arrivals } from './arrivals.js';
import { HeldTasks, type Hold, type Task } from './held-tasks.js';
import { Patience } from './patience.js';
import { Polls } from './polls.js';
import { Sockets } from './sockets.js';

const log = pino({ level: 'silent' });
const until = async (holds: () => boolean) => {
  for (let i = 0; i < 500 && !holds(); i += 1) await delay(5);
  expect(holds()).toBe(true);
};

/** Leases of a world in which others may hold some. */
class FakeLeases {
  taken = new Set<string>();
  held = new Map<string, Lease>();
  private token = 0;
  private readonly losers = new Set<(lease: Lease) => void>();
  async acquire(names: readonly string[]): Promise<Lease[]> {
    const free = names.filter((name) => !this.taken.has(name) && !this.held.has(name));
    return free.map((name) => {
      const lease = { name, token: (this.token += 1) };
      this.held.set(name, lease);
      return lease;
    });
  }
  holds(lease: Lease): boolean {
    return this.held.get(lease.name)?.token === lease.token;
  }
  async release(leases: readonly Lease[]): Promise<void> {
    for (const lease of leases) if (this.holds(lease)) this.held.delete(lease.name);
  }
  onBeat(): () => void {
    return () => undefined;
  }
  onLost(listener: (lease: Lease) => void): () => void {
    this.losers.add(listener);
    return () => this.losers.delete(listener);
  }
  steal(name: string): void {
    const lease = this.held.get(name)!;
    this.held.delete(name);
    this.taken.add(name);
    this.losers.forEach((listener) => listener(lease));
  }
}

let leases: FakeLeases;
let list: Task[];
let tasks: HeldTasks;
beforeEach(() => {
  leases = new FakeLeases();
  list = [];
  tasks = new HeldTasks({ leases: leases as unknown as Leases, list: () => list, log, patienceMs: 200 });
});
afterEach(() => tasks.stop());

describe('held tasks', () => {
  const running = new Map<string, number>();
  const task = (name: string, version = '1'): Task => ({
    name,
    version,
    async run({ signal }) {
      running.set(`${name} ${version}`, (running.get(`${name} ${version}`) ?? 0) + 1);
      await new Promise((resolve) => signal.addEventListener('abort', resolve));
      running.delete(`${name} ${version}`);
    },
  });
  beforeEach(() => running.clear());

  it('run where the lease is free, once, and end when they are listed no longer', async () => {
    leases.taken.add('b');
    list = [task('a'), task('b')];
    await tasks.sync();
    await tasks.sync();
    expect([...running]).toEqual([['a 1', 1]]);
    list = [];
    await tasks.sync();
    expect([...running, ...leases.held]).toEqual([]);
  });

  it('begin anew in another version', async () => {
    list = [task('a')];
    await tasks.sync();
    list = [task('a', '2')];
    await tasks.sync();
    expect([...running.keys()]).toEqual(['a 2']);
  });

  it('end where the lease is lost, and do not give it back', async () => {
    list = [task('a')];
    tasks.start();
    await tasks.sync();
    leases.steal('a');
    await until(() => running.size === 0);
    await tasks.sync();
    expect(running.size).toBe(0);
  });

  it('that never end lose their lease, hold up nobody, and begin anew elsewhere or here', async () => {
    let stuck: Hold | undefined;
    const never: Task = { name: 'a', version: '1', run: (hold) => ((stuck = hold), new Promise(() => undefined)) };
    list = [never];
    await tasks.sync();
    list = [task('a', '2'), task('b')];
    await tasks.sync();
    expect([...running.keys()]).toEqual(['a 2', 'b 1']);
    expect([stuck!.signal.aborted, stuck!.held()]).toEqual([true, false]);
    list = [never];
    await tasks.sync();
    tasks.start();
    leases.steal('a');
    leases.taken.clear();
    await until(() => leases.held.size === 0);
    list = [task('a', '3')];
    await tasks.sync();
    expect([...running.keys()]).toEqual(['a 3']);
    list = [never];
    await tasks.sync();
    await tasks.stop();
    expect(leases.held.size).toBe(0);
  });

  it('hold their lease until they have ended', async () => {
    let finish = (): void => undefined;
    let held: boolean | undefined;
    const slow = async ({ signal, held: holds }: Hold) => {
      await new Promise((resolve) => signal.addEventListener('abort', resolve));
      await new Promise<void>((resolve) => (finish = resolve));
      held = holds();
    };
    list = [{ name: 'a', version: '1', run: slow }];
    await tasks.sync();
    const stopped = tasks.stop();
    await delay(5);
    finish();
    await stopped;
    expect([held, leases.held.size]).toEqual([true, 0]);
  });

  it('begin again when they end by themselves', async () => {
    let runs = 0;
    list = [{ name: 'a', version: '1', run: async () => void (runs += 1) }];
    await tasks.sync();
    await until(() => leases.held.size === 0);
    await tasks.sync();
    expect(runs).toBe(2);
  });
});

const event: InboundEventInput = { kind: 'typing', thread: 't', on: true };
const reports: StateReport[] = [];
const states = {
  report: async (_id: string, report: StateReport) => reports.push(report) > 0,
  forget: () => undefined,
} as unknown as AccountStates;
const accepted: { events: readonly InboundEventInput[]; cursor?: { name: string; value: string } | undefined }[] = [];
const arrivals = {
  accept: async (_a: unknown, events: readonly InboundEventInput[], cursor?: { name: string; value: string }) => (
    accepted.push({ events, cursor }),
    []
  ),
} as unknown as Arrivals;

const typed: unknown[][] = [];
const kept: string[] = [];
const positions = {
  query: async (_sql: string, [name]: unknown[]) => (name === 'account:acc' ? [{ value: 'place 7' }] : []),
} as unknown as Database;

function directoryOf(ingress: ChannelAdapter<unknown, unknown>['ingress']): Directory {
  const typing = async (...args: unknown[]) => void typed.push(args);
  const account = { id: 'acc', version: '1', enabled: true, adapter: { ingress, typing } } as unknown as RunningAccount;
  return {
    accounts: () => [account],
    account: () => account,
    destinations: () => [],
    adapterContext: (_account: unknown, { signal, session }: { signal: AbortSignal; session?: unknown }) => ({
      signal,
      session,
      remember: async (key: string) => void kept.push(key),
    }),
  } as unknown as Directory;
}
beforeEach(() => {
  reports.length = 0;
  accepted.length = 0;
  kept.length = 0;
});

describe('a socket', () => {
  interface Session {
    readonly emit: Emit;
    readonly lost: (error: Error) => void;
    readonly report: (standing: Standing) => Promise<boolean>;
    readonly remember: AdapterContext<unknown>['remember'];
    readonly cursor: string | null;
    closed: boolean;
  }
  const sessions: Session[] = [];
  let refuse: Error | undefined;
  let saying: Standing[] = [];
  let opening: Promise<void>;
  /** Comes after what it says of itself. */
  let entering: Promise<void>;
  let closing: (session: Session) => Promise<void>;
  const sockets = (more: object = {}) =>
    new Sockets({
      ...{ arrivals, states, log, database: positions, closeMs: 50, ...more },
      directory: directoryOf({
        socket: {
          sends: true,
          async open(emit, { lost, report, remember, cursor }) {
            if (refuse) throw refuse;
            await opening;
            saying.forEach((standing) => void report(standing));
            await entering;
            sessions.push({ emit, lost, report, remember, cursor, closed: false });
            return sessions.at(-1);
          },
          close: async (session) => {
            await closing(session as Session);
            (session as Session).closed = true;
          },
        },
      }),
    });
  beforeEach(() => {
    sessions.length = 0;
    refuse = undefined;
    saying = [];
    opening = entering = Promise.resolve();
    closing = () => Promise.resolve();
  });

  it('stores what came in before it is closed, and nothing after', async () => {
    closing = async ({ emit, remember }) => {
      await emit([event], 'last');
      await remember('k', 'v', 1);
    };
    list = sockets().tasks();
    await tasks.sync();
    await until(() => sessions.length === 1);
    await tasks.stop();
    expect([accepted.map(({ cursor }) => cursor?.value), kept]).toEqual([['last'], ['k']]);
    await expect(sessions[0]!.emit([event])).rejects.toThrow(/another/);
    await expect(sessions[0]!.remember('k', 'v', 1)).rejects.toThrow(/another/);
    expect([accepted.length, kept.length]).toEqual([1, 1]);
  });

  it('that does not close is left to itself, and opened anew', async () => {
    closing = () => new Promise(() => undefined);
    const room = sockets();
    list = room.tasks();
    await tasks.sync();
    await until(() => sessions.length === 1);
    sessions[0]!.lost(new Error('reset'));
    await until(() => sessions.length === 2);
    closing = () => Promise.resolve();
    await until(() => room.of('acc')?.session === sessions[1]);
    await expect(sessions[0]!.emit([event])).rejects.toThrow(/another/);
  });

  it('that opens after it was given up is closed', async () => {
    let open = (): void => undefined;
    opening = new Promise((resolve) => (open = resolve));
    const room = sockets();
    const abort = new AbortController();
    const [task] = room.tasks();
    const hold = { lease: { name: 'account:acc', token: 1 }, signal: abort.signal, held: () => true };
    const run = task!.run(hold);
    await delay(10);
    abort.abort(new Error('not wanted'));
    await run;
    open();
    await until(() => sessions[0]?.closed === true);
    expect(room.of('acc')).toBeUndefined();
  });

  it('goes on from the position that was committed last, and commits the next one with its events', async () => {
    list = sockets().tasks();
    await tasks.sync();
    await until(() => sessions.length === 1);
    expect(sessions[0]!.cursor).toBe('place 7');
    await sessions[0]!.emit([event], 'place 8');
    await sessions[0]!.emit([event]);
    expect(accepted.map(({ cursor }) => cursor)).toEqual([{ name: 'account:acc', value: 'place 8' }, undefined]);
  });

  it('is held under its lease, is opened again when it is lost, and closed at the end', async () => {
    const room = sockets();
    let changes = 0;
    room.onChange(() => (changes += 1));
    list = room.tasks();
    await tasks.sync();
    await until(() => room.of('acc') !== undefined);
    expect(room.of('acc')).toMatchObject({ session: sessions[0], lease: { name: 'account:acc' } });
    sessions[0]!.lost(new Error('reset'));
    await until(() => sessions.length === 2 && room.of('acc') !== undefined);
    expect([sessions[0]!.closed, sessions[1]!.closed]).toEqual([true, false]);
    await until(() => reports.length === 3);
    expect(reports.map(({ state }) => state)).toEqual(['connected', 'degraded', 'connected']);
    await tasks.stop();
    expect([sessions[1]!.closed, room.of('acc'), changes]).toEqual([true, undefined, 4]);
  });

  it.each([
    ['is tried less and less often, however well it opens', 60_000, true],
    ['is tried soon where it held for long', 0, false],
  ])('that is lost again and again %s', async (_what, steadyMs, later) => {
    const waits: number[] = [];
    const warn = (about: { waitMs?: number }) => void waits.push(about.waitMs ?? 0);
    list = sockets({ steadyMs, log: { warn } }).tasks();
    await tasks.sync();
    for (const n of [1, 2]) {
      await until(() => sessions.length === n);
      sessions[n - 1]!.lost(new Error('logged out'));
      await until(() => waits.length === n);
    }
    expect(waits.map((waitMs) => waitMs >= 1_000)).toEqual([false, later]);
  });

  it('tells in its own words how it stands, and nothing once it is lost', async () => {
    const own = { state: 'connected', detail: 'logged in as Li', action: 'Look at the phone.' } as const;
    const login = {
      state: 'disconnected',
      detail: 'waiting',
      action: 'Scan it.',
      link: 'https://login.example',
    } as const;
    saying = [login, own];
    list = sockets().tasks();
    await tasks.sync();
    await until(() => reports.length === 2 && sessions.length === 1);
    saying = [];
    sessions[0]!.lost(new Error('reset'));
    sessions[0]!.report(own);
    await until(() => reports.length === 4);
    expect(reports.map((report) => report.detail)).toEqual([
      'waiting', 'logged in as Li', 'the connection failed', 'connected',
    ]); // prettier-ignore
    expect(reports[0]).toEqual(login);
  });

  it('leaves no login code behind', async () => {
    const waiting = { state: 'disconnected', detail: 'waiting', action: 'Scan it.' } as const;
    saying = [{ ...waiting, link: 'https://login.example' }];
    entering = new Promise(() => undefined);
    list = sockets().tasks();
    await tasks.sync();
    await until(() => reports.length === 1);
    list = [];
    await tasks.sync();
    expect(reports.slice(1)).toEqual([waiting]);
  });

  it('shows typing where it is held, and nowhere else', async () => {
    const [holder, other] = [sockets(), sockets()];
    list = holder.tasks();
    await tasks.sync();
    await until(() => holder.of('acc') !== undefined);
    const thread = { id: 'thr', externalId: 'room', handles: [] };
    for (const process of [holder, other]) await process.typing({ accountId: 'acc', thread, on: true });
    expect(typed).toEqual([[thread, true, expect.objectContaining({ session: sessions[0] })]]);
  });

  it('stores nothing once its lease is lost', async () => {
    list = sockets().tasks();
    tasks.start();
    await until(() => sessions.length === 1);
    await sessions[0]!.emit([event]);
    leases.steal('account:acc');
    await expect(sessions[0]!.emit([event])).rejects.toThrow(/another process/);
    expect(accepted).toHaveLength(1);
    await until(() => sessions[0]!.closed);
  });

  it('says what a person must do when the credentials are refused', async () => {
    refuse = new ProviderFailure('unauthorized', 'login failed');
    list = sockets().tasks();
    await tasks.sync();
    await until(() => reports.length > 0);
    expect(reports[0]).toEqual({
      state: 'disconnected',
      detail: 'login failed',
      action: expect.stringContaining('credentials'),
    });
  });
});

describe('a poll', () => {
  const cursors: (string | null)[] = [];
  const announced: (Announcement | undefined)[] = [];
  let pages: { events: InboundEventInput[]; cursor: string; more?: boolean }[];
  let wake: (name: string) => void;
  let stored: string | null;
  const polls = (everyMs: number, wanted = true) => {
    const room = new Polls({
      ...{ arrivals, states, log, actions: undefined as never },
      database: {
        query: async () => (stored === null ? [] : [{ value: stored }]),
        onHint: (_: string, listener: (name: string) => void) => ((wake = listener), () => undefined),
        hint: (_: string, name: string) => wake(name),
      } as never,
      directory: directoryOf({
        poll: {
          everyMs,
          wanted: () => wanted,
          async poll(cursor, _ctx, said) {
            cursors.push(cursor);
            announced.push(said);
            const page = pages.shift() ?? { events: [], cursor: 'end' };
            stored = page.cursor;
            return page;
          },
        },
      }),
    });
    room.start();
    return room;
  };
  beforeEach(() => {
    cursors.length = announced.length = 0;
    stored = null;
    pages = [];
  });

  it('is none of an account that is not to be asked', () => {
    const names = (wanted: boolean) =>
      polls(1e6, wanted)
        .tasks()
        .map(({ name }) => name);
    expect([names(false), names(true)]).toEqual([[], ['poll:account:acc']]);
  });

  it('goes on from its cursor, at once while there is more, and commits the cursor with the events', async () => {
    pages = [
      { events: [event], cursor: 'one', more: true },
      { events: [], cursor: 'two' },
    ];
    list = polls(1e6).tasks();
    await tasks.sync();
    await until(() => accepted.length === 2);
    expect(cursors).toEqual([null, 'one']);
    expect(accepted).toEqual([
      { events: [event], cursor: { name: 'poll:account:acc', value: 'one' } },
      { events: [], cursor: { name: 'poll:account:acc', value: 'two' } },
    ]);
  });

  it.each([
    ['there is too much', new Overloaded(1)],
    ['the database is away', new DatabaseUnavailable('gone')],
  ])('asks again soon for what could not be stored because %s, and does not blame the account', async (_why, error) => {
    pages = [{ events: [event], cursor: 'one' }];
    const { accept } = arrivals;
    arrivals.accept = () => Promise.reject(error);
    list = polls(1e6).tasks();
    await tasks.sync();
    await until(() => cursors.length === 1);
    arrivals.accept = accept;
    await until(() => accepted.length === 1);
    expect(reports.filter(({ state }) => state !== 'connected')).toEqual([]);
  });

  it('is asked at once when a callback says so', async () => {
    const room = polls(1e6);
    list = room.tasks();
    await tasks.sync();
    await until(() => accepted.length === 1);
    room.wakeAccount('acc');
    await until(() => accepted.length === 2);
    expect(announced).toEqual([undefined, undefined]);
    room.wakeAccount('acc', 'a token, with words');
    await until(() => accepted.length === 3);
    expect(announced[2]).toEqual({ said: 'a token, with words', at: expect.any(Number) });
  });
});

describe('patience', () => {
  it('doubles from a second to a minute, half of it by chance, obeys the provider, and forgets at success', () => {
    const [least, most] = [new Patience(() => 0), new Patience(() => 1)];
    const waits = (patience: Patience) => Array.from({ length: 8 }, () => patience.failed(new Error()));
    expect(waits(least)).toEqual([500, 1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000]);
    expect(waits(most)).toEqual([1_000, 2_000, 4_000, 8_000, 16_000, 32_000, 60_000, 60_000]);
    expect(least.failed(new ProviderFailure('throttled', '', { retryAfterMs: 90_000 }))).toBe(90_000);
    expect(least.report(new Error('secret inside'))).toEqual({
      state: 'disconnected',
      detail: 'the connection failed',
      action: expect.any(String),
    });
    least.succeeded();
    expect(least.failed(new Error())).toBe(500);
    expect(least.report(new Error())).toMatchObject({ state: 'degraded', action: null });
  });
});

import { setTimeout as delay } from 'node:timers/promises';
import pg from 'pg';
import { DatabaseUnavailable, isUnavailable } from './errors.js';

const TICK_MS = 50;
/** Nothing was heard for so long while a call waits: the server is asked whether it lives. */
const SLOW_MS = 150;
/** It has so long to answer; with `SLOW_MS` and a tick, a silent server is known within some 600 ms. */
const ANSWER_MS = 400;
/** A question whose end comes later than this after its time says that this process was stalled, and nothing of the server. */
const STALL_MS = 150;
/** Before its connections are given up it is asked once more, with more time: a login is the first thing that an overloaded server is slow at. */
const LAST_MS = 1_500;
const RETURN_MS = { pause: 250, answer: 1_500 };

/** A caller who has, or waits for, a connection. */
export interface Call {
  client?: pg.PoolClient;
  readonly begun: number;
  /** Not asked about before it has lasted so long, milliseconds. */
  patienceMs: number;
  /** Rejects when its caller is not to wait any longer. */
  readonly cut: Promise<never>;
  giveUp(why: DatabaseUnavailable): void;
}

/** Asks, within so many milliseconds, whether the server lives. Must not throw. */
export type Ask = (withinMs: number) => Promise<boolean>;

/**
 * Tells a silent server (its machine is gone, the network swallows packets) from a slow one, long before time-outs that are fit for statements. It refuses
 * early and destroys late: at the first silence callers are let go and new calls fail at once; an answer on any connection ends that, with every one of
 * them as it was. Only where none comes, or the server is silent when it is asked again, are connections from before given up.
 */
export class Pulse {
  private readonly calls = new Set<Call>();
  private readonly births = new WeakMap<pg.PoolClient, number>();
  private readonly timer = setInterval(() => this.look(), TICK_MS).unref();
  private outages = 0;
  private heardAt = 0;
  private asking = false;
  private lost = false;
  private stopped = false;
  private away: DatabaseUnavailable | undefined;

  constructor(
    pool: pg.Pool,
    private readonly ask: Ask,
    private readonly log: (message: string) => void,
  ) {
    pool.on('connect', (client) => void this.births.set(client as pg.PoolClient, this.outages));
  }

  stop(): void {
    this.stopped = true;
    clearInterval(this.timer);
  }

  /** A call begins. Throws `DatabaseUnavailable` while the server is silent. */
  begin(): Call {
    if (this.away) throw this.away;
    let giveUp = (_why: DatabaseUnavailable): void => {};
    const cut = new Promise<never>((_, reject) => (giveUp = reject));
    cut.catch(() => undefined);
    const call = { begun: performance.now(), patienceMs: SLOW_MS, cut, giveUp };
    this.calls.add(call);
    return call;
  }

  end(call: Call, answered: boolean): void {
    this.calls.delete(call);
    if (!answered) return;
    this.heardAt = performance.now();
    if (!this.lost) this.away = undefined;
  }

  /** Was the connection made after the last silence? One from before may lead nowhere. */
  trusts(client: pg.PoolClient): boolean {
    return (this.births.get(client) ?? 0) === this.outages;
  }

  private look(): void {
    const now = performance.now();
    if (this.asking || this.away || now - this.heardAt < SLOW_MS) return;
    for (const { begun, patienceMs } of this.calls) if (now - begun > patienceMs) return void this.probe(now);
  }

  private async probe(since: number): Promise<void> {
    this.asking = true;
    const lives = await this.ask(ANSWER_MS);
    this.asking = false;
    const now = performance.now();
    const stalled = now - since > ANSWER_MS + STALL_MS;
    if (!lives && !stalled && this.heardAt <= since && !this.stopped) return void this.suspect();
    for (const call of this.calls) call.patienceMs = Math.max(SLOW_MS, 2 * (now - call.begun));
  }

  private async suspect(): Promise<void> {
    const away = new DatabaseUnavailable(new Error('the server is silent'));
    this.away = away;
    this.log('the database is silent: calls are refused until it answers');
    const since = performance.now();
    for (const call of this.calls) call.giveUp(away);
    const lives = await this.ask(LAST_MS);
    if (!lives && this.away === away && !this.stopped) await this.lose();
    this.away = undefined;
    this.log('the database answers again');
    if (!lives) return;
    await delay(Math.max(0, since + LAST_MS - performance.now()), undefined, { ref: false });
    if (this.heardAt <= since) this.renew();
  }

  /** Connections from before lead nowhere: whoever waits on one is let go, and none of them is used again. */
  private renew(): void {
    this.outages += 1;
    for (const { client } of this.calls) if (client && !this.trusts(client)) void client.end().catch(() => undefined);
  }

  private async lose(): Promise<void> {
    this.lost = true;
    this.renew();
    do await delay(RETURN_MS.pause * (0.5 + Math.random()), undefined, { ref: false });
    while (!this.stopped && !(await this.ask(RETURN_MS.answer)));
    this.lost = false;
  }
}

/** Asks by a new connection, which needs nothing that may have been lost. Whatever the server says is a sign of life; that a name was not found is none of death. */
export function askByConnecting(url: string): Ask {
  return async (withinMs) => {
    const config = { connectionString: url, application_name: 'tributary-pulse', connectionTimeoutMillis: withinMs };
    const client = new pg.Client(config);
    client.on('error', () => {});
    try {
      await client.connect();
      return true;
    } catch (error) {
      const { code } = error as { code?: unknown };
      return /^(?!57P0)(?=.*\d)[0-9A-Z]{5}$|^EAI_AGAIN$|^ENOTFOUND$/.test(String(code)) || !isUnavailable(error);
    } finally {
      void client.end().catch(() => undefined);
    }
  };
}

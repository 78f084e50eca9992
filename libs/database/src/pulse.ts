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
const RETURN_MS = { pause: 250, answer: 2_000 };
const TOO_MANY_CONNECTIONS = '53300';

/** A caller who has, or waits for, a connection. */
export interface Call {
  client?: pg.PoolClient;
  readonly begun: number;
  /** Not asked about before it has lasted so long, milliseconds. */
  patienceMs: number;
}

/** Asks, within so many milliseconds, whether the server lives. Must not throw. */
export type Ask = (withinMs: number) => Promise<boolean>;

/**
 * Tells a silent server (its machine is gone, the network swallows packets) from a slow one, long before time-outs that are fit for statements. While a
 * server is silent every call fails at once, those under way included; connections from before are not used again.
 */
export class Pulse {
  private readonly calls = new Set<Call>();
  private readonly births = new WeakMap<pg.PoolClient, number>();
  private readonly timer = setInterval(() => this.look(), TICK_MS).unref();
  private outages = 0;
  private heardAt = 0;
  private asking = false;
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
    const call = { begun: performance.now(), patienceMs: SLOW_MS };
    this.calls.add(call);
    return call;
  }

  end(call: Call, answered: boolean): void {
    this.calls.delete(call);
    if (answered) this.heardAt = performance.now();
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
    if (!lives && !stalled && this.heardAt <= since && !this.stopped) return void this.lose();
    for (const call of this.calls) call.patienceMs = Math.max(SLOW_MS, 2 * (now - call.begun));
  }

  private async lose(): Promise<void> {
    this.away = new DatabaseUnavailable(new Error('the server is silent'));
    this.outages += 1;
    for (const { client } of this.calls) void client?.end().catch(() => undefined);
    this.log('the database is silent: calls are refused until it answers');
    do await delay(RETURN_MS.pause, undefined, { ref: false });
    while (!this.stopped && !(await this.ask(RETURN_MS.answer)));
    this.away = undefined;
    this.log('the database answers again');
  }
}

/** Asks by a new connection, which needs nothing that may have been lost. */
export function askByConnecting(url: string): Ask {
  return async (withinMs) => {
    const config = { connectionString: url, application_name: 'tributary-pulse', connectionTimeoutMillis: withinMs };
    const client = new pg.Client(config);
    client.on('error', () => {});
    try {
      await client.connect();
      return true;
    } catch (error) {
      return (error as { code?: unknown }).code === TOO_MANY_CONNECTIONS || !isUnavailable(error);
    } finally {
      void client.end().catch(() => undefined);
    }
  };
}

import { setTimeout as delay } from 'node:timers/promises';
import pg from 'pg';
import type { StreamEvent } from '#normalizer';
import {
  expireLeases,
  HoldingProxy,
  type Poster,
  setStage,
  until,
  type OutboundPost,
  type Received,
  type Stage,
} from '../support/index.js';
import { Ledger } from './ledger.js';
import { FlakySide } from './weather.js';

export const ACCOUNTS = ['app', 'line'] as const;
export type Account = (typeof ACCOUNTS)[number];

/** Planted in every text, name and number: nothing of it may be seen in a log. */
export const CANARY = { word: 'Kanarienvogel', phone: '8613977' };
/** What remains to be read from the sockets of a process that is dead. */
const ECHO_MS = 20;
const REST_MS = 60_000;
const STARTS = 5;

/** A reply that the provider took, and the ids by which it may speak of it. */
export interface Post {
  readonly account: Account;
  readonly ids: readonly string[];
  readonly text: string;
}

/** An installation under fire: a gateway between a flaky provider and a flaky helpdesk, and the ledger of what happened to it. */
export class Scene {
  readonly ledger = new Ledger();
  readonly desk: FlakySide<StreamEvent>;
  readonly provider: FlakySide<OutboundPost>;
  /** The round: marks what it writes, wherever that is seen again. */
  round = 0;
  /** Milliseconds from each start to the first delivery after it. */
  readonly recoveries: number[] = [];
  refusedStarts = 0;
  /** Posts that the provider took and has not reported on. */
  readonly unreported: Post[] = [];
  /** Everything that the processes of this round wrote. */
  log = '';
  /** Nothing is tried any more. */
  closed = false;
  private readonly posters: Readonly<Record<Account, Poster>>;
  private startedAt: number | undefined;
  private cursor = '';

  constructor(
    readonly stage: Stage,
    /** Between the gateway and Postgres, where that is the database. */
    readonly proxy?: HoldingProxy,
    private readonly databaseUrl?: string,
  ) {
    const { ledger } = this;
    this.posters = { app: stage.poster, line: stage.posterTo(stage.gateway, 'line') };
    const aged = new WeakMap<object, number>();
    this.desk = new FlakySide<StreamEvent>({
      receiver: stage.helpdesk,
      witness: {
        arrived: (request) => {
          aged.set(request, ledger.kills);
          this.recovered();
          ledger.arrivedAtDesk(request);
        },
        taken: (request, lost) => ledger.takenAtDesk(request, lost ? -1 : aged.get(request)!),
      },
      body: ({ id }) => ({ reference: { ticketId: `T${this.round}-${id}`, url: null } }),
    });
    this.provider = new FlakySide<OutboundPost>({
      receiver: stage.provider,
      witness: {
        arrived: (request) => {
          aged.set(request, ledger.kills);
          ledger.arrivedAtProvider(request);
        },
        taken: (request, lost) => this.sent(request, lost ? -1 : aged.get(request)!),
      },
      body: ({ id }) => ({ id: `G${this.round}-${id}` }),
    });
  }

  static async open(database: 'embedded' | { readonly url: string }): Promise<Scene> {
    const common = { apps: ACCOUNTS, spare: true, env: { LOG_LEVEL: 'debug' } };
    if (database === 'embedded') return new Scene(await setStage(common));
    const proxy = await new HoldingProxy(database.url).start();
    return new Scene(await setStage({ ...common, databaseUrl: proxy.url }), proxy, database.url);
  }

  poster(account: Account): Poster {
    return this.posters[account];
  }

  /** One statement on a connection of its own, past the proxy; again until the server is there. */
  async sql<R extends pg.QueryResultRow>(text: string): Promise<R[]> {
    return this.connected(async (client) => (await client.query<R>(text)).rows);
  }

  /** A connection of the caller's own. */
  async connection(): Promise<pg.Client> {
    const client = new pg.Client({ connectionString: this.databaseUrl });
    client.on('error', () => {});
    await client.connect();
    return client;
  }

  private async connected<T>(work: (client: pg.Client) => Promise<T>): Promise<T> {
    return until('the database', async () => {
      const client = await this.connection();
      return { done: await work(client).finally(() => client.end()) };
    }).then(({ done }) => done);
  }

  async kill(): Promise<void> {
    await this.stage.gateway.kill9();
    this.proxy?.release();
    await delay(ECHO_MS);
    this.ledger.kills += 1;
  }

  /** Starts it anew, again where the start is refused, as supervisors do; the leases of the dead process have run out. */
  async revive(): Promise<void> {
    this.startedAt = performance.now();
    for (let left = STARTS; ; left -= 1) {
      await this.expire();
      try {
        return await this.stage.gateway.start();
      } catch (error) {
        if (left === 1) throw error;
        this.refusedStarts += 1;
        await this.stage.gateway.kill9();
      }
    }
  }

  async expire(): Promise<void> {
    if (this.databaseUrl !== undefined) await this.connected(expireLeases);
  }

  /** Waits until all has come to where it must, in good weather. What does not is a fault. */
  async rest(): Promise<void> {
    this.desk.clear();
    this.provider.clear();
    const end = performance.now() + REST_MS;
    for (;;) {
      const unrest = await this.unrest().catch((error: unknown) => [String(error)]);
      if (unrest.length === 0) return;
      if (performance.now() > end)
        return unrest.forEach((what) => this.ledger.fault(`after ${REST_MS} ms of rest: ${what}`));
      await delay(20);
    }
  }

  /** Nobody's words, names or numbers, no secret, and no error that was caught nowhere. */
  checkLogs(): void {
    const { secrets, gateway } = this.stage;
    this.log += gateway.takeLogs();
    const plain = [secrets.app, secrets.desk].map((secret) => secret.replace('whsec_', ''));
    for (const planted of [CANARY.word, CANARY.phone, gateway.adminKey, ...plain])
      if (this.log.includes(planted)) this.ledger.fault(`the log shows "${planted}"`);
    const loud = /.*(nobody listened|caught nowhere|is rejected and nobody).*/.exec(this.log);
    if (loud) this.ledger.fault(`the log says: ${loud[0].slice(0, 2_000)}`);
  }

  /** Every conversation as the API shows it: as many messages as the stream told of, each number once. */
  async checkHistories(): Promise<void> {
    for (const [id, { messages }] of this.ledger.told) {
      const seen: number[] = [];
      for (let more = true; more;) {
        const path = `/v1/conversations/${id}/messages?limit=200&after=${seen.at(-1) ?? 0}`;
        const { items } = await until(path, async () => {
          const { status, body } = await this.stage.gateway.api.get<{ items: { sequence: number }[] }>(path);
          return status === 200 && body;
        });
        seen.push(...items.map(({ sequence }) => sequence));
        more = items.length > 0;
      }
      if (seen.length !== messages || seen.some((sequence, index) => sequence !== index + 1))
        this.ledger.fault(`${id} has ${seen.length} messages in the API, ${messages} in the stream`);
    }
  }

  /** Drops what the round leaves behind, so that a run may be long. */
  forget(): void {
    this.log = '';
    this.stage.helpdesk.forget();
    this.stage.provider.forget();
  }

  async close(): Promise<void> {
    this.closed = true;
    await this.stage.close();
    await this.proxy?.away();
  }

  private async unrest(): Promise<string[]> {
    await this.pull();
    return [...this.ledger.unrest(), ...(await this.waiting())];
  }

  private async pull(): Promise<void> {
    for (;;) {
      const { api } = this.stage.gateway;
      const { status, body } = await api.get<{ items: StreamEvent[]; next: string }>(
        `/v1/events?limit=200${this.cursor}`,
      );
      if (status !== 200) throw new Error(`pulling was answered ${status}: ${JSON.stringify(body)}`);
      if (body.items.length === 0) return;
      body.items.forEach((event) => this.ledger.tell(event));
      this.cursor = `&after=${encodeURIComponent(body.next)}`;
    }
  }

  private async waiting(): Promise<string[]> {
    const { api } = this.stage.gateway;
    const [pending, dead] = [await api.deliveries('desk', 'pending'), await api.deliveries('desk', 'dead')];
    return [...pending, ...dead].slice(0, 3).map((delivery) => `the delivery ${JSON.stringify(delivery)} is not made`);
  }

  private recovered(): void {
    if (this.startedAt !== undefined) this.recoveries.push(performance.now() - this.startedAt);
    this.startedAt = undefined;
  }

  private sent(request: Received<OutboundPost>, kills: number): void {
    const { id, json } = request;
    if (!this.ledger.provider.isTaken(id))
      this.unreported.push({
        account: json.thread.startsWith('app-') ? 'app' : 'line',
        ids: kills < 0 ? [id] : [id, `G${this.round}-${id}`],
        text: json.text,
      });
    this.ledger.takenAtProvider(request, kills);
  }
}

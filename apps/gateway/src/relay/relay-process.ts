import { Deliveries, Erasures, type HandOver, Horizon, type Leases, Outbox, Partitions, Settler } from '#conversations';
import type { Database } from '#database';
import { afterDelivery, afterSend } from '#helpdesk';
import type { Logger } from 'pino';
import { AccountStates } from '../ingress/account-states.js';
import { Board } from './board.js';
import { DeliverRoute } from './deliver.route.js';
import type { Observation, RelayDirectory, RetryRules, Sessions } from './ports.js';
import { Reader } from './reader.js';
import { Relay, type RelaySettings } from './relay.js';
import { GIVE_UP_MS, givenUp, SendRoute } from './send.route.js';
import type { Room, Target } from './target.js';

export interface RelayOptions {
  readonly database: Database;
  readonly leases: Leases;
  /** Where intake of this process hands over what it stored. */
  readonly handOver?: HandOver;
  readonly directory: RelayDirectory;
  readonly sessions: Sessions;
  readonly signUrl: (fileId: string) => string;
  readonly log: Logger;
  readonly observe?: (observation: Observation) => void;
  /** The retry table; another one only in tests. */
  readonly rules?: RetryRules;
  readonly settings?: Partial<RelaySettings>;
  readonly room?: Partial<Room>;
}

const SETTINGS: RelaySettings = {
  concurrency: 32,
  pollMs: 1_000,
  dispatchMs: 120_000,
  drainMs: 8_000,
  refusedMs: 30_000,
};
/** A hold that differs by less is the one that is known. */
const SAME_HOLD_MS = 1_000;
const ROOM: Room = { lane: 64, target: 2_000 };

/** The relay with all that belongs to it, listening to hints, changes and heartbeats. */
export class RelayProcess {
  readonly board: Board;
  private readonly relay: Relay;
  private readonly partitions: Partitions;
  private readonly settler: Settler;
  private readonly outbox: Outbox;
  private readonly horizon: Horizon;
  private readonly stopping = new AbortController();
  private readonly unhook: (() => void)[] = [];

  constructor(private readonly options: RelayOptions) {
    const { database, leases, directory, sessions, log, signUrl, rules = { afterDelivery, afterSend } } = options;
    const room = { ...ROOM, ...options.room };
    this.settler = new Settler(database, leases.holder, this.stopping.signal);
    this.partitions = new Partitions(database, leases);
    this.outbox = new Outbox(database);
    this.horizon = new Horizon(database);
    const states = new AccountStates({ database, log });
    const processes = (): number => this.partitions.processes;
    this.board = new Board({
      routes: {
        event: new DeliverRoute({ directory, deliveries: new Deliveries(database), signUrl, rules, log }),
        unit: new SendRoute({ directory, sessions, settler: this.settler, processes, rules, states, log }),
      },
      room,
      now: () => performance.now(),
      wake: (target) => this.relay.nudge(target),
    });
    const { outbox, horizon, partitions, board, settler } = this;
    this.relay = new Relay({
      ...{ board, partitions, settler, log },
      reader: new Reader({
        ...{ outbox, horizon, partitions, board, laneRoom: room.lane },
        erasures: new Erasures(database, leases.holder),
      }),
      giveUp: () => this.giveUp(),
      recovered: (target) => this.recovered(target),
      held: ({ key }, ms) => database.hint('hold', `${Math.ceil(ms)} ${key}`),
      observe: options.observe ?? (() => undefined),
      settings: { ...SETTINGS, ...options.settings },
    });
  }

  /** Begins. `leases` must beat (`Leases.start`) for as long as it runs. */
  async start(): Promise<void> {
    const { database, directory, sessions, leases, handOver } = this.options;
    await this.partitions.inherit();
    this.unhook.push(
      database.onHint('outbox', () => this.relay.wake()),
      database.onHint('leases', () => this.relay.rebalance()),
      database.onHint('hold', (hold) => this.hold(hold)),
      directory.onChange(() => this.relay.review()),
      sessions.onChange(() => this.relay.review()),
      leases.onBeat(async () => this.relay.rebalance()),
    );
    this.relay.review();
    this.relay.start();
    if (handOver) this.unhook.push(handOver.join(this.relay));
  }

  /** Stops taking work, waits for what is under way, settles it and gives the partitions back. */
  async drain(): Promise<void> {
    for (const unhook of this.unhook.splice(0)) unhook();
    await this.relay
      .drain()
      .catch((error: unknown) => this.options.log.warn({ err: error }, 'the relay did not stop in order'));
    this.stopping.abort();
    await this.settler.idle();
  }

  /** Another process was told to leave a target alone; whoever misses it is told by the target itself. */
  private hold(hint: string): void {
    const [, ms, key] = /^(\d+) (.+)$/.exec(hint) ?? [];
    const target = this.board.list().find((one) => one.key === key);
    if (target && Number(ms) > target.waitMs() + SAME_HOLD_MS) target.hold(Number(ms));
  }

  /** A target answers again after it was down: what waited for that goes at once. */
  private async recovered(target: Target): Promise<void> {
    await this.outbox.hasten(target.ref, this.board.isBound(target.ref) ? null : this.partitions.list());
    target.spill();
    this.relay.wake();
  }

  /** Messages whose account is missing or disabled wait, and fail when they have for too long. */
  private async giveUp(): Promise<void> {
    const { board, horizon, outbox, partitions, settler } = this;
    for (const { ref, aside } of board.list()) {
      if (ref.kind !== 'unit' || !aside || board.isBound(ref)) continue;
      const page = { after: 0, upTo: horizon.known.outbox, limit: 200 };
      for (const entry of await outbox.ofTarget(ref, page, partitions.list())) {
        const lease = partitions.lease(entry.partition);
        if (lease && entry.ageMs > GIVE_UP_MS) await settler.settle({ entry, lease, result: givenUp(ref.id) });
      }
    }
  }
}

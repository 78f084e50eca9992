import type { Files, Leases, RepliesPort } from '#conversations';
import type { Database } from '#database';
import type { FastifyInstance } from 'fastify';
import type { Logger } from 'pino';
import type { Directory, RunningAccount } from '../directory/index.js';
import type { BodyRoom } from '../ops/body-room.js';
import type { Metrics } from '../ops/metrics.js';
import { AccountStates } from './account-states.js';
import { AgentActions } from './agent-actions.js';
import { Arrivals, type TypingSink } from './arrivals.js';
import { Callbacks } from './callbacks.js';
import { routeEndpoint } from './endpoint-routes.js';
import { FailureGate } from './failure-gate.js';
import { HeldTasks } from './held-tasks.js';
import { Polls } from './polls.js';
import { Profiles } from './profiles.js';
import { Sockets, type AccountTyping } from './sockets.js';
import { Webhooks } from './webhooks.js';
import type { IntakePort } from '#conversations';

export interface IngressParts {
  readonly database: Database;
  readonly directory: Directory;
  readonly intake: IntakePort;
  readonly replies: RepliesPort;
  readonly files: Files;
  readonly leases: Leases;
  readonly live: TypingSink;
  readonly metrics: Metrics;
  readonly bodies: BodyRoom;
  readonly log: Logger;
  readonly publicUrl: string;
  /** Country of phone numbers without a country code. */
  readonly country?: string | undefined;
  readonly failedSignaturesPerMinute: number;
}

const LISTENING = { state: 'connected', detail: 'the gateway listens', action: null, quiet: true } as const;
const HEARD = { state: 'connected', detail: 'the provider calls', action: null, quiet: true } as const;
const SETTINGS = "Correct the account's settings.";

/** Everything that comes in from outside: what providers and ticket systems call, and the accounts and destinations that are asked or listened to. */
export class Ingress {
  /** The connections that this process holds. */
  readonly sockets: Sockets;
  private readonly states: AccountStates;
  private readonly webhooks: Webhooks;
  private readonly callbacks: Callbacks;
  private readonly polls: Polls;
  private readonly profiles: Profiles;
  private readonly tasks: HeldTasks;
  private readonly end: (() => void)[] = [];

  constructor(private readonly parts: IngressParts) {
    const { database, directory, leases, log, metrics, publicUrl } = parts;
    this.profiles = new Profiles({ database, directory, log });
    const arrivals = new Arrivals({ ...parts, profiles: this.profiles });
    const gate = new FailureGate(parts.failedSignaturesPerMinute, Date.now, database);
    this.states = new AccountStates({ database, log });
    const actions = new AgentActions(parts);
    this.callbacks = new Callbacks({
      ...{ directory, actions, gate, log, publicUrl },
      wake: (id) => this.polls.wakeDestination(id),
    });
    this.sockets = new Sockets({ database, directory, arrivals, states: this.states, log });
    this.polls = new Polls({ database, directory, arrivals, actions, states: this.states, log });
    this.webhooks = new Webhooks({
      ...{ directory, arrivals, gate, metrics, log, publicUrl, country: parts.country },
      wake: (id, said) => this.polls.wakeAccount(id, said),
      trace: (...call) => directory.traceCall(...call),
      heard: (account) => this.heard(account),
    });
    this.tasks = new HeldTasks({
      ...{ leases, log, hints: database },
      list: () => [...this.sockets.tasks(), ...this.polls.tasks()],
    });
  }

  /** To be called before the server is ready. */
  route(server: FastifyInstance): void {
    const { bodies: room } = this.parts;
    routeEndpoint(server, '/channels', { open: this.webhooks.open, room });
    routeEndpoint(server, '/destinations', { open: this.callbacks.open, room });
  }

  start(): void {
    this.polls.start();
    this.tasks.start();
    this.end.push(
      this.parts.database.onHint(
        'account-typing',
        (payload) => void this.sockets.typing(JSON.parse(payload) as AccountTyping),
      ),
      this.parts.directory.onChange(() => {
        void this.tasks.sync();
        this.tell();
      }),
    );
    this.tell();
  }

  /** Closes connections and gives their accounts to other processes. */
  async stop(): Promise<void> {
    this.end.splice(0).forEach((end) => end());
    this.polls.stop();
    await Promise.all([this.tasks.stop(), this.profiles.stop()]);
  }

  /** What is known of accounts without asking anybody. */
  private tell(): void {
    const { directory } = this.parts;
    for (const { id, enabled, adapter } of directory.accounts()) {
      if (enabled && adapter.ingress.hosted) void this.states.report(id, LISTENING);
    }
    for (const [id, detail] of directory.broken())
      void this.states.report(id, { state: 'disconnected', detail, action: SETTINGS });
  }

  /** Where a provider only calls, its first genuine call says that the account works. */
  private heard({ id, adapter }: RunningAccount): void {
    if (!adapter.ingress.poll && !adapter.ingress.socket) void this.states.report(id, HEARD);
  }
}

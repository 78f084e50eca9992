import { setTimeout as delay } from 'node:timers/promises';
import type { Hold, Received } from '../support/index.js';
import type { Draw } from './draw.js';
import { RECEIPT_MARK, type Traffic } from './traffic.js';
import type { Scene } from './scene.js';
import type { FlakySide } from './weather.js';

export interface Situation {
  readonly scene: Scene;
  readonly traffic: Traffic;
  readonly draw: Draw;
}

/** A step at which the process is killed. All are made from outside: on the wires, and by the moment of the signal. */
export interface Moment {
  readonly name: string;
  /** Called before the traffic of the round begins; `begun` resolves when it has. Resolves at the step. What it returns is done once the process is dead. */
  reach(situation: Situation, begun: Promise<void>): Promise<void | (() => Promise<unknown>)>;
  /** Kills again while it comes back, so many milliseconds after it was started. */
  readonly again?: (draw: Draw) => number;
  /** Steps on its way back at which it is killed again. */
  readonly comingBack?: (scene: Scene) => Promise<void>;
}

const BATCH = 64;
const REACH_MS = 500;

/** The next statement that bears a mark of the round: `request`, the server never hears of it; `answer`, it is done and the gateway does not know. */
function held(hold: Hold, mark: (round: number) => string, after?: (round: number) => string): Moment['reach'] {
  return ({ scene }) => scene.proxy!.hold(hold, mark(scene.round), after?.(scene.round));
}

/** One of the fakes has a request in its hands, and keeps it. */
async function arrival<T>(side: FlakySide<T>, draw: Draw): Promise<void> {
  let left = draw.below(4);
  await new Promise<void>((reached) => {
    side.intercept(() => {
      if ((left -= 1) >= 0) return undefined;
      reached();
      return Promise.resolve('hang');
    });
  });
}

/** One of the fakes has just answered 2xx: the process reads that, or writes it down, or not. */
async function answered<T>(side: FlakySide<T>, draw: Draw): Promise<void> {
  let left = draw.below(4);
  await new Promise<Received<T> | void>((reached) => side.onTaken(() => (left -= 1) < 0 && reached()));
  await delay(draw.below(5));
}

/** A caller has just read an answer of the gateway. */
async function acknowledged({ ledger }: Scene, what: 'written' | 'replied' | 'receipted' | 'replayed'): Promise<void> {
  await new Promise<void>((reached) => {
    const plain = ledger[what] as (...told: never[]) => void;
    ledger[what] = (...told: never[]) => {
      ledger[what] = plain as never;
      plain.call(ledger, ...told);
      reached();
    };
  });
}

const writes = (round: number): string => `w${round}-`;
const replies = (round: number): string => `a${round}-`;
const edits = (round: number): string => `e${round}-`;
const tickets = (round: number): string => `T${round}-`;
const givenIds = (round: number): string => `G${round}-`;
const commit = (): string => 'commit';
const receipts = (): string => RECEIPT_MARK;

const ANYWHERE: readonly Moment[] = [
  {
    name: 'at any moment',
    reach: async ({ draw }, begun) => {
      await begun;
      await delay(draw.below(400));
    },
  },
  {
    name: 'while arrivals are on their way',
    reach: async ({ draw }, begun) => {
      await begun;
      await delay(draw.below(12));
    },
  },
  {
    name: 'inside a batch',
    reach: async ({ traffic, draw }, begun) => {
      await begun;
      const wait = draw.below(6);
      await new Promise<void>((first) => traffic.also(traffic.batch(BATCH, draw, first)));
      await delay(wait);
    },
  },
  { name: 'once an arrival is acknowledged', reach: ({ scene }) => acknowledged(scene, 'written') },
  { name: 'once a reply is accepted', reach: ({ scene }) => acknowledged(scene, 'replied') },
  { name: 'once a replay is accepted', reach: ({ scene }) => acknowledged(scene, 'replayed') },
  { name: 'while the helpdesk holds a request', reach: ({ scene, draw }) => arrival(scene.desk, draw) },
  { name: 'while the provider holds a send', reach: ({ scene, draw }) => arrival(scene.provider, draw) },
  { name: "at the helpdesk's 200", reach: ({ scene, draw }) => answered(scene.desk, draw) },
  { name: "at the provider's 200", reach: ({ scene, draw }) => answered(scene.provider, draw) },
  {
    name: 'during take-over',
    reach: async ({ draw }, begun) => {
      await begun;
      await delay(20 + draw.below(150));
    },
    again: (draw) => 100 + draw.below(1_200),
  },
  {
    name: 'as soon as it is back',
    reach: async ({ draw }, begun) => {
      await begun;
      await delay(20 + draw.below(150));
    },
    comingBack: async (scene) => {
      await scene.revive();
    },
  },
  {
    name: 'while it stops in order',
    reach: async ({ scene, draw }, begun) => {
      await begun;
      await delay(20 + draw.below(100));
      scene.stage.gateway.signal('SIGTERM');
      await delay(draw.below(60));
    },
  },
];

const IN_THE_STORE: readonly Moment[] = [
  { name: 'before an arrival reaches the store', reach: held('request', writes) },
  { name: 'after the commit of an arrival, before the answer', reach: held('answer', writes) },
  { name: 'before a receipt reaches the store', reach: held('request', receipts) },
  { name: 'after the commit of a receipt, before the answer', reach: held('answer', receipts) },
  { name: 'before the commit of a reply', reach: held('request', commit, replies) },
  { name: 'after the commit of a reply, before the answer', reach: held('answer', commit, replies) },
  { name: 'before the commit of an edit', reach: held('request', commit, edits) },
  { name: 'after the commit of an edit, before the answer', reach: held('answer', commit, edits) },
  { name: 'before the commit of a replay', reach: held('request', commit, () => 'replay_enqueue') },
  { name: 'after the commit of a replay, before the answer', reach: held('answer', commit, () => 'replay_enqueue') },
  { name: 'after the start of a unit, before it is sent', reach: held('answer', () => 'start_units') },
  { name: "after the helpdesk's 200, before the settle", reach: held('request', tickets) },
  { name: 'after the settle of a delivery, before that is known', reach: held('answer', tickets) },
  { name: "after the provider's 200, before the settle", reach: held('request', givenIds) },
  { name: 'after the settle of a unit, before that is known', reach: held('answer', givenIds) },
  {
    name: 'while arrivals wait within the store',
    reach: async ({ scene, draw }, begun) => {
      const locker = await scene.connection();
      await locker.query('begin; lock table message in access exclusive mode');
      await begun;
      const waiting = `select 1 from pg_locks where not granted`;
      while ((await locker.query(waiting)).rowCount === 0) await delay(2);
      await delay(draw.below(20));
      return () => locker.query('rollback').finally(() => locker.end());
    },
  },
  {
    name: 'after the leases are taken, before that is known',
    reach: async ({ draw }, begun) => {
      await begun;
      await delay(draw.below(100));
    },
    comingBack: (scene) => comingBack(scene, 'lease_acquire'),
  },
  {
    name: 'after the first look at what waits',
    reach: async ({ draw }, begun) => {
      await begun;
      await delay(draw.below(100));
    },
    comingBack: (scene) => comingBack(scene, 'outbox_targets'),
  },
  {
    name: 'together with the server of the database',
    reach: async ({ scene, draw }, begun) => {
      await begun;
      await delay(draw.below(150));
      const [backend] = await scene.sql<{ pid: number }>(
        "select pid from pg_stat_activity where datname = current_database() and application_name = 'tributary' limit 1",
      );
      // A killed backend makes the server drop every connection and recover from its journal.
      if (backend) process.kill(backend.pid, 'SIGKILL');
    },
  },
];

/** It is started anew, and reaches this statement. */
async function comingBack(scene: Scene, statement: string): Promise<void> {
  await scene.expire();
  const reached = scene.proxy!.hold('answer', statement);
  const started = scene.stage.gateway.start().catch(() => undefined);
  await Promise.race([reached, started.then(() => delay(REACH_MS))]);
}

export function momentsOf(database: 'embedded' | 'postgres'): readonly Moment[] {
  return database === 'postgres' ? [...ANYWHERE, ...IN_THE_STORE] : ANYWHERE;
}

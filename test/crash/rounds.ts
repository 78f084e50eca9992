import { afterAll, describe, expect, it } from '@jest/globals';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { stopEverything } from '../support/index.js';
import { Draw, type Draws } from './draw.js';
import { momentsOf, type Moment } from './moments.js';
import { type Scene } from './scene.js';
import { Traffic } from './traffic.js';

type Kind = 'embedded' | 'postgres';

/** What `npm run test:crash` was told; without it, a few rounds with a seed of the moment. */
const TOLD = {
  rounds: Number(process.env['CRASH_ROUNDS'] ?? 0),
  first: Number(process.env['CRASH_FIRST'] ?? 1),
  seed: process.env['CRASH_SEED'] ?? String(Date.now() % 1_000_000),
  database: process.env['CRASH_DATABASE'] ?? 'both',
  verbose: process.env['CRASH_VERBOSE'] === 'true',
};
/** For `npm test`: what fits into half a minute each. */
const FEW: Readonly<Record<Kind, number>> = { embedded: 8, postgres: 16 };
/** A step that is not reached within this time is killed at wherever it is by then. */
const REACH_MS = 8_000;
const ROUND_MS = 240_000;

/** Defines the rounds on one kind of database. */
export function crashRounds(kind: Kind, open: () => Promise<Scene>): void {
  const moments = momentsOf(kind);
  const rounds = TOLD.rounds || FEW[kind];
  const wanted = TOLD.database === 'both' || TOLD.database === kind;
  (wanted ? describe : describe.skip)(`kill -9 on ${kind}, seed ${TOLD.seed}`, () => {
    let scene: Scene | undefined;
    afterAll(async () => {
      await scene?.close();
      await stopEverything();
    });
    it(
      `keeps every promise over ${rounds} rounds`,
      async () => {
        scene = await open();
        const run = new Run({ kind, scene, moments });
        for (let round = TOLD.first; round < TOLD.first + rounds; round += 1) await run.round(round);
        await run.end();
      },
      ROUND_MS + rounds * 30_000,
    );
  });
}

interface RunParts {
  readonly kind: Kind;
  readonly scene: Scene;
  readonly moments: readonly Moment[];
}

class Run {
  private readonly traffic: Traffic;
  private readonly reached = new Map<string, { tried: number; reached: number }>();
  private readonly began = performance.now();
  private count = 0;

  constructor(private readonly parts: RunParts) {
    this.traffic = new Traffic(parts.scene);
  }

  /** Traffic, a kill at one of the moments, and back; then everything comes to rest, and every promise is looked at. */
  async round(round: number): Promise<void> {
    const { scene, moments } = this.parts;
    const draws: Draws = (...names) => new Draw(TOLD.seed, this.parts.kind, round, ...names);
    const order = new Draw(TOLD.seed, 'order', Math.floor((round - 1) / moments.length)).shuffled(moments);
    const moment = order[(round - 1) % moments.length]!;
    scene.round = round;
    this.count += 1;
    const began = performance.now();
    const sky = `helpdesk ${scene.desk.change(draws('desk'))}, provider ${scene.provider.change(draws('provider'))}`;
    await this.play(moment, draws).catch((error: unknown) => scene.ledger.fault(`the round broke: ${String(error)}`));
    const took = `${Math.round(performance.now() - began)} ms`;
    if (TOLD.verbose) process.stderr.write(`${this.parts.kind} ${round}: ${took}, ${moment.name} (${sky})\n`);
    scene.ledger.close(this.traffic.orders);
    scene.checkLogs();
    if (scene.ledger.faults.length > 0) await this.fail(`round ${round}, killed ${moment.name}, ${sky}`, round);
    scene.forget();
    if (this.count % 25 === 0) this.say(`${this.count} rounds`);
  }

  /** What the whole history must be in the end, and what the run was. */
  async end(): Promise<void> {
    const { scene } = this.parts;
    await scene.checkHistories();
    if (scene.ledger.faults.length > 0) await this.fail('the end', TOLD.first + this.count - 1);
    this.say(`all ${this.count} rounds`);
    const never = [...this.reached]
      .filter(([, { tried, reached }]) => tried >= 3 && reached === 0)
      .map(([name]) => name);
    expect(never).toEqual([]);
  }

  private async play(moment: Moment, draws: Draws): Promise<void> {
    const { scene } = this.parts;
    const situation = { scene, traffic: this.traffic, draw: draws('moment') };
    let begin = (): void => undefined;
    const begun = new Promise<void>((resolve) => (begin = resolve));
    const step = moment.reach(situation, begun);
    const traffic = this.traffic.run(draws);
    begin();
    const undo = await this.within(moment, step);
    scene.desk.speakUp();
    scene.provider.speakUp();
    await scene.kill();
    await undo?.();
    if (moment.again) await this.killComingBack(moment.again(situation.draw));
    if (moment.comingBack) {
      await moment.comingBack(scene);
      await scene.kill();
    }
    await scene.revive();
    await traffic;
    await scene.rest();
  }

  private async killComingBack(afterMs: number): Promise<void> {
    const { scene } = this.parts;
    await scene.expire();
    await scene.stage.gateway.startAndKill(afterMs);
    await scene.kill();
  }

  /** Waits for the step, and notes whether it was reached. */
  private async within(
    moment: Moment,
    step: ReturnType<Moment['reach']>,
  ): Promise<(() => Promise<unknown>) | undefined> {
    const tally = this.reached.get(moment.name) ?? { tried: 0, reached: 0 };
    this.reached.set(moment.name, tally);
    tally.tried += 1;
    const found = await Promise.race([step, delay(REACH_MS, 'late' as const, { ref: false })]);
    if (found === 'late') {
      step.then((undo) => undo?.()).catch(() => undefined);
      return undefined;
    }
    tally.reached += 1;
    return found ?? undefined;
  }

  private async fail(where: string, round: number): Promise<never> {
    const { kind, scene } = this.parts;
    const { faults } = scene.ledger;
    const command = `npm run test:crash -- --database ${kind} --seed ${TOLD.seed} --first ${TOLD.first} --rounds ${round - TOLD.first + 1}`;
    const file = join('artifacts', 'crash', `${kind}-${TOLD.seed}-${round}.log`);
    const known = faults
      .slice(0, 20)
      .map((fault) => `  - ${fault}`)
      .join('\n');
    const text = `${where}: ${faults.length} promises are broken\n${known}\nAgain: ${command}\nIts log: ${file}`;
    await mkdir(join('artifacts', 'crash'), { recursive: true });
    await writeFile(file, `${text}\n\n${faults.join('\n')}\n\n${scene.log}`);
    throw new Error(text);
  }

  private say(what: string): void {
    const { kind, scene } = this.parts;
    const sorted = [...scene.recoveries].sort((a, b) => a - b);
    const at = (share: number): number =>
      Math.round(sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0);
    const counts = {
      ...scene.ledger.counts,
      mishaps: scene.desk.mishaps + scene.provider.mishaps,
      'refused starts': scene.refusedStarts,
    };
    const seconds = Math.round((performance.now() - this.began) / 1_000);
    const lines = [
      `${kind}: ${what} in ${seconds} s; ${Object.entries(counts)
        .map(([name, n]) => `${n} ${name}`)
        .join(', ')}`,
      `  start to first delivery: p50 ${at(0.5)} ms, p99 ${at(0.99)} ms`,
      ...[...this.reached]
        .filter(([, { tried, reached }]) => reached < tried)
        .map(([name, { tried, reached }]) => `  reached ${reached} of ${tried}: ${name}`),
    ];
    process.stderr.write(`${lines.join('\n')}\n`);
  }
}

import { randomBytes } from 'node:crypto';
import { startChild, type Child } from './child.js';
import { cpuOf, type Contestant } from './contestants.js';
import type { ClosedLoad, Generator, Loaded } from './generator.js';
import type { Account } from './ledger.js';

/** What every bench is given. */
export interface BenchOptions {
  /** Of one measurement. */
  readonly seconds: number;
  readonly rounds: number;
  /** `smoke` only shows that a bench runs; `large` is what takes long or much space. */
  readonly size: 'smoke' | 'default' | 'large';
  /** Which parts of a bench, by what their table is called. */
  readonly only: (title: string) => boolean;
  /** Which servers, by name. */
  readonly servers: (name: string) => boolean;
}

/** One measurement of one contestant. */
export interface Round extends Loaded {
  readonly acceptedPerSecond: number;
  /** From the first request until the sink had the last message; NaN where there is no sink. */
  readonly deliveredPerSecond: number;
  /** Microseconds of processor time per message, until the sink had everything. */
  readonly appMicros: number;
  readonly databaseMicros: number;
  readonly faults: Faults;
}

export interface Faults {
  readonly refused: number;
  /** Not there after twenty seconds without any arrival. */
  readonly missing: number;
  readonly doubled: number;
  readonly disordered: number;
  readonly forged: number;
}

export const openGenerator = (): Child<Generator> => startChild<Generator>('generator');
export const newRun = (): string => randomBytes(4).toString('hex');
/** A sink that gets nothing for so long has everything that will come. */
export const QUIET_MS = 20_000;

export type ClosedOptions = Pick<ClosedLoad, 'connections' | 'senders' | 'seconds' | 'perSender'>;

/** Measures one contestant under a closed load; `expected` is its rate so far, by which requests are made ahead. */
export async function measureClosed(
  generator: Child<Generator>,
  contestant: Contestant,
  { expected, quietMs, ...load }: ClosedOptions & { readonly expected: number; readonly quietMs?: number },
): Promise<Round> {
  const prepared = load.perSender ? load.perSender * load.senders : Math.ceil(expected * (load.seconds ?? 1) * 1.3);
  return measure(contestant, { ...load, ...(quietMs && { quietMs }) }, (run) =>
    generator.call('closed', { ...load, to: contestant.to, run, prepared }),
  );
}

/** Makes every sender known to the store, and the code warm. */
export async function warmUp(generator: Child<Generator>, contestant: Contestant, senders: number): Promise<void> {
  const connections = Math.min(32, senders);
  await measureClosed(generator, contestant, { connections, senders, perSender: 4, expected: 0 });
}

/** Runs a load against a contestant, and keeps account until its sink has everything. */
export async function measure<L extends Loaded>(
  contestant: Contestant,
  load: { readonly connections: number; readonly senders: number; readonly timed?: number; readonly quietMs?: number },
  produce: (run: string) => Promise<L>,
): Promise<Round & L> {
  const run = newRun();
  const { sink } = contestant;
  const { senders, timed = 0, quietMs = QUIET_MS } = load;
  await sink?.call('expect', { run, senders, ordered: senders >= load.connections, timed });
  const before = cpuOf(contestant);
  const loaded = await produce(run);
  const account = await sink?.call('complete', { messages: loaded.accepted, quietMs });
  const after = cpuOf(contestant);
  return {
    ...loaded,
    acceptedPerSecond: loaded.accepted / loaded.seconds,
    deliveredPerSecond: account ? (account.messages * 1_000) / (account.lastAt - loaded.startedAt) : NaN,
    appMicros: (after.app - before.app) / loaded.accepted,
    databaseMicros: (after.database - before.database) / loaded.accepted,
    faults: faultsOf(loaded, account),
  };
}

export function faultsOf({ accepted, refused }: Pick<Loaded, 'accepted' | 'refused'>, account?: Account): Faults {
  return {
    refused: Object.values(refused).reduce((sum, count) => sum + count, 0),
    missing: account ? Math.max(0, accepted - account.messages) : 0,
    doubled: account?.doubled ?? 0,
    disordered: account?.disordered ?? 0,
    forged: account?.forged ?? 0,
  };
}

export const faultCount = (rounds: readonly { readonly faults: Faults }[]): number =>
  rounds.reduce((sum, { faults }) => sum + Object.values(faults).reduce((a, b) => a + b, 0), 0);

/** `none`, or what went wrong in all rounds together. */
export function faultText(rounds: readonly { readonly faults: Faults }[]): string {
  const names = ['refused', 'missing', 'doubled', 'disordered', 'forged'] as const;
  const told = names
    .map((name) => ({ name, count: rounds.reduce((sum, { faults }) => sum + faults[name], 0) }))
    .filter(({ count }) => count > 0);
  return told.map(({ name, count }) => `${count} ${name}`).join(', ') || 'none';
}

/**
 * Measures every contestant in every round, beginning with another one each time, so that a machine that becomes slower or faster favours nobody.
 * Result i of each name belongs to round i.
 */
export async function alternate<C extends { readonly name: string }, T>(
  contestants: readonly C[],
  rounds: number,
  one: (contestant: C, round: number) => Promise<T>,
): Promise<Map<string, T[]>> {
  const results = new Map<string, T[]>(contestants.map(({ name }) => [name, []]));
  for (let round = 0; round < rounds; round += 1) {
    for (let i = 0; i < contestants.length; i += 1) {
      const contestant = contestants[(i + round) % contestants.length]!;
      results.get(contestant.name)!.push(await one(contestant, round));
    }
  }
  return results;
}

/** Of each round, one result in relation to another. */
export function ratios<T>(
  results: ReadonlyMap<string, readonly T[]>,
  pair: readonly [string, string],
  pick: (one: T) => number,
): number[] {
  const [over, under] = pair.map((name) => results.get(name) ?? []);
  return over!.map((one, i) => pick(one) / pick(under![i]!));
}

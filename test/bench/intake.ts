import type { Child } from './parts/child.js';
import { openBaseline, openProduct, type Contestant } from './parts/contestants.js';
import type { Generator } from './parts/generator.js';
import { postgresMissing } from './parts/postgres.js';
import { counted, median, spread, type Goal, type Report, type Row, type Table } from './parts/report.js';
import {
  alternate,
  faultCount,
  faultText,
  measureClosed,
  openGenerator,
  ratios,
  warmUp,
  type BenchOptions,
  type Round,
} from './parts/rounds.js';

const ECHO = 'Fastify echo';
const INSERT = 'Fastify + INSERT';
const CTE = 'Fastify + CTE';
const FORWARD = 'Fastify + INSERT + POST';
const OURS = 'Tributary';
const RELAXED = 'Tributary, synchronous_commit=off';
const EMBEDDED_INSERT = 'Fastify + INSERT, embedded';
const EMBEDDED = 'Tributary, embedded';

interface Scenario {
  readonly connections: number;
  readonly senders: number;
  readonly names: readonly string[];
}

/** More senders than connections, so that what each writes is in order. */
const MANY = 512;
const EVERYBODY = [ECHO, INSERT, CTE, FORWARD, OURS, EMBEDDED_INSERT, EMBEDDED];
const SCENARIOS: readonly Scenario[] = [
  { connections: 1, senders: MANY, names: EVERYBODY },
  { connections: 32, senders: MANY, names: EVERYBODY },
  { connections: 128, senders: MANY, names: [...EVERYBODY, RELAXED] },
  { connections: 128, senders: 1, names: [CTE, OURS] },
];
const SMOKE: readonly Scenario[] = [
  { connections: 4, senders: 16, names: [INSERT, OURS, EMBEDDED] },
  { connections: 4, senders: 1, names: [CTE, OURS] },
];

type Pair = readonly [over: string, under: string, pick?: (round: Round) => number];
type Results = ReadonlyMap<string, readonly Round[]>;

/**
 * Messages accepted and committed per second through the `http` channel, with everything switched on: a signed webhook destination takes every event
 * meanwhile. Closed load: each connection writes its next message when the last one is answered. Of the baselines only `INSERT + POST` delivers as well: it posts
 * the same signed body from memory, in no order, and forgets what it did not post when it ends.
 */
export async function benchIntake(options: BenchOptions): Promise<Report> {
  const missing = postgresMissing();
  const generator = openGenerator();
  const scenarios = (options.size === 'smoke' ? SMOKE : SCENARIOS).filter((one) => options.only(titleOf(one)));
  const wanted = (name: string): boolean =>
    scenarios.some(({ names }) => names.includes(name)) && options.servers(name);
  const contestants = await openAll(missing === undefined, wanted);
  for (const contestant of contestants) await warmUp(generator, contestant, options.size === 'smoke' ? 32 : MANY);
  const tables: Table[] = [];
  const goals: Goal[] = [];
  for (const scenario of scenarios) {
    const taking = contestants.filter(({ name }) => scenario.names.includes(name));
    if (taking.length === 0) continue;
    const results = await play(generator, taking, { ...scenario, ...options });
    tables.push({ title: titleOf(scenario), rows: rowsOf(results) });
    goals.push(...goalsOf(scenario, results));
  }
  await Promise.all([...contestants, generator].map((one) => one.stop()));
  return { tables, goals, skipped: missing ? [`everything on Postgres: ${missing}`] : [] };
}

/** One after the other, each with a database server of its own. */
async function openAll(postgres: boolean, wanted: (name: string) => boolean): Promise<Contestant[]> {
  const all: readonly [name: string, open: (name: string) => Promise<Contestant>][] = [
    [ECHO, (name) => openBaseline(name, 'echo', 'embedded')],
    [EMBEDDED_INSERT, (name) => openBaseline(name, 'insert', 'embedded')],
    [EMBEDDED, (name) => openProduct({ name, database: 'embedded' })],
    [INSERT, (name) => openBaseline(name, 'insert', 'postgres')],
    [CTE, (name) => openBaseline(name, 'cte', 'postgres')],
    [FORWARD, (name) => openBaseline(name, 'forward', 'postgres')],
    [OURS, (name) => openProduct({ name, database: {} })],
    [RELAXED, (name) => openProduct({ name, database: { synchronous_commit: 'off' } })],
  ];
  const here = all.filter(([name]) => wanted(name) && (postgres || name === ECHO || name.includes('embedded')));
  const opened: Contestant[] = [];
  for (const [name, open] of here) opened.push(await open(name));
  return opened;
}

/** Once to warm up, which tells how many requests to make ahead, then the rounds. */
async function play(
  generator: Child<Generator>,
  contestants: readonly Contestant[],
  { seconds, rounds, connections, senders }: Scenario & BenchOptions,
): Promise<Results> {
  const expected = new Map<string, number>();
  for (const contestant of contestants) {
    const warm = await measureClosed(generator, contestant, {
      connections,
      senders,
      seconds,
      expected: 5_000,
    });
    expected.set(contestant.name, warm.acceptedPerSecond);
  }
  return alternate(contestants, rounds, (contestant) =>
    measureClosed(generator, contestant, { connections, senders, seconds, expected: expected.get(contestant.name)! }),
  );
}

const titleOf = ({ connections, senders }: Omit<Scenario, 'names'>): string =>
  `${counted(connections, 'connection')}, ${senders === 1 ? 'one hot conversation' : counted(senders, 'sender')}`;

function rowsOf(results: Results): Row[] {
  const insert = results.get(INSERT) ?? results.get(EMBEDDED_INSERT);
  const forward = results.get(FORWARD);
  return [...results].map(([name, rounds]) => {
    const of = (pick: (round: Round) => number): number => median(rounds.map(pick));
    return {
      server: name,
      'accepted/s': of((round) => round.acceptedPerSecond),
      'delivered/s': of((round) => round.deliveredPerSecond),
      'p50 ms': of((round) => round.p50),
      'p99 ms': of((round) => round.p99),
      'p99.9 ms': of((round) => round.p999),
      'CPU app us': of((round) => round.appMicros),
      'CPU db us': of((round) => round.databaseMicros),
      'CPU load us': of((round) => round.loadMicros),
      ...(insert && {
        'to INSERT': spread(rounds.map((one, i) => one.acceptedPerSecond / insert[i]!.acceptedPerSecond)),
      }),
      ...(forward && {
        'delivered, to INSERT + POST': spread(
          rounds.map((one, i) => one.deliveredPerSecond / forward[i]!.deliveredPerSecond),
        ),
      }),
      faults: faultText(rounds),
    };
  });
}

function goalsOf({ connections, senders }: Scenario, results: Results): Goal[] {
  const accepted = (round: Round): number => round.acceptedPerSecond;
  const goal = (what: string, wanted: number, [over, under, pick = accepted]: Pair): Goal[] =>
    results.has(over) && results.has(under)
      ? [{ what, wanted, better: 'more', measured: ratios(results, [over, under], pick) }]
      : [];
  const ours = [OURS, RELAXED, EMBEDDED].flatMap((name) => results.get(name) ?? []);
  const clean: Goal = {
    what: `refused, missing, doubled or out of order, ${titleOf({ connections, senders })}`,
    ...{ wanted: 0, better: 'less', measured: [faultCount(ours)] },
  };
  if (senders === 1) return [...goal('accepted, one hot conversation, to CTE', 4, [OURS, CTE]), clean];
  if (connections === 1) return [...goal('accepted, 1 connection, to INSERT', 0.5, [OURS, INSERT]), clean];
  if (connections !== 128) return [clean];
  return [
    ...goal('accepted, 128 connections, to INSERT', 1.3, [OURS, INSERT]),
    ...goal('accepted, 128 connections, to CTE', 2.5, [OURS, CTE]),
    ...goal('accepted, synchronous commit on to off', 0.85, [OURS, RELAXED]),
    ...goal('delivered, embedded to Postgres', 0.75, [EMBEDDED, OURS, (round) => round.deliveredPerSecond]),
    clean,
  ];
}

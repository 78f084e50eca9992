import type { Child } from './parts/child.js';
import { openBaseline, openProduct, type Contestant } from './parts/contestants.js';
import type { Generator, Offered } from './parts/generator.js';
import { postgresMissing } from './parts/postgres.js';
import { median, quantile, type Goal, type Report, type Row } from './parts/report.js';
import {
  alternate,
  faultCount,
  faultText,
  measure,
  openGenerator,
  warmUp,
  type BenchOptions,
  type Round,
} from './parts/rounds.js';

const OURS = 'Tributary';
const EMBEDDED = 'Tributary, embedded';
const FORWARD = 'Fastify + INSERT + POST';
const CONNECTIONS = 64;
const SENDERS = 512;

interface Latency extends Round, Offered {
  /** From when a message was due to be written until the sink had its event, milliseconds. */
  readonly arrivalP50: number;
  readonly arrivalP99: number;
  /** Of each message, in the order in which they were due. */
  readonly added: Float64Array;
}

/**
 * What the way through adds: messages are offered at a constant rate, evenly spaced and on one connection after another, and each is timed from when it was due, so
 * that a server that stalls does not slow the clock down. The baseline commits one INSERT and posts on from memory, in no order.
 */
export async function benchLatency(options: BenchOptions): Promise<Report> {
  const missing = postgresMissing();
  const generator = openGenerator();
  const contestants = await openAll(missing === undefined, options);
  const rates = (options.size === 'smoke' ? [100] : [300, 1_000, 2_000]).filter((rate) => options.only(titleOf(rate)));
  const tables = [];
  const goals: Goal[] = [];
  for (const contestant of contestants) await warmUp(generator, contestant, options.size === 'smoke' ? 64 : SENDERS);
  for (const rate of rates) {
    const results = await alternate(contestants, options.rounds, (contestant) =>
      offer(generator, contestant, { rate, seconds: options.seconds * 2 }),
    );
    tables.push({ title: titleOf(rate), rows: rowsOf(results) });
    goals.push(...goalsOf(rate, results));
  }
  await Promise.all([...contestants, generator].map((one) => one.stop()));
  return { tables, goals, skipped: missing ? [`everything on Postgres: ${missing}`] : [] };
}

async function openAll(postgres: boolean, { servers, size }: BenchOptions): Promise<Contestant[]> {
  const opened: Contestant[] = [];
  if (servers(EMBEDDED) && !(postgres && size === 'smoke'))
    opened.push(await openProduct({ name: EMBEDDED, database: 'embedded' }));
  if (postgres && servers(FORWARD)) opened.push(await openBaseline(FORWARD, 'forward', 'postgres'));
  if (postgres && servers(OURS)) opened.push(await openProduct({ name: OURS, database: {} }));
  return opened;
}

const titleOf = (rate: number): string => `${rate.toLocaleString('en')} messages/s offered`;

/** One measurement at a constant rate. */
export async function offer(
  generator: Child<Generator>,
  contestant: Contestant,
  {
    rate,
    seconds,
    connections = CONNECTIONS,
    senders = SENDERS,
  }: { rate: number; seconds: number; connections?: number; senders?: number },
): Promise<Latency> {
  const load = { connections, senders, rate, seconds };
  const round = await measure(contestant, { ...load, timed: Math.floor(rate * seconds) }, (run) =>
    generator.call('open', { ...load, to: contestant.to, run }),
  );
  const arrivals = await contestant.sink!.call('arrivals', undefined);
  const added = arrivals.map((at, i) => at - round.due[i]!).filter(Number.isFinite);
  return { ...round, added, arrivalP50: quantile(added, 0.5), arrivalP99: quantile(added, 0.99) };
}

function rowsOf(results: ReadonlyMap<string, readonly Latency[]>): Row[] {
  return [...results].map(([server, rounds]) => {
    const of = (pick: (round: Latency) => number): number => median(rounds.map(pick));
    return {
      server,
      'answer p50 ms': of((round) => round.p50),
      'answer p99 ms': of((round) => round.p99),
      'arrival p50 ms': of((round) => round.arrivalP50),
      'arrival p99 ms': of((round) => round.arrivalP99),
      'CPU app us': of((round) => round.appMicros),
      'CPU db us': of((round) => round.databaseMicros),
      'load late p99 ms': of((round) => round.latenessP99),
      faults: faultText(rounds),
    };
  });
}

const LIMITS = [
  { server: OURS, rate: 1_000, ms: 25 },
  { server: OURS, rate: 2_000, ms: 25 },
  { server: EMBEDDED, rate: 1_000, ms: 40 },
];

function goalsOf(rate: number, results: ReadonlyMap<string, readonly Latency[]>): Goal[] {
  const limits = LIMITS.filter((limit) => limit.rate === rate && results.has(limit.server));
  const ours = [OURS, EMBEDDED].flatMap((name) => results.get(name) ?? []);
  return [
    ...limits.map(({ server, ms }): Goal => {
      const measured = results.get(server)!.map(({ arrivalP99 }) => arrivalP99);
      return {
        what: `${server}: p99 from request to arrival, ${titleOf(rate)}`,
        wanted: ms,
        better: 'less',
        measured,
        unit: 'ms',
      };
    }),
    {
      what: `refused, missing, doubled or out of order, ${titleOf(rate)}`,
      wanted: 0,
      better: 'less',
      measured: [faultCount(ours)],
    },
  ];
}

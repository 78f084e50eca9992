import { startChild, type Child } from './parts/child.js';
import { openProduct, type Contestant } from './parts/contestants.js';
import type { Generator, Loaded } from './parts/generator.js';
import { postgresMissing } from './parts/postgres.js';
import { counted, median, spread, type Goal, type Report, type Row } from './parts/report.js';
import { alternate, faultCount, faultText, measure, type BenchOptions, type Round } from './parts/rounds.js';

const COUNTS = [1, 2, 4];

interface Size {
  readonly connections: number;
  readonly senders: number;
}

/**
 * Several gateways on one Postgres, with the same connections shared out evenly. Where there are no more cores than one gateway and its database use, more processes
 * cannot be faster: what counts then is what a message costs in comparison.
 */
export async function benchProcesses(options: BenchOptions): Promise<Report> {
  const missing = postgresMissing();
  if (missing) return { tables: [], goals: [], skipped: [missing] };
  const smoke = options.size === 'smoke';
  const size = smoke ? { connections: 4, senders: 16 } : { connections: 128, senders: 512 };
  const generator = startChild<Generator>('generator');
  const contestants: Contestant[] = [];
  for (const processes of smoke ? [1, 2] : COUNTS)
    contestants.push(
      await openProduct({ name: nameOf(processes), database: smoke ? {} : { max_connections: '200' }, processes }),
    );
  for (const contestant of contestants) await write(generator, contestant, { ...size, perSender: 4 });
  const results = await alternate(contestants, options.rounds, (contestant) =>
    write(generator, contestant, { ...size, seconds: options.seconds }),
  );
  await Promise.all([...contestants, generator].map((one) => one.stop()));
  return {
    tables: [{ title: counted(size.connections, 'connection'), rows: rowsOf(results) }],
    goals: goalsOf(results),
    skipped: [],
  };
}

const nameOf = (processes: number): string => (processes === 1 ? '1 process' : `${processes} processes`);

type Amount = { readonly seconds: number } | { readonly perSender: number };

/** One load on each process, all at once; each customer writes to one of them only. */
function write(
  generator: Child<Generator>,
  contestant: Contestant,
  { connections, senders, ...amount }: Size & Amount,
): Promise<Round> {
  const { gateways } = contestant;
  return measure(contestant, { connections, senders }, async (run) => {
    const lanes = gateways.map(({ messages }, i) => ({ to: messages, share: { index: i, of: gateways.length } }));
    const loads = await Promise.all(
      lanes.map((lane) =>
        generator.call('closed', {
          ...lane,
          run,
          connections: connections / gateways.length,
          senders,
          prepared: 4_000,
          ...amount,
        }),
      ),
    );
    return together(loads);
  });
}

/** Several loads as one; of the quantiles the worst. */
function together(loads: readonly Loaded[]): Loaded {
  const sum = (pick: (load: Loaded) => number): number => loads.reduce((total, load) => total + pick(load), 0);
  const most = (pick: (load: Loaded) => number): number => Math.max(...loads.map(pick));
  const startedAt = Math.min(...loads.map((load) => load.startedAt));
  return {
    accepted: sum(({ accepted }) => accepted),
    refused: added(loads.map(({ refused }) => refused)),
    startedAt,
    seconds: most((load) => load.startedAt + load.seconds * 1_000 - startedAt) / 1_000,
    loadMicros: sum(({ loadMicros, accepted }) => loadMicros * accepted) / sum(({ accepted }) => accepted),
    ...{ p50: most(({ p50 }) => p50), p99: most(({ p99 }) => p99), p999: most(({ p999 }) => p999) },
  };
}

function added(counts: readonly Loaded['refused'][]): Loaded['refused'] {
  const total: Record<number, number> = {};
  for (const [status, count] of counts.flatMap((one) => Object.entries(one))) {
    total[Number(status)] = (total[Number(status)] ?? 0) + count;
  }
  return total;
}

type Results = ReadonlyMap<string, readonly Round[]>;

const cost = (round: Round): number => round.appMicros + round.databaseMicros;

function rowsOf(results: Results): Row[] {
  const single = results.get(nameOf(1))!;
  return [...results].map(([name, rounds]) => {
    const of = (pick: (round: Round) => number): number => median(rounds.map(pick));
    return {
      gateways: name,
      'accepted/s': of((round) => round.acceptedPerSecond),
      'delivered/s': of((round) => round.deliveredPerSecond),
      'p99 ms': of((round) => round.p99),
      'CPU app us': of((round) => round.appMicros),
      'CPU db us': of((round) => round.databaseMicros),
      'cost to one process': spread(rounds.map((round, i) => cost(round) / cost(single[i]!))),
      'delivered to one process': spread(
        rounds.map((round, i) => round.deliveredPerSecond / single[i]!.deliveredPerSecond),
      ),
      faults: faultText(rounds),
    };
  });
}

const goalsOf = (results: Results): Goal[] => [
  {
    what: 'refused, missing, doubled or out of order',
    ...{ wanted: 0, better: 'less', measured: [faultCount([...results.values()].flat())] },
  },
];

import type { Child } from './parts/child.js';
import { openBaseline, openProduct, type Contestant } from './parts/contestants.js';
import type { Generator } from './parts/generator.js';
import type { ReplyTarget } from './parts/replies.js';
import { postgresMissing } from './parts/postgres.js';
import { median, spread, type Goal, type Report, type Row, type Table } from './parts/report.js';
import {
  alternate,
  faultCount,
  faultText,
  measure,
  measureClosed,
  openGenerator,
  ratios,
  warmUp,
  type BenchOptions,
  type Round,
} from './parts/rounds.js';
import type { Manner } from './parts/sink.js';

const OURS = 'Tributary';
const EMBEDDED = 'Tributary, embedded';
const FORWARD = 'Fastify + INSERT + POST';
const LIMIT_PER_SECOND = 200;

interface Scenario {
  readonly title: string;
  readonly provider: Manner;
  /** So many answers to each customer, in place of a length of time. */
  readonly perSender?: number;
  readonly names: readonly string[];
}

/**
 * An agent's answers: accepted by the API, committed, and sent to a provider of the `http` channel, signed, in order within a conversation; while the stream tells a
 * destination of each (queued, sent). The limited provider answers 429 with `Retry-After` beyond its rate. The baseline commits one INSERT and posts
 * from memory, in no order, and tells nobody.
 */
export async function benchOutbound(options: BenchOptions): Promise<Report> {
  const missing = postgresMissing();
  const smoke = options.size === 'smoke';
  const load = { connections: smoke ? 4 : 32, senders: smoke ? 20 : 256 };
  const generator = openGenerator();
  const contestants = await openAll(missing === undefined, options);
  const agents = new Map<string, ReplyTarget>();
  for (const contestant of contestants) {
    await warmUp(generator, contestant, load.senders);
    const [gateway] = contestant.gateways;
    if (!gateway) continue;
    const conversations = await contestant.sink!.call('conversations', undefined);
    agents.set(contestant.name, { port: gateway.port, key: gateway.key, conversations });
  }
  const tables: Table[] = [];
  const goals: Goal[] = [];
  for (const scenario of scenarios(smoke).filter(({ title }) => options.only(title))) {
    const taking = contestants.filter(({ name }) => scenario.names.includes(name));
    const plan = { ...scenario, ...load, seconds: options.seconds };
    for (const contestant of taking)
      await reply(generator, contestant, { ...plan, perSender: 1, agent: agents.get(contestant.name) });
    const results = await alternate(taking, options.rounds, (contestant) =>
      reply(generator, contestant, { ...plan, agent: agents.get(contestant.name) }),
    );
    tables.push({ title: scenario.title, rows: rowsOf(results) });
    goals.push(faultless(scenario.title, results));
  }
  await Promise.all([...contestants, generator].map((one) => one.stop()));
  return { tables, goals, skipped: missing ? [`everything on Postgres: ${missing}`] : [] };
}

function scenarios(smoke: boolean): Scenario[] {
  return [
    { title: 'a provider that takes everything', provider: { kind: 'open' }, names: [FORWARD, OURS, EMBEDDED] },
    {
      title: `a provider that takes ${LIMIT_PER_SECOND} a second`,
      ...{
        provider: { kind: 'limited', perSecond: LIMIT_PER_SECOND },
        perSender: smoke ? 15 : 4,
        names: [OURS, EMBEDDED],
      },
    },
  ];
}

async function openAll(postgres: boolean, { servers, size }: BenchOptions): Promise<Contestant[]> {
  const opened: Contestant[] = [];
  if (servers(EMBEDDED) && !(postgres && size === 'smoke'))
    opened.push(await openProduct({ name: EMBEDDED, database: 'embedded' }));
  if (postgres && servers(FORWARD)) opened.push(await openBaseline(FORWARD, 'forward', 'postgres'));
  if (postgres && servers(OURS)) opened.push(await openProduct({ name: OURS, database: {} }));
  return opened;
}

interface Plan extends Scenario {
  readonly connections: number;
  readonly senders: number;
  readonly seconds: number;
  readonly agent: ReplyTarget | undefined;
}

async function reply(generator: Child<Generator>, contestant: Contestant, plan: Plan): Promise<Round> {
  const { agent, provider, connections, senders, perSender, seconds } = plan;
  const amount = perSender ? { perSender } : { seconds };
  const load = { connections, senders, ...amount };
  if (!agent) return measureClosed(generator, contestant, { ...load, expected: 3_000 });
  await contestant.sink!.call('behave', provider);
  const round = await measure(contestant, load, (run) =>
    generator.call('closed', { ...load, to: agent, run, prepared: 1_000 }),
  );
  await contestant.sink!.call('behave', { kind: 'open' });
  return round;
}

function rowsOf(results: ReadonlyMap<string, readonly Round[]>): Row[] {
  return [...results].map(([server, rounds]) => {
    const of = (pick: (round: Round) => number): number => median(rounds.map(pick));
    return {
      server,
      'accepted/s': of((round) => round.acceptedPerSecond),
      'sent/s': of((round) => round.deliveredPerSecond),
      'p50 ms': of((round) => round.p50),
      'p99 ms': of((round) => round.p99),
      'CPU app us': of((round) => round.appMicros),
      'CPU db us': of((round) => round.databaseMicros),
      ...(results.has(FORWARD) && {
        'sent, to the baseline': spread(ratios(results, [server, FORWARD], (round) => round.deliveredPerSecond)),
      }),
      faults: faultText(rounds),
    };
  });
}

const faultless = (title: string, results: ReadonlyMap<string, readonly Round[]>): Goal => ({
  what: `refused, missing, doubled or out of order, ${title}`,
  ...{ wanted: 0, better: 'less', measured: [faultCount([OURS, EMBEDDED].flatMap((name) => results.get(name) ?? []))] },
});

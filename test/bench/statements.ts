import type { Child } from './parts/child.js';
import { openProduct, type Contestant } from './parts/contestants.js';
import type { Generator } from './parts/generator.js';
import { pauseDeliveries, resumeDeliveries } from './parts/gateway.js';
import { postgresMissing, type Postgres } from './parts/postgres.js';
import { counted, median, type Goal, type Report, type Row } from './parts/report.js';
import {
  faultsOf,
  faultText,
  newRun,
  openGenerator,
  QUIET_MS,
  warmUp,
  type BenchOptions,
  type Faults,
} from './parts/rounds.js';

interface Statement {
  readonly query: string;
  readonly calls: number;
  readonly milliseconds: number;
}

/** What the server was sent while messages were taken in, and then while they were delivered. */
interface Phases {
  readonly messages: number;
  readonly taking: readonly Statement[];
  readonly delivering: readonly Statement[];
  readonly faults: Faults;
}

interface Load {
  readonly connections: number;
  readonly senders: number;
  readonly seconds: number;
}

const IDLE_S = 3;

/**
 * Statements per message, as `pg_stat_statements` counts them: every statement that the server was sent, those of transactions and of the background among
 * them. The driver waits for each before it sends the next, so this is the number of round trips too. The destination is paused while messages are taken in,
 * and resumed afterwards, which tells the two halves apart.
 */
export async function benchStatements(options: BenchOptions): Promise<Report> {
  const missing = postgresMissing();
  if (missing) return { tables: [], goals: [], skipped: [missing] };
  const smoke = options.size === 'smoke';
  const senders = smoke ? 32 : 512;
  const generator = openGenerator();
  const product = await openProduct({
    name: 'Tributary',
    database: { shared_preload_libraries: 'pg_stat_statements' },
  });
  await product.postgres!.query('create extension pg_stat_statements');
  await warmUp(generator, product, senders);
  const tables = [await idleTable(product.postgres!, smoke ? 0.2 : IDLE_S)];
  const goals: Goal[] = [];
  for (const connections of smoke ? [4] : [1, 32, 128]) {
    const phases: Phases[] = [];
    for (let round = 0; round < options.rounds; round += 1)
      phases.push(await play(generator, product, { connections, senders, seconds: options.seconds }));
    tables.push({ title: counted(connections, 'connection'), rows: rowsOf(phases) });
    tables.push({
      title: `the most frequent statements at ${counted(connections, 'connection')}`,
      rows: mostFrequent(phases.at(-1)!),
    });
    if (connections > 1) goals.push(...goalsOf(connections, phases));
  }
  await Promise.all([generator.stop(), product.stop()]);
  return { tables, goals, skipped: [] };
}

async function idleTable(postgres: Postgres, seconds: number): Promise<{ title: string; rows: Row[] }> {
  const statements = await statementsOf(postgres, () => new Promise((done) => setTimeout(done, seconds * 1_000)));
  return { title: 'nothing to do', rows: [{ 'statements/s': callsOf(statements) / seconds }] };
}

async function play(generator: Child<Generator>, product: Contestant, load: Load): Promise<Phases> {
  const run = newRun();
  const [gateway, sink, postgres] = [product.gateways[0]!, product.sink!, product.postgres!];
  await pauseDeliveries(gateway);
  await sink.call('expect', { run, senders: load.senders, ordered: load.senders >= load.connections });
  let messages = 0;
  const taking = await statementsOf(postgres, async () => {
    const loaded = await generator.call('closed', { ...load, run, to: product.to, prepared: 2_000 });
    messages = loaded.accepted;
  });
  const delivering = await statementsOf(postgres, async () => {
    await resumeDeliveries(gateway);
    await sink.call('complete', { messages, quietMs: QUIET_MS });
  });
  const faults = faultsOf({ accepted: messages, refused: {} }, await sink.call('account', undefined));
  return { messages, taking, delivering, faults };
}

/** The statements of some work, without our own. */
async function statementsOf(postgres: Postgres, work: () => Promise<unknown>): Promise<Statement[]> {
  await postgres.query('select pg_stat_statements_reset()');
  await work();
  return postgres.query<Statement & Record<string, unknown>>(
    `select regexp_replace(query, '\\s+', ' ', 'g') as query, sum(calls)::float8 as calls, sum(total_exec_time)::float8 as milliseconds
     from pg_stat_statements where query not like '%pg_stat_statements%' group by 1 order by 2 desc`,
  );
}

const callsOf = (statements: readonly Statement[]): number => statements.reduce((sum, { calls }) => sum + calls, 0);
const perMessage = ({ messages, taking, delivering }: Phases): { in: number; out: number } => ({
  in: callsOf(taking) / messages,
  out: callsOf(delivering) / messages,
});

function rowsOf(phases: readonly Phases[]): Row[] {
  const micros = (statements: readonly Statement[], messages: number): number =>
    (statements.reduce((sum, { milliseconds }) => sum + milliseconds, 0) / messages) * 1_000;
  const row = (half: string, calls: number[], time: number[]): Row => ({
    half,
    'statements per message': median(calls).toFixed(3),
    'time in them us': median(time),
    faults: faultText(phases),
  });
  return [
    row(
      'taken in',
      phases.map((one) => perMessage(one).in),
      phases.map((one) => micros(one.taking, one.messages)),
    ),
    row(
      'delivered',
      phases.map((one) => perMessage(one).out),
      phases.map((one) => micros(one.delivering, one.messages)),
    ),
  ];
}

function mostFrequent({ messages, taking, delivering }: Phases): Row[] {
  const rows = (half: string, statements: readonly Statement[]): Row[] =>
    statements.slice(0, 6).map(({ query, calls, milliseconds }) => ({
      half,
      statement: query.length > 70 ? `${query.slice(0, 69)}…` : query,
      'per message': (calls / messages).toFixed(4),
      'mean ms': milliseconds / calls,
    }));
  return [...rows('taken in', taking), ...rows('delivered', delivering)];
}

function goalsOf(connections: number, phases: readonly Phases[]): Goal[] {
  const measured = phases.map(perMessage);
  return [
    {
      what: `statements per message in, ${connections} connections`,
      wanted: 2,
      better: 'less',
      measured: measured.map((one) => one.in),
    },
    {
      what: `statements per delivery, ${connections} connections`,
      wanted: 2,
      better: 'less',
      measured: measured.map((one) => one.out),
    },
  ];
}

import { execFileSync } from 'node:child_process';
import { startChild, type Child } from './parts/child.js';
import { openSink } from './parts/contestants.js';
import { residentMiB } from './parts/cpu.js';
import { destination, openGateway, temporaryFolder, type Gateway, type GatewayOptions } from './parts/gateway.js';
import type { Generator } from './parts/generator.js';
import { now } from './parts/messages.js';
import { openPostgres, postgresMissing } from './parts/postgres.js';
import { startServer } from './parts/process.js';
import { median, quantile, type Goal, type Report, type Row, type Table } from './parts/report.js';
import { newRun, openGenerator, type BenchOptions } from './parts/rounds.js';
import type { Sink } from './parts/sink.js';
import type { Visitors } from './parts/visitors.js';

const BARE = 'bare ws';
const OURS = 'Tributary';
/** Time for the garbage of the handshakes to go, as far as it goes by itself. */
const SETTLE_MS = 3_000;
const WITHIN_S = 60;

/** Visitors who only listen. */
interface Idle {
  readonly open: number;
  readonly comeSeconds: number;
  /** More than the process had before anybody came. */
  readonly mib: number;
}

interface Chat extends Idle {
  readonly fanoutP50: number;
  readonly fanoutP99: number;
  readonly backOpen: number;
  readonly backP50: number;
  readonly backLast: number;
  readonly downSeconds: number;
}

/**
 * Web chat connections held open by one gateway, in pairs with a bare `ws` server: what an idle one costs in resident memory, how long an agent's answer takes to the
 * visitor's socket while all of them are held, and how soon everybody is back after the gateway was stopped and started again.
 */
export async function benchChat(options: BenchOptions): Promise<Report> {
  const skipped: string[] = [];
  const tables: Table[] = [];
  const goals: Goal[] = [];
  const limit = Number(execFileSync('sh', ['-c', 'ulimit -Hn'], { encoding: 'utf8' })) || Infinity;
  for (const count of options.size === 'smoke' ? [50] : [2_000, 10_000]) {
    if (!options.only(titleOf(count))) continue;
    if (limit < count + 1_000) {
      skipped.push(`${titleOf(count)}: ulimit -n is ${limit}`);
      continue;
    }
    // Memory hardly differs from round to round, and ten thousand take long to come.
    const rounds = count > 2_000 && options.size !== 'large' ? 1 : options.rounds;
    const bare: Idle[] = [];
    const ours: Chat[] = [];
    for (let round = 0; round < rounds; round += 1) {
      bare.push(await holdBare(count));
      ours.push(await holdOurs(count, options));
    }
    tables.push({ title: titleOf(count), rows: rowsOf(count, bare, ours) });
    goals.push(...goalsOf(count, ours));
  }
  return { tables, goals, skipped };
}

const titleOf = (count: number): string => `${count.toLocaleString('en')} connections`;

async function holdBare(count: number): Promise<Idle> {
  const server = await startServer('test/bench/baselines/sockets.js', {});
  const visitors = startChild<Visitors>('visitors');
  const idle = await come(visitors, { ...server, account: 'chat', count });
  await visitors.stop();
  await server.stop();
  return idle;
}

interface Place {
  readonly port: number;
  readonly pid: number;
  readonly account: string;
  readonly count: number;
}

async function come(visitors: Child<Visitors>, { pid, port, account, count }: Place): Promise<Idle> {
  const before = residentMiB(pid);
  const { open, seconds } = await visitors.call('come', { port, account, count });
  await new Promise((resolve) => setTimeout(resolve, Math.min(SETTLE_MS, count * 3)));
  return { open, comeSeconds: seconds, mib: residentMiB(pid) - before };
}

async function holdOurs(count: number, options: BenchOptions): Promise<Chat> {
  const { sink, port } = await openSink();
  const postgres = postgresMissing() ? undefined : await openPostgres();
  const limits = { visitorConnectionsPerAddress: 100_000, visitorMessagesPerMinute: 100_000 };
  const account = { id: 'chat', type: 'webchat', config: { origins: ['*'] } };
  const start: GatewayOptions = {
    ...{ databaseUrl: postgres?.url, providerPort: port, destinations: [destination(port)] },
    ...{ accounts: [account], limits, folder: await temporaryFolder() },
  };
  const gateway = await openGateway(start);
  const visitors = startChild<Visitors>('visitors');
  const idle = await come(visitors, { ...gateway, account: 'chat', count });
  const generator = openGenerator();
  const latency = await fanout({ gateway, sink, visitors, generator }, { count, seconds: options.seconds });
  const { again, ...back } = await storm(gateway, visitors, start);
  for (const one of [visitors, generator, again, sink]) await one.stop();
  await postgres?.stop();
  return { ...idle, ...latency, ...back };
}

interface Parts {
  readonly gateway: Gateway;
  readonly sink: Child<Sink>;
  readonly visitors: Child<Visitors>;
  readonly generator: Child<Generator>;
}

const WRITERS = 100;
const ANSWERS_PER_SECOND = 50;

/** Some of the visitors write, and are answered at a constant rate while the others are held. */
async function fanout(
  { gateway, sink, visitors, generator }: Parts,
  { count, seconds }: { count: number; seconds: number },
): Promise<{ fanoutP50: number; fanoutP99: number }> {
  const run = newRun();
  const senders = Math.min(WRITERS, count);
  await sink.call('expect', { run, senders, ordered: true });
  await visitors.call('write', { run, count: senders });
  await sink.call('complete', { messages: senders, quietMs: 10_000 });
  const conversations = await sink.call('conversations', undefined);
  await visitors.call('listen', senders);
  const to = { port: gateway.port, key: gateway.key, conversations };
  const { due } = await generator.call('open', {
    to,
    run: newRun(),
    connections: 8,
    senders,
    rate: ANSWERS_PER_SECOND,
    seconds: seconds * 2,
  });
  await new Promise((resolve) => setTimeout(resolve, 1_000));
  const arrivals = await visitors.call('listen', senders);
  const times = due.map((at, i) => (arrivals[i] ?? NaN) - at);
  const missing = times.filter(Number.isNaN).length;
  if (missing > 0) throw new Error(`${missing} of ${times.length} answers reached no visitor`);
  return { fanoutP50: quantile(times, 0.5), fanoutP99: quantile(times, 0.99) };
}

/** Stops the gateway as an operator does, and starts it on the same port. Everybody comes back by the widget's own rule. */
async function storm(gateway: Gateway, visitors: Child<Visitors>, start: GatewayOptions): Promise<Storm> {
  const stopped = now();
  await gateway.stop();
  const again = await openGateway({ ...start, port: gateway.port });
  const downSeconds = (now() - stopped) / 1_000;
  const { open, p50, last } = await visitors.call('back', { since: stopped, withinMs: WITHIN_S * 1_000 });
  return { again, downSeconds, backOpen: open, backP50: p50, backLast: last };
}

type Storm = Pick<Chat, 'backOpen' | 'backP50' | 'backLast' | 'downSeconds'> & { readonly again: Gateway };

function rowsOf(count: number, bare: readonly Idle[], ours: readonly Chat[]): Row[] {
  const idle = (server: string, all: readonly Idle[]): Row => ({
    server,
    held: Math.min(...all.map(({ open }) => open)),
    'all in after s': median(all.map(({ comeSeconds }) => comeSeconds)),
    'MiB more': median(all.map(({ mib }) => mib)),
    'KiB each': median(all.map(({ mib }) => (mib * 1_024) / count)),
  });
  const of = (pick: (one: Chat) => number): number => median(ours.map(pick));
  return [
    idle(BARE, bare),
    {
      ...idle(OURS, ours),
      'answer p50 ms': of((one) => one.fanoutP50),
      'answer p99 ms': of((one) => one.fanoutP99),
      'restart took s': of((one) => one.downSeconds),
      'half back after s': of((one) => one.backP50),
      'all back after s': of((one) => one.backLast),
      back: Math.min(...ours.map(({ backOpen }) => backOpen)),
    },
  ];
}

function goalsOf(count: number, ours: readonly Chat[]): Goal[] {
  const title = titleOf(count);
  const goal = (what: string, wanted: number, pick: (one: Chat) => number): Goal => ({
    what: `${what}, ${title}`,
    ...{ wanted, better: 'less', measured: ours.map(pick) },
  });
  return [
    ...(count === 10_000 ? [{ ...goal('memory above the idle process', 300, ({ mib }) => mib), unit: 'MiB' }] : []),
    { ...goal('everybody back after a restart', WITHIN_S, ({ backLast }) => backLast), unit: 's' },
    goal('visitors not held or not back', 0, ({ open, backOpen }) => 2 * count - open - backOpen),
  ];
}

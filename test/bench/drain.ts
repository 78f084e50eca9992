import type { Backlog, QueueCalls, QueueOptions } from './baselines/queue.js';
import { startChild, type Child } from './parts/child.js';
import { cpuOf, openProduct, openSink, type Contestant } from './parts/contestants.js';
import { pauseDeliveries, resumeDeliveries, SECRET } from './parts/gateway.js';
import type { Generator } from './parts/generator.js';
import { now } from './parts/messages.js';
import { openPostgres, postgresMissing } from './parts/postgres.js';
import { openRedis, redisMissing } from './parts/redis.js';
import { median, type Goal, type Report, type Row } from './parts/report.js';
import {
  alternate,
  faultCount,
  faultsOf,
  faultText,
  newRun,
  openGenerator,
  QUIET_MS,
  ratios,
  warmUp,
  type BenchOptions,
  type Faults,
} from './parts/rounds.js';
import type { Sink } from './parts/sink.js';

const OURS = 'Tributary';
const EMBEDDED = 'Tributary, embedded';
const BULL = 'BullMQ (in no order)';
const GRAPHILE = 'graphile-worker (a queue per conversation)';

/** Something with a backlog. */
interface Drainer extends Pick<Contestant, 'name' | 'appPids' | 'postgres' | 'databasePid' | 'stop'> {
  readonly sink: Child<Sink>;
  /** Takes the backlog in and delivers none of it. */
  fill(backlog: Omit<Backlog, 'body' | 'id'>): Promise<void>;
  go(): Promise<void>;
  rest(): Promise<void>;
}

interface Drained {
  readonly perSecond: number;
  readonly firstMs: number;
  readonly appMicros: number;
  readonly databaseMicros: number;
  readonly faults: Faults;
}

/**
 * How fast a backlog goes out once the destination takes it: the same signed posts to the same kind of sink, everywhere with 32 at a time or what is the
 * product's own default. Ours and graphile-worker's are in order within a conversation; BullMQ promises none, and its faults show it.
 */
export async function benchDrain(options: BenchOptions): Promise<Report> {
  const skipped: string[] = [];
  const generator = openGenerator();
  const size =
    options.size === 'smoke'
      ? { senders: 20, perSender: 3 }
      : { senders: 500, perSender: options.size === 'large' ? 60 : 12 };
  const drainers = await openAll(generator, { ...options, senders: size.senders, skipped });
  const results = await alternate(drainers, options.rounds, (drainer) => drain(drainer, size));
  await Promise.all([...drainers, generator].map((one) => one.stop()));
  const total = (size.senders * size.perSender).toLocaleString('en');
  const title = `${total} messages in ${size.senders} conversations, from the moment the destination is resumed`;
  return { tables: [{ title, rows: rowsOf(results) }], goals: goalsOf(results), skipped };
}

interface Opening extends BenchOptions {
  readonly senders: number;
  readonly skipped: string[];
}

async function openAll(generator: Child<Generator>, { servers, senders, size, skipped }: Opening): Promise<Drainer[]> {
  const missing = { postgres: postgresMissing(), redis: redisMissing() };
  if (missing.postgres) skipped.push(`everything on Postgres: ${missing.postgres}`);
  const products: Contestant[] = [];
  if (missing.postgres || (servers(EMBEDDED) && size !== 'smoke'))
    products.push(await openProduct({ name: EMBEDDED, database: 'embedded' }));
  if (!missing.postgres) products.push(await openProduct({ name: OURS, database: {} }));
  for (const product of products) await warmUp(generator, product, senders);
  const sample = await products[0]!.sink!.call('sample', undefined);
  const drainers = products.map((product) => ofProduct(generator, product));
  if (missing.redis) skipped.push(`BullMQ: ${missing.redis}`);
  else if (servers(BULL)) drainers.push(await openBull(sample));
  if (!missing.postgres && servers(GRAPHILE)) drainers.push(await openGraphile(sample));
  return drainers;
}

function ofProduct(generator: Child<Generator>, product: Contestant): Drainer {
  const [gateway] = product.gateways;
  return {
    ...product,
    sink: product.sink!,
    async fill(backlog) {
      await pauseDeliveries(gateway!);
      const prepared = backlog.senders * backlog.perSender;
      const connections = Math.min(64, backlog.senders);
      await generator.call('closed', { ...backlog, to: product.to, connections, prepared });
    },
    go: () => resumeDeliveries(gateway!),
    rest: async () => undefined,
  };
}

async function openBull(sample: string): Promise<Drainer> {
  const redis = await openRedis();
  const url = `redis://127.0.0.1:${redis.port}`;
  const queue = await openQueue({ name: BULL, kind: 'bullmq', url, sample });
  return { ...queue, databasePid: redis.pid, stop: () => queue.stop().then(() => redis.stop()) };
}

async function openGraphile(sample: string): Promise<Drainer> {
  const postgres = await openPostgres();
  const queue = await openQueue({ name: GRAPHILE, kind: 'graphile-worker', url: postgres.url, sample });
  return { ...queue, postgres, stop: () => queue.stop().then(() => postgres.stop()) };
}

interface QueuePlan extends Pick<QueueOptions, 'kind' | 'url'> {
  readonly name: string;
  /** An event of ours, so that every job is as long as one. */
  readonly sample: string;
}

async function openQueue({ name, kind, url, sample }: QueuePlan): Promise<Drainer> {
  const { sink, port } = await openSink();
  const worker = startChild<QueueCalls>('../baselines/queue');
  await worker.call('open', { kind, url, sink: `http://127.0.0.1:${port}/events`, secret: SECRET });
  const event = JSON.parse(sample) as { data: { message: { externalIds: string[] } } };
  const body = JSON.stringify({ ...event, sequence: null });
  return {
    name,
    sink,
    appPids: [worker.pid],
    fill: (backlog) => worker.call('fill', { ...backlog, body, id: event.data.message.externalIds[0]! }),
    go: () => worker.call('go', undefined),
    rest: () => worker.call('rest', undefined),
    stop: () => worker.stop().then(() => sink.stop()),
  };
}

async function drain(
  drainer: Drainer,
  size: { readonly senders: number; readonly perSender: number },
): Promise<Drained> {
  const run = newRun();
  const { sink } = drainer;
  const messages = size.senders * size.perSender;
  await sink.call('expect', { run, senders: size.senders, ordered: true });
  await drainer.fill({ run, ...size });
  const early = (await sink.call('account', undefined)).messages;
  const before = cpuOf(drainer);
  const from = now();
  await drainer.go();
  const account = await sink.call('complete', { messages, quietMs: QUIET_MS });
  const after = cpuOf(drainer);
  await drainer.rest();
  const drained = account.messages - early;
  return {
    perSecond: (drained * 1_000) / (account.lastAt - from),
    firstMs: early > 0 ? NaN : account.firstAt - from,
    appMicros: (after.app - before.app) / drained,
    databaseMicros: (after.database - before.database) / drained,
    faults: faultsOf({ accepted: messages, refused: {} }, account),
  };
}

type Results = ReadonlyMap<string, readonly Drained[]>;

function rowsOf(results: Results): Row[] {
  return [...results].map(([server, rounds]) => {
    const of = (pick: (one: Drained) => number): number => median(rounds.map(pick));
    return {
      server,
      'drained/s': of((one) => one.perSecond),
      'first after ms': of((one) => one.firstMs),
      'CPU app us': of((one) => one.appMicros),
      'CPU db us': of((one) => one.databaseMicros),
      faults: faultText(rounds),
    };
  });
}

function goalsOf(results: Results): Goal[] {
  const goal = (under: string, wanted: number): Goal[] =>
    results.has(OURS) && results.has(under)
      ? [
          {
            what: `drained, to ${under}`,
            wanted,
            better: 'more',
            measured: ratios(results, [OURS, under], (one) => one.perSecond),
          },
        ]
      : [];
  const ours = [OURS, EMBEDDED].flatMap((name) => results.get(name) ?? []);
  return [
    ...goal(BULL, 1.2),
    ...goal(GRAPHILE, 10),
    { what: 'missing, doubled or out of order', wanted: 0, better: 'less', measured: [faultCount(ours)] },
  ];
}

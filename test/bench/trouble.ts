import type { Child } from './parts/child.js';
import { openSink, type Contestant } from './parts/contestants.js';
import { account, destination, openGateway } from './parts/gateway.js';
import type { Generator } from './parts/generator.js';
import { openPostgres, postgresMissing, withClient } from './parts/postgres.js';
import { median, quantile, type Goal, type Report, type Row, type Table } from './parts/report.js';
import {
  alternate,
  faultCount,
  faultsOf,
  faultText,
  measureClosed,
  newRun,
  openGenerator,
  ratios,
  warmUp,
  type BenchOptions,
  type Round,
} from './parts/rounds.js';
import type { Sink } from './parts/sink.js';
import { offer } from './latency.js';

const CALM = 'undisturbed';
const TROUBLED = 'beside the stuck ones';
/** A destination that failed is tried again within half a minute: what is not there after twice that is missing. */
const PATIENCE_MS = 60_000;
const STUCK_CUSTOMERS = '+86139';

interface Size {
  readonly conversations: number;
  readonly perConversation: number;
  readonly senders: number;
  readonly connections: number;
  /** How long the snapshot is held, seconds, and the rate meanwhile. */
  readonly holdS: number;
  readonly rate: number;
}

const SIZES: Record<BenchOptions['size'], Size> = {
  smoke: { conversations: 20, perConversation: 3, senders: 16, connections: 4, holdS: 1, rate: 50 },
  default: { conversations: 1_000, perConversation: 20, senders: 512, connections: 32, holdS: 30, rate: 1_000 },
  large: { conversations: 1_000, perConversation: 100, senders: 512, connections: 32, holdS: 30, rate: 1_000 },
};

/** A gateway with a destination of its own for each of two accounts. */
interface Stage extends Contestant {
  readonly sink: Child<Sink>;
  readonly stuckSink: Child<Sink>;
}

/**
 * What stands still delays only itself. Messages pile up, first for a destination that is down and then for conversations that a destination refuses, while
 * others flow through the same gateway; a second gateway without any backlog is measured in turn. Then a snapshot is held open, as a backup does,
 * and at last the destination comes back.
 */
export async function benchTrouble(options: BenchOptions): Promise<Report> {
  const missing = postgresMissing();
  if (missing) return { tables: [], goals: [], skipped: [missing] };
  const size = SIZES[options.size];
  const generator = openGenerator();
  const [calm, troubled] = [await openStage(CALM), await openStage(TROUBLED)];
  for (const stage of [calm, troubled]) await warmUp(generator, stage, size.senders);
  const parts = [
    ...(options.only('down') ? await besideOneThatIsDown(generator, [calm, troubled], { ...size, ...options }) : []),
    ...(options.only('refused') && options.size !== 'smoke'
      ? [await refused(generator, [calm, troubled], { ...size, ...options })]
      : []),
  ];
  await Promise.all([calm, troubled, generator].map((one) => one.stop()));
  return { tables: parts.map(({ table }) => table), goals: parts.flatMap(({ goals }) => goals), skipped: [] };
}

type Stages = readonly [calm: Stage, troubled: Stage];

async function besideOneThatIsDown(
  generator: Child<Generator>,
  stages: Stages,
  plan: Size & BenchOptions,
): Promise<Part[]> {
  const troubled = stages[1];
  await pileUp(generator, troubled, { ...plan, path: '/channels/troubled' });
  return [
    await flow(generator, stages, { ...plan, title: `${stuckText(plan)} for another destination` }),
    await snapshot(generator, troubled, plan),
    await recovery(troubled, plan),
  ];
}

interface Part {
  readonly table: Table;
  readonly goals: readonly Goal[];
}

const stuckText = ({ conversations, perConversation }: Size): string =>
  `${(conversations * perConversation).toLocaleString('en')} messages stuck in ${conversations} conversations`;

async function openStage(name: string): Promise<Stage> {
  const [own, stuck] = [await openSink(), await openSink()];
  const postgres = await openPostgres();
  const gateway = await openGateway({
    databaseUrl: postgres.url,
    providerPort: own.port,
    accounts: [account(own.port, 'troubled')],
    destinations: [
      destination(own.port, { filter: { accounts: ['bench'] } }),
      destination(stuck.port, { id: 'stuck', filter: { accounts: ['troubled'] } }),
    ],
  });
  const stop = async (): Promise<void> => {
    for (const one of [gateway, postgres, own.sink, stuck.sink]) await one.stop();
  };
  const servers = { appPids: [gateway.pid], gateways: [gateway], postgres };
  return { name, to: gateway.messages, sink: own.sink, stuckSink: stuck.sink, ...servers, stop };
}

/** Takes messages in for a destination that answers 503. */
async function pileUp(
  generator: Child<Generator>,
  stage: Stage,
  { conversations, perConversation, path }: Size & { readonly path: string },
): Promise<void> {
  const run = newRun();
  await stage.stuckSink.call('behave', { kind: 'down' });
  await stage.stuckSink.call('expect', { run, senders: conversations, ordered: true });
  await write(generator, stage, { run, conversations, perConversation, path });
}

interface Writing extends Pick<Size, 'conversations' | 'perConversation'> {
  readonly run: string;
  readonly path: string;
}

async function write(
  generator: Child<Generator>,
  stage: Stage,
  { run, conversations, perConversation, path }: Writing,
): Promise<void> {
  const loaded = await generator.call('closed', {
    ...{ run, connections: Math.min(64, conversations), senders: conversations, perSender: perConversation },
    ...{ to: { ...stage.to, path, prefix: STUCK_CUSTOMERS }, prepared: conversations * perConversation },
  });
  const wanted = conversations * perConversation;
  if (loaded.accepted < wanted)
    throw new Error(`only ${loaded.accepted} of ${wanted} were accepted: ${JSON.stringify(loaded.refused)}`);
}

type Flow = Size & BenchOptions & { readonly title: string };

/** The others' throughput, with and without the stuck ones beside them. */
async function flow(generator: Child<Generator>, stages: Stages, plan: Flow): Promise<Part> {
  const { connections, senders, seconds, title } = plan;
  const results = await alternate(stages, plan.rounds, (stage) =>
    measureClosed(generator, stage, { connections, senders, seconds, expected: 3_000, quietMs: PATIENCE_MS }),
  );
  const rows = [...results].map(([gateway, rounds]) => rowOf(gateway, rounds));
  const rate = (round: Round): number => round.deliveredPerSecond;
  const measured = ratios(results, [TROUBLED, CALM], rate);
  return {
    table: { title: `others while ${title}`, rows },
    goals: [
      { what: `delivered of others, ${title}, to the undisturbed`, wanted: 0.9, better: 'more', measured },
      faultless(title, [...results.values()].flat()),
    ],
  };
}

function rowOf(gateway: string, rounds: readonly Round[]): Row {
  const of = (pick: (round: Round) => number): number => median(rounds.map(pick));
  return {
    gateway,
    'accepted/s': of((round) => round.acceptedPerSecond),
    'delivered/s': of((round) => round.deliveredPerSecond),
    'p99 ms': of((round) => round.p99),
    'CPU app us': of((round) => round.appMicros),
    'CPU db us': of((round) => round.databaseMicros),
    faults: faultText(rounds),
  };
}

const faultless = (title: string, rounds: readonly Pick<Round, 'faults'>[]): Goal => ({
  what: `refused, missing, doubled or out of order, ${title}`,
  ...{ wanted: 0, better: 'less', measured: [faultCount(rounds)] },
});

/** Latency before and while a transaction holds a snapshot of everything, which keeps every dead row in place. */
async function snapshot(generator: Child<Generator>, stage: Stage, { holdS, rate, ...size }: Size): Promise<Part> {
  const load = { rate, senders: size.senders, connections: Math.min(64, size.senders) };
  const before = await offer(generator, stage, { ...load, seconds: holdS / 3 });
  const held = await withClient(stage.postgres!.url, async (client) => {
    await client.query('begin isolation level repeatable read');
    await client.query('select count(*) from message');
    return offer(generator, stage, { ...load, seconds: holdS });
  });
  const title = `${rate.toLocaleString('en')} messages/s under a snapshot held for ${holdS} s, with ${stuckText({ ...size, holdS, rate })}`;
  const row = (state: string, one: typeof held): Row => ({
    state,
    'arrival p50 ms': one.arrivalP50,
    'arrival p99 ms': one.arrivalP99,
    'in the last third p99 ms': quantile(one.added.slice(-one.added.length / 3), 0.99),
    faults: faultText([one]),
  });
  return {
    table: { title, rows: [row('before', before), row('under the snapshot', held)] },
    goals: [
      {
        what: 'arrival p99 under a held snapshot, to before',
        wanted: 2,
        better: 'less',
        measured: [held.arrivalP99 / before.arrivalP99],
      },
      faultless('under a held snapshot', [before, held]),
    ],
  };
}

/** The destination comes back: how soon that is noticed, and how fast the backlog goes out in order. */
async function recovery(stage: Stage, size: Size): Promise<Part> {
  const messages = size.conversations * size.perConversation;
  const opened = Number(process.hrtime.bigint()) / 1e6;
  await stage.stuckSink.call('behave', { kind: 'open' });
  const told = await stage.stuckSink.call('complete', { messages, quietMs: PATIENCE_MS });
  const faults = faultsOf({ accepted: messages, refused: {} }, told);
  const perSecond = (told.messages * 1_000) / (told.lastAt - told.firstAt);
  const row = {
    messages,
    'noticed after s': (told.firstAt - opened) / 1_000,
    'drained/s': perSecond,
    faults: faultText([{ faults }]),
  };
  return {
    table: { title: 'the destination that was down is back', rows: [row] },
    goals: [
      { what: 'ordered drain afterwards', wanted: 3_000, better: 'more', measured: [perSecond], unit: '/s' },
      faultless('drain afterwards', [{ faults }]),
    ],
  };
}

/** The same with conversations that the very destination refuses which takes the others. */
async function refused(generator: Child<Generator>, stages: Stages, plan: Size & BenchOptions): Promise<Part> {
  const troubled = stages[1];
  const run = newRun();
  await troubled.sink.call('behave', { kind: 'stuck', run });
  await write(generator, troubled, { ...plan, run, path: troubled.to.path });
  await warmUp(generator, troubled, plan.senders);
  const part = await flow(generator, stages, { ...plan, title: `${stuckText(plan)} of the same destination` });
  await troubled.sink.call('behave', { kind: 'open' });
  return part;
}

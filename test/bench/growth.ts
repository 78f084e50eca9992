import type { Child } from './parts/child.js';
import { openProduct, type Contestant } from './parts/contestants.js';
import type { Generator } from './parts/generator.js';
import { now } from './parts/messages.js';
import { postgresMissing } from './parts/postgres.js';
import { counted, median, type Goal, type Report, type Row } from './parts/report.js';
import {
  alternate,
  faultCount,
  faultText,
  measure,
  newRun,
  openGenerator,
  ratios,
  type BenchOptions,
  type Round,
} from './parts/rounds.js';
import { cloneCustomers } from './parts/seed.js';

interface Level {
  readonly customers: number;
  /** Stored messages of each, with their events and deliveries. */
  readonly messages: number;
}

const LEVELS: Record<BenchOptions['size'], readonly Level[]> = {
  smoke: [
    { customers: 20, messages: 1 },
    { customers: 60, messages: 2 },
  ],
  default: [
    { customers: 1_000, messages: 1 },
    { customers: 20_000, messages: 1 },
    { customers: 100_000, messages: 1 },
    { customers: 2_000, messages: 50 },
  ],
  large: [
    { customers: 1_000, messages: 1 },
    { customers: 100_000, messages: 1 },
    { customers: 1_000_000, messages: 1 },
    { customers: 100_000, messages: 100 },
  ],
};

/** A gateway whose database is as full as its level says. */
interface Grown extends Contestant {
  readonly level: Level;
  readonly prefix: string;
  readonly gigabytes: number;
  readonly seedSeconds: number;
}

/**
 * What a message costs when there is much in the store already: contacts with a conversation each, and messages with their events and deliveries. Each level has a
 * database server of its own, so that they can be measured in turn. Those who write are spread over everybody who is known.
 */
export async function benchGrowth(options: BenchOptions): Promise<Report> {
  const missing = postgresMissing();
  if (missing) return { tables: [], goals: [], skipped: [missing] };
  const generator = openGenerator();
  const levels = LEVELS[options.size].filter((level) => options.only(nameOf(level)));
  // Filled side by side, because that is what takes the time.
  const grown = await Promise.all(levels.map((level) => grow(generator, level)));
  const connections = options.size === 'smoke' ? 4 : 64;
  for (const one of grown) await write(generator, one, { connections, seconds: options.seconds });
  const results = await alternate(grown, options.rounds, (one) =>
    write(generator, one, { connections, seconds: options.seconds }),
  );
  for (const one of grown) await expectContacts(one, one.level);
  await Promise.all([...grown, generator].map((one) => one.stop()));
  return {
    tables: [{ title: counted(connections, 'connection'), rows: rowsOf(grown, results) }],
    goals: goalsOf(grown, results),
    skipped: [],
  };
}

const nameOf = ({ customers, messages }: Level): string =>
  `${customers.toLocaleString('en')} conversations, ${(customers * messages).toLocaleString('en')} messages`;

/** One customer writes through the gateway, and is copied once the helpdesk has it all. */
async function grow(generator: Child<Generator>, level: Level): Promise<Grown> {
  const product = await openProduct({ name: nameOf(level), database: {} });
  const run = newRun();
  const prefix = '+86137';
  await product.sink!.call('expect', { run, senders: 1, ordered: true });
  const load = { run, connections: 1, senders: 1, perSender: level.messages, prepared: level.messages };
  await generator.call('closed', { ...load, to: { ...product.to, prefix } });
  await product.sink!.call('complete', { messages: level.messages, quietMs: 10_000 });
  await new Promise((resolve) => setTimeout(resolve, 500));
  const from = now();
  await cloneCustomers(product.postgres!.url, { run, phone: `${prefix}00000000` }, level.customers);
  const seedSeconds = (now() - from) / 1_000;
  await expectContacts(product, level);
  const [size] = await product.postgres!.query<{ bytes: number }>(
    'select pg_database_size(current_database())::float8 as bytes',
  );
  return { ...product, level, prefix, seedSeconds, gigabytes: size!.bytes / 1e9 };
}

/** Whoever writes is to be known already: else it would be another bench. */
async function expectContacts({ postgres }: Contestant, { customers }: Level): Promise<void> {
  const [contacts] = await postgres!.query<{ count: number }>('select count(*)::int as count from contact');
  if (contacts!.count !== customers) throw new Error(`there are ${contacts!.count} contacts, and not ${customers}`);
}

function write(
  generator: Child<Generator>,
  grown: Grown,
  { connections, seconds }: { readonly connections: number; readonly seconds: number },
): Promise<Round> {
  const senders = grown.level.customers;
  const load = { connections, senders, seconds };
  const to = { ...grown.to, prefix: grown.prefix, among: senders };
  return measure(grown, load, (run) => generator.call('closed', { ...load, to, run, prepared: 5_000 * seconds }));
}

type Results = ReadonlyMap<string, readonly Round[]>;

function rowsOf(grown: readonly Grown[], results: Results): Row[] {
  return grown.map(({ name, level, gigabytes, seedSeconds }) => {
    const rounds = results.get(name)!;
    const of = (pick: (round: Round) => number): number => median(rounds.map(pick));
    return {
      conversations: level.customers,
      'stored messages': level.customers * level.messages,
      'accepted/s': of((round) => round.acceptedPerSecond),
      'delivered/s': of((round) => round.deliveredPerSecond),
      'p99 ms': of((round) => round.p99),
      'CPU app us': of((round) => round.appMicros),
      'CPU db us': of((round) => round.databaseMicros),
      'database GB': gigabytes,
      'filled in s': seedSeconds,
      faults: faultText(rounds),
    };
  });
}

function goalsOf([smallest, ...others]: readonly Grown[], results: Results): Goal[] {
  if (!smallest) return [];
  const cost = (round: Round): number => round.appMicros + round.databaseMicros;
  return [
    ...others.map(({ name }): Goal => {
      const measured = ratios(results, [name, smallest.name], cost);
      return { what: `CPU per message at ${name}, to the smallest`, wanted: 1.25, better: 'less', measured };
    }),
    {
      what: 'refused, missing, doubled or out of order',
      ...{ wanted: 0, better: 'less', measured: [faultCount([...results.values()].flat())] },
    },
  ];
}

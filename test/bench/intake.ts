import { startPostgres, postgresMissing } from '../../libs/database/src/testing/postgres-suite.js';
import { load, type Measured, signer } from './load.js';
import { median, type Row, spread } from './report.js';
import { SECRET, type Server, startBaseline, startProduct } from './servers.js';

const CONNECTIONS = [1, 32, 128];
const WARM_UP_S = 2;

/**
 * Messages accepted and committed per second through the `http` channel, against a bare Fastify server with one INSERT per request on a database of the
 * same kind, in alternating rounds of the same run. Synchronous commit is on; the embedded database syncs its files.
 */
export async function benchIntake({ seconds, rounds }: { seconds: number; rounds: number }): Promise<Row[]> {
  const rows = await onDatabase('embedded', { seconds, rounds });
  const missing = postgresMissing();
  if (missing) {
    process.stderr.write(`the bench on Postgres is skipped: ${missing}\n`);
    return rows;
  }
  const server = await startPostgres({ durable: true });
  try {
    return [...rows, ...(await onDatabase('postgres', { seconds, rounds, url: server.url }))];
  } finally {
    await server.stop();
  }
}

async function onDatabase(
  database: string,
  options: { seconds: number; rounds: number; url?: string },
): Promise<Row[]> {
  const baseline = await startBaseline(options.url);
  const product = await startProduct(options.url);
  try {
    const rows: Row[] = [];
    for (const connections of CONNECTIONS)
      rows.push(await compare(database, { baseline, product, connections, ...options }));
    return rows;
  } finally {
    await baseline.stop();
    await product.stop();
  }
}

interface Comparison {
  readonly baseline: Server;
  readonly product: Server;
  readonly connections: number;
  readonly seconds: number;
  readonly rounds: number;
}

async function compare(
  database: string,
  { baseline, product, connections, seconds, rounds }: Comparison,
): Promise<Row> {
  const measure = (server: Server, time: number): Promise<Measured> =>
    load({ ...server, connections, seconds: time, headers: signer(SECRET) });
  await measure(baseline, WARM_UP_S);
  await measure(product, WARM_UP_S);
  const pairs: { base: Measured; ours: Measured }[] = [];
  for (let round = 0; round < rounds; round += 1) {
    pairs.push({ base: await measure(baseline, seconds), ours: await measure(product, seconds) });
  }
  const failed = pairs.reduce((sum, { base, ours }) => sum + base.failed + ours.failed, 0);
  if (failed > 0) throw new Error(`${failed} requests were not taken`);
  const of = (pick: (measured: Measured) => number): number => median(pairs.map(({ ours }) => pick(ours)));
  return {
    database,
    connections,
    'insert/s': median(pairs.map(({ base }) => base.perSecond)),
    'messages/s': of((m) => m.perSecond),
    'p50 ms': of((m) => m.p50),
    'p99 ms': of((m) => m.p99),
    'p99.9 ms': of((m) => m.p999),
    'ratio to insert': spread(pairs.map(({ base, ours }) => ours.perSecond / base.perSecond)),
  };
}

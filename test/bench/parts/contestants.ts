import { rm } from 'node:fs/promises';
import { seededDataDir } from '../../../libs/database/src/testing/embedded-suite.js';
import { onStop } from './cleanup.js';
import { startChild, type Child } from './child.js';
import { cpuMicros } from './cpu.js';
import { destination, openGateway, SECRET, type Gateway } from './gateway.js';
import type { Target } from './messages.js';
import { openPostgres, type Postgres } from './postgres.js';
import { startServer } from './process.js';
import type { Sink } from './sink.js';

/** What is measured: the product or a baseline, with a database and a sink of its own, so that nothing is charged to another. */
export interface Contestant {
  readonly name: string;
  readonly to: Target;
  /** Absent where nothing is delivered. */
  readonly sink?: Child<Sink>;
  readonly appPids: readonly number[];
  readonly postgres?: Postgres;
  /** Another database server than that. */
  readonly databasePid?: number;
  readonly gateways: readonly Gateway[];
  stop(): Promise<void>;
}

export const openSink = async (): Promise<{ sink: Child<Sink>; port: number }> => {
  const sink = startChild<Sink>('sink');
  return { sink, port: await sink.call('listen', SECRET) };
};

export interface ProductOptions {
  readonly name: string;
  /** `embedded`, or the settings of a Postgres server. */
  readonly database: 'embedded' | Record<string, string>;
  readonly processes?: number;
}

/** The product with an `http` account and a webhook destination that takes everything. */
export async function openProduct({ name, database, processes = 1 }: ProductOptions): Promise<Contestant> {
  const { sink, port } = await openSink();
  const postgres = database === 'embedded' ? undefined : await openPostgres(database);
  const dataDir = postgres ? undefined : await emptyEmbedded();
  const options = { databaseUrl: postgres?.url, dataDir, providerPort: port, destinations: [destination(port)] };
  const gateways: Gateway[] = [];
  for (let i = 0; i < processes; i += 1) gateways.push(await openGateway(options));
  const stop = async (): Promise<void> => {
    await Promise.all(gateways.map((gateway) => gateway.stop()));
    await postgres?.stop();
    await sink.stop();
  };
  const appPids = gateways.map(({ pid }) => pid);
  return { name, to: gateways[0]!.messages, sink, appPids, gateways, stop, ...(postgres && { postgres }) };
}

/** A copy of an empty database, because making one takes seconds. */
async function emptyEmbedded(): Promise<string> {
  const folder = await seededDataDir();
  onStop(() => rm(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 }));
  return folder;
}

export type BaselineKind = 'echo' | 'insert' | 'cte' | 'forward';

/** A bare Fastify server; see `baselines/fastify.ts` for what each kind does. */
export async function openBaseline(
  name: string,
  kind: BaselineKind,
  database: 'embedded' | 'postgres',
): Promise<Contestant> {
  const postgres = database === 'postgres' && kind !== 'echo' ? await openPostgres() : undefined;
  const delivering = kind === 'forward' ? await openSink() : undefined;
  const server = await startServer('test/bench/baselines/fastify.js', {
    BENCH_KIND: kind,
    ...(postgres ? { BENCH_URL: postgres.url } : { BENCH_DATA: kind === 'echo' ? '' : await emptyEmbedded() }),
    ...(delivering && { BENCH_SINK: `http://127.0.0.1:${delivering.port}/events`, BENCH_SECRET: SECRET }),
  });
  const stop = async (): Promise<void> => {
    await server.stop();
    await postgres?.stop();
    await delivering?.sink.stop();
  };
  const to = { port: server.port, path: '/messages' };
  return {
    name,
    to,
    appPids: [server.pid],
    gateways: [],
    stop,
    ...(postgres && { postgres }),
    ...(delivering && { sink: delivering.sink }),
  };
}

/** Processor time so far, microseconds: of the processes of the application, and of the database's; an embedded one is part of the application. */
export function cpuOf({ appPids, postgres, databasePid = postgres?.pid }: CpuUsers): Cpu {
  return {
    app: appPids.reduce((sum, pid) => sum + cpuMicros(pid), 0),
    database: databasePid === undefined ? NaN : cpuMicros(databasePid),
  };
}

type CpuUsers = Pick<Contestant, 'appPids' | 'postgres' | 'databasePid'>;
export interface Cpu {
  readonly app: number;
  readonly database: number;
}

// A job queue that posts signed jobs on: a process of its own, as a worker of such a queue is.
import { Queue, Worker } from 'bullmq';
import { makeWorkerUtils, Logger, run } from 'graphile-worker';
import { answer } from '../parts/child.js';
import { idOf } from '../parts/messages.js';
import { openOutlet } from './outlet.js';

/** So many senders with so many jobs each, in turn. Every job posts `body`, with the id of its message in place of `id`. */
export interface Backlog {
  readonly run: string;
  readonly senders: number;
  readonly perSender: number;
  readonly body: string;
  readonly id: string;
}

export interface QueueOptions {
  readonly kind: 'bullmq' | 'graphile-worker';
  /** Of Redis, or of Postgres. */
  readonly url: string;
  readonly sink: string;
  readonly secret: string;
}

interface Job {
  readonly id: string;
  readonly body: string;
}

interface JobQueue {
  fill(jobs: readonly { readonly job: Job; readonly sender: number }[]): Promise<void>;
  /** Begins to work off what there is. */
  go(): Promise<void>;
  /** No more work until the next `go`. */
  rest(): Promise<void>;
}

let queue: JobQueue;
const calls = {
  async open(options: QueueOptions): Promise<void> {
    const deliver = openOutlet(options.sink, options.secret);
    const make = { bullmq: onRedis, 'graphile-worker': onPostgres }[options.kind];
    queue = await make(options.url, ({ id, body }: Job) => deliver(id, body));
  },
  fill: ({ run: name, senders, perSender, body, id }: Backlog) =>
    queue.fill(
      Array.from({ length: senders * perSender }, (_, i) => {
        const sender = i % senders;
        const own = idOf({ run: name, sender, ordinal: Math.floor(i / senders) });
        return { sender, job: { id: own, body: body.replaceAll(id, own) } };
      }),
    ),
  go: (_: undefined) => queue.go(),
  rest: (_: undefined) => queue.rest(),
};
export type QueueCalls = typeof calls;
answer(calls);

const CONCURRENCY = 32;

/** No order among jobs: BullMQ keeps one per key in its paid edition only. */
async function onRedis(url: string, deliver: (job: Job) => Promise<void>): Promise<JobQueue> {
  const connection = { host: '127.0.0.1', port: Number(new URL(url).port), maxRetriesPerRequest: null };
  const jobs = new Queue<Job>('bench', { connection });
  let worker: Worker<Job> | undefined;
  return {
    async fill(backlog) {
      const all = backlog.map(({ job }) => ({ name: 'deliver', data: job, opts: { removeOnComplete: true } }));
      for (let at = 0; at < all.length; at += 1_000) await jobs.addBulk(all.slice(at, at + 1_000));
    },
    async go() {
      worker = new Worker<Job>('bench', ({ data }) => deliver(data), { connection, concurrency: CONCURRENCY });
      worker.on('error', (error) => process.stderr.write(`${error.stack}\n`));
    },
    rest: async () => worker?.close(),
  };
}

/** In order: a job names its conversation as its queue, of which one job runs at a time. */
async function onPostgres(url: string, deliver: (job: Job) => Promise<void>): Promise<JobQueue> {
  const logger = new Logger(() => () => undefined);
  const tools = await makeWorkerUtils({ connectionString: url, logger });
  await tools.migrate();
  let runner: Awaited<ReturnType<typeof run>> | undefined;
  return {
    fill: (backlog) =>
      tools.withPgClient(async (client) => {
        await client.query(
          `select graphile_worker.add_job('deliver', payload := j::json, queue_name := q)
           from unnest($1::text[], $2::text[]) with ordinality as t(j, q, n) order by n`,
          [backlog.map(({ job }) => JSON.stringify(job)), backlog.map(({ sender }) => `conversation-${sender}`)],
        );
      }),
    async go() {
      const taskList = { deliver: (payload: unknown) => deliver(payload as Job) };
      const size = { concurrency: CONCURRENCY, maxPoolSize: CONCURRENCY + 2 };
      runner = await run({
        connectionString: url,
        logger,
        taskList,
        noHandleSignals: true,
        pollInterval: 100,
        ...size,
      });
    },
    rest: async () => runner?.stop(),
  };
}

// A bare Fastify server on the same kind of database: what taking a message costs at least.
import Fastify from 'fastify';
import { openOutlet } from './outlet.js';
import { openBaselineStore } from './store.js';

interface Body {
  readonly id: string;
  readonly thread: string;
  readonly text: string;
}

const { BENCH_KIND: kind, BENCH_SINK: sink, BENCH_SECRET: secret = '' } = process.env;
const store = kind === 'echo' ? undefined : await openBaselineStore(process.env);
const app = Fastify();

/**
 * `echo`: parses and answers. `insert`: one prepared INSERT, committed before the answer. `cte`: one prepared statement that looks for a repeat, finds or makes
 * sender, person and conversation, numbers and stores the message and lays it into an outbox. `forward`: `insert`, then posts the message on, signed,
 * in no order, once, from memory.
 */
const HANDLERS: Record<string, (body: Body, text: string) => Promise<unknown>> = {
  echo: async () => undefined,
  insert: (body, text) => store!.insert(body.id, text),
  cte: (body, text) => store!.thread(body, text),
  async forward(body, text) {
    await store!.insert(body.id, text);
    void forward(body);
  },
};

const handle = HANDLERS[kind!]!;
app.post<{ Body: Body }>('/messages', async (request) => {
  await handle(request.body, JSON.stringify(request.body));
  return { items: [{ id: request.body.id }] };
});
process.stdout.write(`listening ${await app.listen({ host: '127.0.0.1', port: 0 })}\n`);
process.once('SIGTERM', () => {
  void app
    .close()
    .then(() => store?.close())
    .then(() => process.exit(0));
});

const deliver = sink === undefined ? undefined : openOutlet(sink, secret);

/** As an event of the stream, as far as the sink reads it. */
async function forward({ id, text }: Body): Promise<void> {
  await deliver!(id, JSON.stringify({ type: 'message.received', data: { message: { externalIds: [id], text } } }));
}

// A bare Fastify server on the same kind of database: what taking a message costs at least.
import { createHmac } from 'node:crypto';
import Fastify from 'fastify';
import { Pool } from 'undici';
import { openBaselineStore } from './store.js';

interface Body {
  readonly id: string;
  readonly thread: string;
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
    void forward(body.id, text);
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

const key = Buffer.from(secret.replace('whsec_', ''), 'base64');
const outlet = sink === undefined ? undefined : new Pool(new URL(sink).origin, { connections: 32 });

/** As an event of the stream, as far as the sink reads it. */
async function forward(id: string, text: string): Promise<void> {
  const body = JSON.stringify({ type: 'message.received', data: { message: { externalIds: [id], text } } });
  const timestamp = Math.floor(Date.now() / 1_000);
  const sum = createHmac('sha256', key).update(`${id}.${timestamp}.${body}`).digest('base64');
  const answer = await outlet!.request({
    path: new URL(sink!).pathname,
    method: 'POST',
    body,
    headers: {
      'content-type': 'application/json',
      ...{ 'webhook-id': id, 'webhook-timestamp': String(timestamp), 'webhook-signature': `v1,${sum}` },
    },
  });
  await answer.body.dump();
}

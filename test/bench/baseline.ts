// A bare Fastify server that does one prepared INSERT per request on the same database, committed before it answers: what durable intake costs at least.
import { openDatabase } from '#database';
import Fastify from 'fastify';

const { BENCH_URL: url, BENCH_DATA: dataDir } = process.env;
const database = await openDatabase({ ...(url ? { url } : { dataDir: dataDir! }), entities: [], migrations: [] });
await database.query('create table if not exists bench_message (id text primary key, body jsonb not null)');
const INSERT = {
  name: 'bench_insert',
  text: 'insert into bench_message (id, body) values ($1, $2) on conflict do nothing',
};

const app = Fastify();
app.post<{ Body: { id: string } }>('/messages', async (request) => {
  await database.query(INSERT, [request.body.id, JSON.stringify(request.body)]);
  return { ok: true };
});
process.stdout.write(`listening ${await app.listen({ host: '127.0.0.1', port: 0 })}\n`);
process.once('SIGTERM', () => {
  void app
    .close()
    .then(() => database.close())
    .then(() => process.exit(0));
});

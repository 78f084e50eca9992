import { parentPort, workerData } from 'node:worker_threads';
import { type PGlite } from '@electric-sql/pglite';
import { openDurable } from './durable-pglite.js';
import { type SyncPolicy } from './syncing.js';

/** What the thread is started with. */
export interface EngineStart {
  readonly folder: string;
  readonly sync: SyncPolicy;
}

/** What the thread of the database is told. */
export type EngineRequest = { readonly session: number; readonly bytes: Uint8Array } | 'stop';

/** What it answers: exactly one `bytes` per request, in order. `syncs` counts the files put on the disk so far. */
export type EngineReply =
  | { readonly kind: 'ready' }
  | { readonly kind: 'answer'; readonly session: number; readonly bytes: Uint8Array; readonly syncs: number }
  | { readonly kind: 'fatal'; readonly reason: string };

const port = parentPort!;
let syncs = 0;
let session = 0;
let queue = Promise.resolve();

const { folder, sync } = workerData as EngineStart;
const database = await openDurable(folder, {
  sync,
  onSync: () => syncs++,
  onFatal(reason) {
    port.postMessage({ kind: 'fatal', reason } satisfies EngineReply);
    process.exit(1);
  },
});
port.on('message', (request: EngineRequest) => {
  queue = queue.then(() => (request === 'stop' ? stop() : answer(request)));
});
port.postMessage({ kind: 'ready' } satisfies EngineReply);

async function answer(request: Exclude<EngineRequest, 'stop'>): Promise<void> {
  if (request.session !== session) await begin(request.session);
  const bytes = await execute(database, request.bytes);
  const reply: EngineReply = { kind: 'answer', session, bytes, syncs };
  port.postMessage(reply, [bytes.buffer as ArrayBuffer]);
}

/** The engine has one session for its whole life: a new client must find nothing of the one before it. */
async function begin(next: number): Promise<void> {
  if (session > 0) {
    await execute(database, query('rollback'));
    await execute(database, query('discard all'));
  }
  session = next;
}

async function stop(): Promise<void> {
  await database.close();
  process.exit(0);
}

/** The stream variant, because the plain one also parses every answer and keeps what it parsed. */
async function execute(engine: PGlite, bytes: Uint8Array): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  await engine.execProtocolRawStream(bytes, { syncToFs: false, onRawData: (chunk) => void chunks.push(chunk.slice()) });
  if (chunks.length === 1) return chunks[0]!;
  const whole = new Uint8Array(chunks.reduce((length, chunk) => length + chunk.length, 0));
  let offset = 0;
  for (const chunk of chunks) {
    whole.set(chunk, offset);
    offset += chunk.length;
  }
  return whole;
}

function query(text: string): Uint8Array {
  const body = Buffer.from(`${text}\0`);
  const message = Buffer.alloc(5 + body.length, 'Q');
  message.writeInt32BE(4 + body.length, 1);
  body.copy(message, 5);
  return message;
}

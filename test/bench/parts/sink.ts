// The helpdesk and the provider of the benches: a process of its own that takes everything, at the least cost, and keeps account of it.
import { createServer, type AddressInfo, type Socket } from 'node:net';
import { answer } from './child.js';
import { header, HttpFrames } from './http-frames.js';
import { Ledger, type Account, type Expected } from './ledger.js';
import { signedBy } from './signed.js';

/**
 * How requests are answered. `open`: 200. `down`: events with 503. `stuck`: events of the messages of a run with 503. `limited`: messages to customers
 * with 429 beyond so many a second.
 */
export type Manner =
  | { readonly kind: 'open' | 'down' }
  | { readonly kind: 'stuck'; readonly run: string }
  | { readonly kind: 'limited'; readonly perSecond: number };

const calls = {
  listen: (secret: string) => listen(secret),
  behave: (next: Manner) => void (manner = next),
  expect: (expected: Expected) => void (ledger = new Ledger(expected)),
  /** Resolves with the account once so many messages arrived; after `quietMs` without any, with what is there. */
  complete: (wanted: { readonly messages: number; readonly quietMs: number }) => complete(wanted),
  account: (_: undefined) => ledger.account(),
  arrivals: (_: undefined) => ledger.arrivals,
  /** The body of the latest message's event, as it came. */
  sample: (_: undefined) => sample.toString(),
  /** Conversation of each sender, by the order of senders. */
  conversations: (_: undefined) => conversations,
};
export type Sink = typeof calls;

let manner: Manner = { kind: 'open' };
let ledger = new Ledger({ run: 'none', senders: 1, ordered: true });
const conversations: string[] = [];
let sample: Buffer = Buffer.alloc(0);
let second = { at: 0, taken: 0 };
answer(calls);

async function listen(secret: string): Promise<number> {
  const verify = signedBy(secret);
  const server = createServer({ noDelay: true }, (socket) => serve(socket, verify));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return (server.address() as AddressInfo).port;
}

function serve(socket: Socket, verify: (head: string, body: Buffer) => boolean): void {
  const frames = new HttpFrames((head, body) => socket.write(take(head, body, verify)));
  socket.on('data', (chunk) => frames.push(chunk)).on('error', () => socket.destroy());
}

const TAKEN = 'HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 2\r\n\r\n{}';
const DOWN = 'HTTP/1.1 503 Service Unavailable\r\ncontent-length: 0\r\n\r\n';
const SLOWER = 'HTTP/1.1 429 Too Many Requests\r\nretry-after: 1\r\ncontent-length: 0\r\n\r\n';
/** One signature in so many is verified: enough to notice a fault, and not the sink's cost. */
const SAMPLE = 64;
let requests = 0;

function take(head: string, body: Buffer, verify: (head: string, body: Buffer) => boolean): string {
  requests += 1;
  const isEvent = head.startsWith('POST /events');
  if (manner.kind === 'down' && isEvent) return DOWN;
  if (manner.kind === 'limited' && !isEvent && !withinLimit(manner.perSecond)) return SLOWER;
  const told = JSON.parse(body.toString()) as Parameters<Ledger['take']>[1];
  const id = header(head, 'webhook-id') ?? '';
  const genuine = requests % SAMPLE !== 0 || verify(head, body);
  const writing = ledger.writing(told);
  if (manner.kind === 'stuck' && isEvent && writing && writing.run === manner.run) return DOWN;
  if (writing && told.data?.conversation) conversations[writing.sender] = told.data.conversation.id;
  if (writing && told.type === 'message.received') sample = body;
  ledger.take(id, told, { genuine, writing });
  return TAKEN;
}

function withinLimit(perSecond: number): boolean {
  const at = Math.floor(Date.now() / 1_000);
  if (second.at !== at) second = { at, taken: 0 };
  second.taken += 1;
  return second.taken <= perSecond;
}

async function complete({ messages, quietMs }: { messages: number; quietMs: number }): Promise<Account> {
  const step = 5;
  for (let quiet = 0, seen = -1; quiet < quietMs; quiet += step) {
    const { arrived } = ledger;
    if (arrived >= messages) break;
    if (arrived !== seen) quiet = 0;
    seen = arrived;
    await new Promise((resolve) => setTimeout(resolve, step));
  }
  return ledger.account();
}

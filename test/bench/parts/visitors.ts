// Visitors with an open chat: thousands in a process of their own.
import { answer } from './child.js';
import { idOf, now, writingIn } from './messages.js';
import { quantile } from './report.js';
import { WebSocketLine } from './web-socket.js';

export interface Crowd {
  readonly port: number;
  readonly account: string;
  readonly count: number;
}

export interface Held {
  readonly open: number;
  readonly seconds: number;
}

const FIRST_WAIT_MS = 500;
const LONGEST_WAIT_MS = 10_000;

/** What a browser keeps of its chat. */
class Visitor {
  session: string | undefined;
  last = 0;
  ready = false;
  #line: WebSocketLine | undefined;
  #tries = 0;

  constructor(private readonly crowd: Crowd) {}

  connect(): void {
    const { port, account } = this.crowd;
    const line = new WebSocketLine(
      { port, path: '/chat', origin: 'https://bench.example' },
      {
        opened: () => line.send(JSON.stringify({ type: 'hello', account, session: this.session, after: this.last })),
        text: (text) => this.take(JSON.parse(text) as Frame),
        ended: () => this.lost(),
      },
    );
    this.#line = line;
  }

  send(frame: object): void {
    this.#line!.send(JSON.stringify(frame));
  }

  leave(): void {
    this.lost = () => undefined;
    this.#line?.cut();
  }

  private take(frame: Frame): void {
    if (frame.type === 'welcome') ({ session: this.session, reconnect: this.wait = this.wait } = frame);
    else if (frame.type === 'caught-up') this.arrive();
    else if (frame.type === 'message') this.read(frame);
    else if (frame.type === 'refused' || frame.type === 'error') refusals.push(JSON.stringify(frame));
    else if (frame.type === 'accepted') acceptances += 1;
  }

  private wait = { minMs: 1_000, maxMs: 5_000 };

  private arrive(): void {
    this.#tries = 0;
    this.ready = true;
    backAt.push(now());
  }

  private read({ seq = 0, from, text = '' }: Frame): void {
    this.last = Math.max(this.last, seq);
    const writing = from === 'me' ? undefined : writingIn(text);
    if (writing) arrivals[writing.ordinal * senders + writing.sender] = now();
  }

  /** The widget's own rule (`apps/widget/src/engine/connection.ts`): first the time that the gateway named, then a back-off of its own. */
  private lost(): void {
    this.ready = false;
    const { minMs, maxMs } = this.wait;
    const longest = Math.min(LONGEST_WAIT_MS, FIRST_WAIT_MS * 2 ** this.#tries);
    const ms = this.#tries === 0 ? minMs + Math.random() * (maxMs - minMs) : longest * (0.5 + Math.random() / 2);
    this.#tries += 1;
    setTimeout(() => this.connect(), ms);
  }
}

interface Frame {
  readonly type: string;
  readonly session?: string;
  readonly reconnect?: { readonly minMs: number; readonly maxMs: number };
  readonly seq?: number;
  readonly from?: string;
  readonly text?: string;
}

let visitors: Visitor[] = [];
let backAt: number[] = [];
let arrivals: number[] = [];
let senders = 1;
let acceptances = 0;
const refusals: string[] = [];

/** So many handshakes are under way at once while the crowd comes in. */
const AT_ONCE = 100;

const calls = { come, leave, write, listen, back };
export type Visitors = typeof calls;
answer(calls);

/** Resolves when everybody is in and caught up, or when nobody came in for a while. */
async function come(crowd: Crowd): Promise<Held> {
  const from = now();
  backAt = [];
  visitors = Array.from({ length: crowd.count }, () => new Visitor(crowd));
  const waiting = [...visitors];
  await settled(() => {
    while (waiting.length > 0 && visitors.length - waiting.length - backAt.length < AT_ONCE) waiting.pop()!.connect();
    return backAt.length;
  }, crowd.count);
  return { open: visitors.filter(({ ready }) => ready).length, seconds: (now() - from) / 1_000 };
}

function leave(_: undefined): void {
  for (const visitor of visitors) visitor.leave();
  visitors = [];
}

/** The first of them write one message each; resolves when all are accepted. */
async function write({ run, count }: { readonly run: string; readonly count: number }): Promise<void> {
  acceptances = 0;
  for (let sender = 0; sender < count; sender += 1) {
    const text = `Message ${idOf({ run, sender, ordinal: 0 })}: where is my parcel?`;
    const clientId = `${run}-${String(sender).padStart(8, '0')}`;
    visitors[sender]!.send({ type: 'message', clientId, parts: [{ type: 'text', text }] });
  }
  await settled(() => acceptances, count);
  if (acceptances < count)
    throw new Error(`${acceptances} of ${count} were accepted; ${refusals.at(-1) ?? 'no refusal'}`);
}

/** From now on, keeps the time at which each answer arrives; returns those since the last call. */
function listen(among: number): Float64Array {
  const times = Float64Array.from(arrivals, (at) => at ?? NaN);
  arrivals = [];
  senders = among;
  return times;
}

/** Waits until everybody who was lost is back and caught up. */
async function back({
  since,
  withinMs,
}: {
  readonly since: number;
  readonly withinMs: number;
}): Promise<{ open: number; p50: number; last: number }> {
  const later = (): number[] => backAt.filter((at) => at > since);
  await settled(() => later().length, visitors.length, withinMs);
  const times = later().map((at) => (at - since) / 1_000);
  return { open: visitors.filter(({ ready }) => ready).length, p50: quantile(times, 0.5), last: Math.max(...times) };
}

async function settled(count: () => number, wanted: number, quietMs = 15_000): Promise<void> {
  for (let quiet = 0, seen = -1; quiet < quietMs && count() < wanted; quiet += 10) {
    if (count() !== seen) quiet = 0;
    seen = count();
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

// The load generator: a process of its own.
import { answer } from './child.js';
import { Line } from './line.js';
import { now, requestsTo, type Target, type Writing } from './messages.js';
import { repliesTo, type ReplyTarget } from './replies.js';
import { quantile } from './report.js';
import { tracksFor, type Share } from './track.js';

interface Load {
  readonly to: Target | ReplyTarget;
  /** Names the run in every id. */
  readonly run: string;
  readonly connections: number;
  readonly senders: number;
}

/** Every connection writes its next message when the last one is answered. */
export interface ClosedLoad extends Load {
  readonly seconds?: number;
  readonly perSender?: number;
  /** Only every so manieth sender, from this one on: others write elsewhere. */
  readonly share?: Share;
  /** Requests made before the clock runs; more are made as they are needed. */
  readonly prepared: number;
}

/** Message i is due at i / rate, whatever became of those before it; a busy connection lets it wait, and the wait counts. */
export interface OpenLoad extends Load {
  readonly rate: number;
  readonly seconds: number;
}

export interface Loaded {
  readonly accepted: number;
  /** Answers other than 2xx, by status; 0 is a lost connection. */
  readonly refused: Readonly<Record<number, number>>;
  readonly startedAt: number;
  /** Until the last answer. */
  readonly seconds: number;
  /** Processor time that making the load itself took, microseconds for each message. */
  readonly loadMicros: number;
  /** From the request, or from when it was due, to its answer; milliseconds. */
  readonly p50: number;
  readonly p99: number;
  readonly p999: number;
}

/** An open load also tells when each message was due, and how late it was written because this process was late. */
export interface Offered extends Loaded {
  readonly due: Float64Array;
  readonly latenessP99: number;
}

const calls = { closed, open };
export type Generator = typeof calls;
answer(calls);

class Tally {
  readonly times: number[] = [];
  readonly refused: Record<number, number> = {};
  accepted = 0;
  readonly #cpu = process.cpuUsage();
  readonly startedAt = now();
  lastAt = this.startedAt;

  take(status: number, since: number): void {
    this.lastAt = now();
    this.times.push(this.lastAt - since);
    if (status >= 200 && status < 300) this.accepted += 1;
    else this.refused[status] = (this.refused[status] ?? 0) + 1;
  }

  result(): Loaded {
    const { accepted, refused, startedAt, lastAt, times } = this;
    const { user, system } = process.cpuUsage(this.#cpu);
    const at = (q: number): number => quantile(times, q);
    return {
      ...{ accepted, refused, startedAt, seconds: (lastAt - startedAt) / 1_000 },
      loadMicros: (user + system) / times.length,
      ...{ p50: at(0.5), p99: at(0.99), p999: at(0.999) },
    };
  }
}

async function closed(load: ClosedLoad): Promise<Loaded> {
  const tracks = tracksFor(load.connections, { ...load, make: maker(load) });
  const distinct = new Set(tracks);
  for (const track of distinct) track.prepare(Math.ceil(load.prepared / distinct.size));
  const lines = await openLines(load);
  const tally = new Tally();
  const until = tally.startedAt + (load.seconds ?? Infinity) * 1_000;
  await Promise.all(
    lines.map(
      (line, i) =>
        new Promise<void>((ended) => {
          const next = (): void => {
            const since = now();
            const ready = since < until ? tracks[i]!.next() : undefined;
            if (!ready) return ended();
            line.post(ready.request, (status) => {
              tally.take(status, since);
              if (status === 0) ended();
              else next();
            });
          };
          next();
        }),
    ),
  );
  for (const line of lines) line.close();
  return tally.result();
}

async function open(load: OpenLoad): Promise<Offered> {
  const total = Math.floor(load.rate * load.seconds);
  const make = maker(load);
  const requests = Array.from({ length: total }, (_, i) =>
    make({ run: load.run, sender: i % load.senders, ordinal: Math.floor(i / load.senders) }),
  );
  const lines = await openLines(load);
  const tally = new Tally();
  const due = Float64Array.from({ length: total }, (_, i) => tally.startedAt + (i * 1_000) / load.rate);
  const lateness: number[] = [];
  const queues = lines.map((line) => queue(line, (i, status) => tally.take(status, due[i]!)));
  let offered = 0;
  await new Promise<void>((ended) => {
    const tick = (): void => {
      for (const at = now(); offered < total && due[offered]! <= at; offered += 1) {
        lateness.push(at - due[offered]!);
        queues[(offered % load.senders) % lines.length]!({ index: offered, request: requests[offered]! });
      }
      if (tally.times.length === total) ended();
      else setTimeout(tick, 1);
    };
    tick();
  });
  for (const line of lines) line.close();
  return { ...tally.result(), due, latenessP99: quantile(lateness, 0.99) };
}

interface Due {
  readonly index: number;
  readonly request: Buffer;
}

/** Puts messages on a connection, one after the other. */
function queue(line: Line, answered: (index: number, status: number) => void): (message: Due) => void {
  const waiting: Due[] = [];
  let busy = false;
  const next = (): void => {
    const message = waiting.shift();
    busy = message !== undefined;
    if (!message) return;
    line.post(message.request, (status) => {
      answered(message.index, status);
      next();
    });
  };
  return (message) => {
    waiting.push(message);
    if (!busy) next();
  };
}

function maker({ to }: Load): (writing: Writing) => Buffer {
  return 'conversations' in to ? repliesTo(to) : requestsTo(to);
}

async function openLines({ to, connections }: Load): Promise<Line[]> {
  const lines = Array.from({ length: connections }, () => new Line(to.port));
  await Promise.all(lines.map((line) => line.opened));
  return lines;
}

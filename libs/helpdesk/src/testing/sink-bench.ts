import { ProviderFailure, type StreamEvent } from '#normalizer';
import { addressGuard, guardedDial, secretValues, type Http, type Resolve } from '#transport';
import type { ConnectorContext } from '../core/connector.js';
import { Holdings } from '../core/holdings.js';
import type { Which } from './bench.js';
import { openGate, type Gate } from './gate.js';
import type { Sink, SinkSubject } from './sink-subject.js';
import { ticketBook } from './ticket-book.js';

/** Both destinations of a subject, each with a sink of its own behind a gate of its own. */
export interface SinkBench {
  readonly sinks: readonly [Sink, Sink];
  readonly gates: readonly [Gate, Gate];
  readonly holdings: Holdings;
  context(which: Which, changes?: Partial<ConnectorContext<unknown>>): ConnectorContext<unknown>;
}

export interface SinkBenchOptions {
  readonly allow?: readonly string[];
  readonly resolve?: Resolve;
  /** Another address than the gate's. */
  readonly server?: string;
  /** Changes of the settings of both samples. */
  readonly config?: Record<string, unknown>;
}

/** Sets a bench up, uses it and takes it down. */
export async function withSinks<T>(
  subject: SinkSubject,
  options: SinkBenchOptions,
  use: (bench: SinkBench) => Promise<T>,
): Promise<T> {
  const gates = [await openGate(), await openGate()] as const;
  const started = await Promise.allSettled(gates.map(({ port }) => subject.start(port)));
  const sinks = started.map((one) => {
    if (one.status === 'rejected') throw one.reason;
    return one.value;
  }) as unknown as readonly [Sink, Sink];
  sinks.forEach(({ port }, which) => gates[which]?.lead(port));
  const holdings = new Holdings();
  const dial = guardedDial(addressGuard(options.allow ?? ['127.0.0.1/32']), options.resolve);
  const context: SinkBench['context'] = (which, changes) => {
    const server = options.server ?? `127.0.0.1:${gates[which].port}`;
    const sample = subject.destinations[which];
    return {
      destinationId: sample.id,
      config: subject.connector.config.parse({ ...sample.config(server), ...options.config }),
      http: NO_HTTP,
      dial,
      hold: (open) => holdings.hold(sample.id, '1', open),
      replay: false,
      ...ticketBook(),
      signingSecrets: [],
      openFile: () => Promise.reject(new Error('no file is needed')),
      now: () => subject.now,
      signal: new AbortController().signal,
      ...changes,
    };
  };
  try {
    return await use({ sinks, gates, holdings, context });
  } finally {
    await holdings.close();
    await Promise.all([...sinks, ...gates].map((one) => one.close()));
  }
}

const no = (): never => {
  throw new Error('this connector speaks no HTTP');
};
const NO_HTTP: Http = { request: no, stream: no };

/** The secrets of a sample, with these changes of its settings. */
export function sinkSecrets(subject: SinkSubject, which: Which, changes: Record<string, unknown> = {}): string[] {
  const config = subject.connector.config.parse({ ...subject.destinations[which].config('127.0.0.1:1'), ...changes });
  return secretValues(subject.connector.config, config);
}

/** Hands events of one lane over as the relay does: in batches, in order, each tried again from its beginning until it was taken, for 15 s. */
export async function persist(
  { connector }: SinkSubject,
  ctx: () => ConnectorContext<unknown>,
  events: readonly StreamEvent[],
): Promise<ProviderFailure[]> {
  const failures: ProviderFailure[] = [];
  const end = Date.now() + 15_000;
  const { batch } = connector.capabilities;
  for (let at = 0; at < events.length;) {
    try {
      await connector.deliver(events.slice(at, at + batch), ctx());
      at += batch;
    } catch (error) {
      if (!(error instanceof ProviderFailure)) throw error;
      failures.push(error);
      if (Date.now() > end) throw error;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }
  return failures;
}

/** Waits until it holds, 20 s at most. */
export async function comesTrue(holds: () => boolean | Promise<boolean>, what: string): Promise<void> {
  const end = Date.now() + 20_000;
  while (!(await holds())) {
    if (Date.now() > end) throw new Error(`${what} did not come true`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

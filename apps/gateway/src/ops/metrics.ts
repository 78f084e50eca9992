import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client';

/** Seconds; from a commit on a fast disk to a provider's patience. */
const LATENCY = [0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30];

/** What became of a provider's request. */
export type IntakeOutcome =
  | 'accepted'
  | 'duplicate'
  | 'challenge'
  | 'rejected'
  | 'malformed'
  | 'unknown'
  | 'too-large'
  | 'limited'
  | 'overloaded'
  | 'unavailable'
  | 'failed';

/**
 * The process in numbers, for Prometheus. Labels are types, outcomes and configured ids; never anything that a customer or provider wrote.
 */
export class Metrics {
  readonly registry = new Registry();
  private readonly intake = this.counter('tributary_intake_requests_total', "Providers' requests", [
    'channel',
    'outcome',
  ]);
  private readonly intakeEvents = this.counter('tributary_intake_events_total', 'Inbound events', [
    'channel',
    'outcome',
  ]);
  private readonly intakeSeconds = this.histogram(
    'tributary_intake_seconds',
    'From the last byte of a request to its commit',
    ['channel'],
  );
  private readonly deliveries = this.counter('tributary_deliveries_total', 'Attempts to hand events to a destination', [
    'destination',
    'outcome',
  ]);
  private readonly deliverySeconds = this.histogram('tributary_delivery_seconds', 'Duration of one attempt', [
    'destination',
  ]);
  private readonly sends = this.counter('tributary_sends_total', 'Attempts to send to a provider', [
    'account',
    'outcome',
  ]);
  private readonly sendSeconds = this.histogram('tributary_send_seconds', 'Duration of one attempt', ['account']);
  private readonly waited = this.histogram('tributary_outbox_wait_seconds', 'From commit to being taken', ['kind']);
  private readonly requests = this.counter('tributary_http_requests_total', 'Answered requests', [
    'method',
    'route',
    'status',
  ]);
  private readonly requestSeconds = this.histogram('tributary_http_request_seconds', 'Duration of a request', [
    'method',
    'route',
  ]);

  constructor() {
    collectDefaultMetrics({ register: this.registry, eventLoopMonitoringPrecision: 20 });
  }

  intakeRequest(channel: string, outcome: IntakeOutcome, seconds?: number): void {
    this.intake.inc({ channel, outcome });
    if (seconds !== undefined) this.intakeSeconds.observe({ channel }, seconds);
  }

  intakeEvent(channel: string, outcome: 'stored' | 'duplicate' | 'poison' | 'live', count = 1): void {
    this.intakeEvents.inc({ channel, outcome }, count);
  }

  /** `outcome`: `delivered`, `retry`, `dead`, ... of one attempt. */
  delivery(destination: string, outcome: string, seconds: number): void {
    this.deliveries.inc({ destination, outcome });
    this.deliverySeconds.observe({ destination }, seconds);
  }

  /** `outcome`: `sent`, `retry`, `failed`, ... of one attempt. */
  send(account: string, outcome: string, seconds: number): void {
    this.sends.inc({ account, outcome });
    this.sendSeconds.observe({ account }, seconds);
  }

  request(method: string, route: string, { status, seconds }: { status: number; seconds: number }): void {
    this.requests.inc({ method, route, status: String(status) });
    this.requestSeconds.observe({ method, route }, seconds);
  }

  /** How long something waited in the outbox, retries and all, until it was taken. */
  taken(kind: 'event' | 'unit', seconds: number): void {
    this.waited.observe({ kind }, seconds);
  }

  /** A number that is read when somebody asks for it. A reading that fails is left out. */
  gauge(name: string, help: string, read: () => number | Promise<number>): void {
    new Gauge({
      name,
      help,
      registers: [this.registry],
      async collect() {
        try {
          this.set(await read());
        } catch {
          this.remove();
        }
      },
    });
  }

  private counter(name: string, help: string, labelNames: string[]): Counter {
    return new Counter({ name, help, labelNames, registers: [this.registry] });
  }

  private histogram(name: string, help: string, labelNames: string[]): Histogram {
    return new Histogram({ name, help, labelNames, buckets: LATENCY, registers: [this.registry] });
  }
}

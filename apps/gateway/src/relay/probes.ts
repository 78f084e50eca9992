import type { Deliveries, Leases } from '#conversations';
import type { Logger } from 'pino';
import type { Directory } from '../directory/index.js';

const LEASE = 'probes';
const EVERY_MS = 20_000;
const CHECK_MS = 30_000;

export interface ProbeParts {
  readonly leases: Leases;
  readonly directory: Pick<Directory, 'destination' | 'connectorContext' | 'changed'>;
  readonly deliveries: Pick<Deliveries, 'probesDue' | 'resume'>;
  readonly log: Pick<Logger, 'info' | 'warn'>;
  readonly everyMs?: number;
}

/** Looks whether destinations that paused by themselves can go on: their connector's own test says so. In one process at a time. */
export class Probes {
  private stopped = false;
  private timer: NodeJS.Timeout | undefined;
  private running: Promise<void> = Promise.resolve();
  private readonly stopping = new AbortController();

  constructor(private readonly parts: ProbeParts) {}

  start(): void {
    this.timer = setTimeout(() => {
      this.running = this.round().finally(() => !this.stopped && this.start());
    }, this.parts.everyMs ?? EVERY_MS).unref();
  }

  async stop(): Promise<void> {
    this.stopped = true;
    clearTimeout(this.timer);
    this.stopping.abort();
    await this.running;
  }

  /** One round, unless another process is at it. Never throws. */
  async round(): Promise<void> {
    const { leases, deliveries, log } = this.parts;
    try {
      const [lease] = await leases.acquire([LEASE]);
      if (!lease) return;
      try {
        for (const id of await deliveries.probesDue()) await this.probe(id);
      } finally {
        await leases.release([lease]);
      }
    } catch (error) {
      log.warn({ err: error }, 'destinations that are paused could not be looked at');
    }
  }

  private async probe(id: string): Promise<void> {
    const { directory, deliveries, log } = this.parts;
    const destination = directory.destination(id);
    if (!destination?.connector.check) return;
    const signal = AbortSignal.any([this.stopping.signal, AbortSignal.timeout(CHECK_MS)]);
    const { ok, detail } = await destination.connector.check(
      directory.connectorContext(destination, { signal, replay: false }),
    );
    if (!ok) return log.info({ destination: id, detail }, 'a destination that is paused does not work yet');
    if (await deliveries.resume(id))
      log.warn({ destination: id }, 'a destination that paused by itself works again: deliveries go on');
    await directory.changed();
  }
}

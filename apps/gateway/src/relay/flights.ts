import type { Log } from './ports.js';
import type { Outcome } from './route.js';

/** An adapter that does not heed its signal is left behind after this. */
const GRACE_MS = 2_000;

interface FlightParts {
  /** After this a dispatch is told to give up, milliseconds. */
  readonly dispatchMs: number;
  /** How long what was left behind waits, or what failed by itself, milliseconds. */
  readonly retryMs: number;
  readonly log: Log;
}

/** Dispatches under way. Each ends: by itself, by its signal, or by being left behind. */
export class Flights {
  /** What tells each of them to give up. */
  private readonly aborts = new Set<() => void>();

  constructor(private readonly parts: FlightParts) {}

  /** Never throws. `target` is for the log. */
  fly(target: string, dispatch: (signal: AbortSignal) => Promise<Outcome>): Promise<Outcome> {
    const { dispatchMs, retryMs, log } = this.parts;
    return new Promise((resolve) => {
      const controller = new AbortController();
      const over = (outcome: Outcome): void => {
        clearTimeout(timer);
        this.aborts.delete(abort);
        resolve(outcome);
      };
      const abort = (): void => {
        controller.abort();
        setTimeout(() => over({ results: [], health: 'down', retryMs }), GRACE_MS).unref();
      };
      const timer = setTimeout(abort, dispatchMs);
      this.aborts.add(abort);
      dispatch(controller.signal).then(over, (error: unknown) => {
        log.error({ err: error, target }, 'a dispatch failed');
        over({ results: [], health: 'unknown', retryMs });
      });
    });
  }

  /** Tells all of them to give up. */
  abort(): void {
    for (const abort of this.aborts) abort();
  }
}

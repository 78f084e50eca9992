import { ProviderFailure } from '#normalizer';
import type { StateReport } from './account-states.js';

const FIRST_MS = 1_000;
const MOST_MS = 60_000;
/** Failures in a row after which a person should look. */
const ALARMING = 5;

/** Counts failures in a row: how long to wait before the next attempt, and what to say of the account. */
export class Patience {
  private failures = 0;

  constructor(private readonly random: () => number = Math.random) {}

  succeeded(): void {
    this.failures = 0;
  }

  /** Milliseconds until the next attempt: doubling from 1 s to 60 s, half of it by chance; a Retry-After is obeyed. */
  failed(error: unknown): number {
    const ceiling = Math.min(MOST_MS, FIRST_MS * 2 ** this.failures);
    this.failures += 1;
    const asked = error instanceof ProviderFailure ? (error.retryAfterMs ?? 0) : 0;
    return Math.max(asked, ceiling / 2 + (ceiling / 2) * this.random());
  }

  /** What a failure says of the account's connection. Texts of unknown errors are not repeated: they may hold anything. */
  report(error: unknown): StateReport {
    const detail = error instanceof ProviderFailure ? error.message : 'the connection failed';
    const code = error instanceof ProviderFailure ? error.code : 'unavailable';
    if (code === 'unauthorized')
      return { state: 'disconnected', detail, action: "Renew the account's credentials: the provider refuses them." };
    if (code === 'config-invalid') return { state: 'disconnected', detail, action: "Correct the account's settings." };
    if (this.failures < ALARMING) return { state: 'degraded', detail, action: null };
    return {
      state: 'disconnected',
      detail,
      action: 'Check that the provider is reachable; the gateway goes on trying.',
    };
  }
}

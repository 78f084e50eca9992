import { ProviderFailure } from '#normalizer';
import type { Held } from './connector.js';

/** A connection as a link keeps it. `lost` settles once it cannot be used any more; `close` never throws. */
export interface Connection extends Held {
  readonly lost: Promise<unknown>;
}

/**
 * One connection for all deliveries of a destination: opened when it is needed, kept as long as it stands, opened anew when it was lost. It does
 * not try again by itself: the relay decides when a delivery is tried again, and so the failure of an attempt is told to whom it concerns.
 */
export class Link<T extends Connection> implements Held {
  private current: Promise<T> | undefined;
  private ended = false;

  /** `open` throws a `ProviderFailure`, and leaves nothing open then. */
  constructor(private readonly open: () => Promise<T>) {}

  /** The connection. All who ask while it is being opened share the attempt. */
  get(): Promise<T> {
    if (this.ended)
      return Promise.reject(new ProviderFailure('unavailable', 'the settings of the destination changed'));
    return (this.current ??= this.begin());
  }

  /** Closes a connection that is of no use: the next one who asks gets another. */
  async drop(connection: T): Promise<void> {
    if (this.current && (await this.current.catch(() => undefined)) === connection) this.current = undefined;
    await connection.close();
  }

  async close(): Promise<void> {
    this.ended = true;
    await this.current?.then(
      (connection) => connection.close(),
      () => undefined,
    );
  }

  private begin(): Promise<T> {
    const opening = this.open();
    const forget = (): void => void (this.current === opening && (this.current = undefined));
    opening.then(({ lost }) => lost.then(forget, forget), forget);
    return opening;
  }
}

/** How long to wait, and what it means when the time is over or the wait is given up. */
export interface Patience {
  readonly ms: number;
  readonly signal: AbortSignal;
  readonly code: 'unavailable' | 'outcome-unknown';
  /** What did not come, such as `a confirmation`. */
  readonly what: string;
}

/** The result of `work`, or a `ProviderFailure` when it takes too long or is given up. `work` itself goes on. */
export async function within<T>(work: Promise<T>, { ms, signal, code, what }: Patience): Promise<T> {
  let stop: (() => void) | undefined;
  const over = new Promise<never>((_, reject) => {
    const fail = (why: string) => reject(new ProviderFailure(code, `${what} did not come${why}`));
    const timer = setTimeout(() => fail(` within ${ms} ms`), ms);
    const abort = (): void => fail(': given up by the caller');
    stop = () => (clearTimeout(timer), signal.removeEventListener('abort', abort));
    signal.addEventListener('abort', abort, { once: true });
    if (signal.aborted) abort();
  });
  work.catch(() => undefined);
  return Promise.race([work, over]).finally(stop);
}

/** What the failure to open a connection means: an address that the network's rules refuse is the operator's business, anything else passes. */
export function connectionFailure(servers: string, error: unknown): ProviderFailure {
  if (error instanceof ProviderFailure) return error;
  const chain = causes(error);
  const blocked = chain.find(({ name }) => name === 'BlockedAddress');
  if (blocked) return new ProviderFailure('config-invalid', blocked.message);
  const code = chain.find((cause) => typeof cause.code === 'string')?.code;
  const detail = chain.find(({ message }) => message)?.message ?? 'connection failed';
  return new ProviderFailure('unavailable', `${servers} cannot be reached: ${detail}`, { providerCode: code });
}

/** An error, what caused it, and what was gathered in it. Told by shape: errors of Node's own may belong to another realm than ours. */
function causes(error: unknown, depth = 0): NodeJS.ErrnoException[] {
  if (typeof error !== 'object' || error === null || depth > 8) return [];
  const { cause, errors } = error as { cause?: unknown; errors?: unknown };
  const inner = [cause, ...(Array.isArray(errors) ? (errors as unknown[]) : [])];
  return [error as NodeJS.ErrnoException, ...inner.flatMap((one) => causes(one, depth + 1))];
}

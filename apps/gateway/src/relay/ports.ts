import type { Lease } from '#conversations';
import type { afterDelivery, afterSend } from '#helpdesk';
import type { Directory } from '../directory/index.js';

/** What the relay needs of the directory. */
export type RelayDirectory = Pick<
  Directory,
  'account' | 'accounts' | 'destination' | 'destinations' | 'adapterContext' | 'connectorContext' | 'onChange'
>;

/** The sockets that this process holds open. */
export interface Sessions {
  /** The live session of an account and the lease `account:<id>` under which it is held; undefined where another process holds it, or none. */
  of(accountId: string): { readonly session: unknown; readonly lease: Lease } | undefined;
  /** Called when a session was opened or lost; returns how to stop. */
  onChange(listener: () => void): () => void;
}

/** No sockets at all. */
export const NO_SESSIONS: Sessions = { of: () => undefined, onChange: () => () => undefined };

/** What was done with one entry, for metrics and logs. */
export interface Observation {
  readonly kind: 'event' | 'unit';
  readonly targetId: string;
  /**
   * `delivered`, `dead`, `dropped`, `retry`; of units `sent`, `delivered`, `failed`; `stale`: the lease was lost, another process decides; `refused`: the
   * database did not take the result.
   */
  readonly outcome: string;
  /** The failure's code, where there is one. */
  readonly code?: string;
  /** Of this attempt, milliseconds. */
  readonly durationMs: number;
  /** Since it was put into the outbox, milliseconds. */
  readonly latencyMs: number;
}

/** The little that is needed of pino. */
export interface Log {
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}

/** The retry table. */
export interface RetryRules {
  readonly afterDelivery: typeof afterDelivery;
  readonly afterSend: typeof afterSend;
}

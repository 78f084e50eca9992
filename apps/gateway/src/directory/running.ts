import type { ChannelAdapter } from '#channels';
import type { AccountRecord, DestinationFilter, DestinationRecord } from '#conversations';
import type { HelpdeskConnector } from '#helpdesk';
import { mapSecrets, parseWith } from '#normalizer';
import type { z } from 'zod';

/** An account that this process serves: its settings are complete. */
export interface RunningAccount {
  readonly id: string;
  readonly type: string;
  readonly name: string | null;
  readonly adapter: ChannelAdapter<unknown, unknown>;
  /** Parsed by the adapter's schema, secrets open. */
  readonly config: unknown;
  readonly continuity: 'contact' | 'thread';
  readonly reopenWithinS: number;
  readonly enabled: boolean;
  readonly managedBy: 'file' | 'api';
  /** Its secrets, for redaction. */
  readonly secrets: readonly string[];
  /** Changes with every change of the account. */
  readonly version: string;
}

/** A destination that this process serves. */
export interface RunningDestination {
  readonly id: string;
  readonly type: string;
  readonly name: string | null;
  readonly connector: HelpdeskConnector<unknown>;
  readonly config: unknown;
  readonly signingSecrets: readonly string[];
  readonly state: 'active' | 'paused';
  readonly pausedReason: string | null;
  readonly managedBy: 'file' | 'api';
  readonly filter: DestinationFilter;
  readonly secrets: readonly string[];
  readonly version: string;
}

/** Throws `InvalidInput` where the settings are not complete, an `Error` with the record's own problem. */
export function runAccount(
  record: AccountRecord,
  adapter: ChannelAdapter<unknown, unknown> | undefined,
): RunningAccount {
  if (!adapter || record.problem) throw new Error(record.problem ?? `there is no channel ${record.type}`);
  const { id, type, name, continuity, reopenWithinS, enabled, managedBy, updatedAt } = record;
  return {
    ...{ id, type, name, adapter, continuity, reopenWithinS, enabled, managedBy },
    config: parseWith(adapter.config, record.config),
    secrets: secretsIn(adapter.config, record.config),
    version: `${updatedAt} ${JSON.stringify(record.config)}`,
  };
}

/** Throws as `runAccount` does. */
export function runDestination(
  record: DestinationRecord,
  connector: HelpdeskConnector<unknown> | undefined,
): RunningDestination {
  if (!connector || record.problem) throw new Error(record.problem ?? `there is no connector ${record.type}`);
  const { id, type, name, signingSecrets, state, pausedReason, managedBy, filter, updatedAt } = record;
  return {
    ...{ id, type, name, connector, signingSecrets, state, pausedReason, managedBy, filter },
    config: parseWith(connector.config, record.config),
    secrets: [...new Set([...signingSecrets, ...secretsIn(connector.config, record.config)])],
    version: `${updatedAt} ${JSON.stringify([record.config, signingSecrets])}`,
  };
}

function secretsIn(schema: z.ZodType, config: Record<string, unknown>): string[] {
  const found: string[] = [];
  mapSecrets(schema, config, (secret) => (found.push(secret), secret));
  return found;
}

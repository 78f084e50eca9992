import { type Deliveries, presentEvent } from '#conversations';
import { DeliveryRefused } from '#helpdesk';
import { ProviderFailure } from '#normalizer';
import type { RunningDestination, Directory } from '../directory/index.js';
import { failureOf } from './deliver.route.js';

/** What a ticket system lacks of one conversation. */
export interface Lack {
  readonly conversationId: string;
  readonly ticketId: string | null;
  readonly problem: 'no-ticket' | 'missing';
  readonly eventIds: readonly string[];
}

export interface Reconciling {
  readonly deliveries: Pick<Deliveries, 'taken'>;
  readonly directory: Pick<Directory, 'connectorContext'>;
  readonly signUrl: (fileId: string) => string;
}

/**
 * Conversations of which the ticket system took everything, as far as is known here, and which it does not hold whole. Where it refuses to go on, what was found comes with where
 * to begin again; throws `ProviderFailure` where that is nothing.
 */
export async function reconcile(
  { deliveries, directory, signUrl }: Reconciling,
  destination: RunningDestination,
  page: { from: string; to: string; after: string; limit: number; signal: AbortSignal },
): Promise<{ items: Lack[]; checked: number; next: string | null }> {
  const { conversations, next } = await deliveries.taken(destination.id, page);
  const context = directory.connectorContext(destination, { signal: page.signal, replay: false });
  const items: Lack[] = [];
  let [checked, reached] = [0, page.after];
  for (const rows of conversations) {
    const events = rows.map((row) => presentEvent(row, { destinationId: destination.id, signUrl }));
    const conversationId = events[0]!.data!.conversation!.id;
    let found;
    try {
      found = await destination.connector.missing!(events, context);
    } catch (error) {
      if (checked === 0) throw error instanceof DeliveryRefused ? asFailure(error) : error;
      return { items, checked, next: reached };
    }
    checked += 1;
    reached = conversationId;
    const base = { conversationId, ticketId: found?.ticketId || null };
    if (!found) items.push({ ...base, problem: 'no-ticket', eventIds: events.map(({ id }) => id) });
    else if (found.ids.length > 0) items.push({ ...base, problem: 'missing', eventIds: found.ids });
  }
  return { items, checked, next };
}

function asFailure(error: DeliveryRefused): ProviderFailure {
  const { retryAfterMs } = error;
  const { code, message, providerCode } = failureOf(error);
  return new ProviderFailure(code, message, {
    ...(providerCode !== undefined && { providerCode }),
    ...(retryAfterMs !== undefined && { retryAfterMs }),
  });
}

import { DeliveryRefused } from '../core/connector.js';
import type { TicketStatus } from '../tickets/index.js';
import type { Status } from './redmine.api.js';
import type { RedmineConfig } from './redmine.config.js';

type Names = Pick<RedmineConfig, 'statuses'>;

/** The status of the system that a conversation's status is. Throws `DeliveryRefused` where there is none of the name in the settings. */
export function statusFor(status: TicketStatus, all: readonly Status[], { statuses }: Names): Status {
  const name = status === 'pending' ? (statuses.pending ?? statuses.open) : statuses[status];
  const found = all.find((one) => (name === undefined ? one.is_closed === (status === 'closed') : one.name === name));
  if (!found) throw new DeliveryRefused(422, `there is no status ${JSON.stringify(name ?? status)}`);
  return found;
}

/** What a status of the system is to a conversation; undefined for one that the system does not have. */
export function kindOf(id: string, all: readonly Status[], { statuses }: Names): TicketStatus | undefined {
  const found = all.find((one) => String(one.id) === id);
  if (!found) return undefined;
  if (found.is_closed) return 'closed';
  return found.name === statuses.pending ? 'pending' : 'open';
}

import type { TicketStatus } from '../tickets/index.js';
import { fieldOf, kindOf, type Context, type FreshdeskTicket } from './freshdesk.api.js';

/** Our clock and that of Freshdesk may differ by as much. */
const SKEW_MS = 120_000;

/** What `stateField` says of a status that we give a ticket now: Freshdesk does not tell who changed one. */
export function stateOf(status: TicketStatus, now: number): string {
  return `${status} ${new Date(now).toISOString()}`;
}

/**
 * The status that somebody else than we gave the ticket, and when; null where it is the one that we gave it. `told`: when others were last told to have
 * changed it; what came after that, and not after us, is theirs.
 */
export function movedByOthers(
  found: FreshdeskTicket,
  { config }: Pick<Context, 'config'>,
  told: string | null,
): { status: TicketStatus; at: string } | null {
  const [given, since = ''] = fieldOf(found, config.stateField)?.split(' ') ?? [];
  const status = kindOf(found.status, config);
  const at = found.stats?.status_updated_at ?? found.updated_at;
  const isTheirs =
    given !== status ||
    Date.parse(at) - Date.parse(since) > SKEW_MS ||
    (told !== null && Date.parse(told) >= Math.floor(Date.parse(since) / 1_000) * 1_000);
  return isTheirs ? { status, at } : null;
}

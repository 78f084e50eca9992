import type { TicketStatus } from '../tickets/index.js';
import { kindOf, type Conversation } from './chatwoot.api.js';

// Chatwoot does not tell who changed a status. Before we change one we write onto the conversation to what, and when: a status that changed since we looked,
// and not to that, was changed by somebody else.

/** The attribute of a conversation that holds its external id, and that which holds the status that we gave it last. */
export const [BEARS, GIVEN] = ['tributary', 'tributary_status'];

/** Between the mark and the change there is a request; a mark that is older was never followed by its change. */
const LONGEST_CHANGE_MS = 60_000;

/** What was seen of a conversation: its status, and the mark whose change was seen. */
export type SeenStatus = readonly [status: TicketStatus, mark: string];

export function markOf(status: TicketStatus, now: number): string {
  return `${status} ${new Date(now).toISOString()}`;
}

/** What is seen now, and whether somebody else than us made it so. A conversation that was not seen before is what we made it. */
export function lookAt(
  { status: given, custom_attributes }: Conversation,
  before: SeenStatus | undefined,
  now: number,
): { seen: SeenStatus; byOthers: boolean } {
  const status = kindOf(given);
  const mark = String(custom_attributes?.[GIVEN] ?? '');
  const [wanted = '', at = ''] = mark.split(' ');
  const isYoung = now - Date.parse(at) <= LONGEST_CHANGE_MS;
  const [was, done] = before ?? (isYoung ? [status, ''] : [wanted || 'open', mark]);
  const isOurs = mark !== done && wanted === status;
  const isOver = isOurs || !isYoung;
  return { seen: [status, isOver ? mark : done], byOthers: status !== was && !isOurs };
}

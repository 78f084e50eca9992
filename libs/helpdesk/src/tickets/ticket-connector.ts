import type { StreamEvent } from '#normalizer';
import type { ConnectorContext, HelpdeskConnector } from '../core/connector.js';
import { deliverTo } from './delivery.js';
import type { TicketSettings } from './settings.js';
import { stepsOf } from './steps.js';
import type { TicketSystem } from './system.js';

/** Tickets of one conversation that are looked through at most. */
const MOST_TICKETS = 50;

/** A connector of a ticket system's operations. */
export function ticketConnector<C extends TicketSettings>(system: TicketSystem<C>): HelpdeskConnector<C> {
  const { type, title, config, capabilities, callback, poll, openFile } = system;
  const { batch = 1, gatherMs, maxAttachmentBytes } = capabilities;
  const replies = [...(callback ? ['callback' as const] : []), ...(poll ? ['poll' as const] : [])];
  return {
    type,
    title,
    config,
    capabilities: { kind: 'tickets', batch, ...(gatherMs !== undefined && { gatherMs }), replies, maxAttachmentBytes },
    async deliver(events, ctx) {
      await deliverTo(system, events, ctx);
      return {};
    },
    ...(system.find &&
      system.recorded && {
        missing: (events: readonly StreamEvent[], ctx: ConnectorContext<C>) => missingFrom(system, events, ctx),
      }),
    ...(callback && { callback }),
    ...(poll && { poll }),
    ...(openFile && { openFile: openFile.bind(system) }),
    check: (ctx) => system.check(ctx),
  };
}

/** Looks through every ticket that the conversation ever was. What came before the first message that opens one is in none. */
async function missingFrom<C extends TicketSettings>(
  system: TicketSystem<C>,
  events: readonly StreamEvent[],
  ctx: ConnectorContext<C>,
): Promise<{ ticketId: string; ids: string[] } | null> {
  const reader = {
    destinationId: ctx.destinationId,
    settings: ctx.config,
    capabilities: system.capabilities,
    sharedWith: [],
  };
  const drafts = events
    .flatMap((event) => stepsOf(event, reader))
    .flatMap((step) => (step.kind === 'entry' ? step.draft : []));
  const first = drafts.findIndex(({ opens }) => opens);
  const conversationId = drafts[0]?.data.conversation?.id;
  const known = conversationId ? await ctx.reference(conversationId) : null;
  let ids = (known ? drafts : first < 0 ? [] : drafts.slice(first)).flatMap((draft) => draft.ids);
  if (!conversationId || ids.length === 0) return { ticketId: known?.ticketId ?? '', ids: [] };
  let ticketId: string | null = null;
  const seen = new Set<string>();
  const look = async (id: string): Promise<void> => {
    seen.add(id);
    const held = await system.recorded?.(id, ids, ctx);
    if (!held) return;
    ticketId = id;
    ids = ids.filter((one) => !held.includes(one));
  };
  if (known) await look(known.ticketId);
  for (let next = await system.find?.(conversationId, ctx); next && seen.size < MOST_TICKETS;) {
    if (!seen.has(next.id)) await look(next.id);
    next = await system.find?.(`${conversationId}.${next.id}`, ctx);
  }
  return ticketId === null ? null : { ticketId, ids };
}

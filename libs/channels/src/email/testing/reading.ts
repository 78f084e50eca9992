import type { InboundEventInput } from '#normalizer';
import type { AccountContext } from '../read/context.js';
import { readInbound } from '../read/inbound.js';

/** The events that are made of a mail, before it has its place among what is stored. */
export async function eventsIn(source: Uint8Array, context: AccountContext): Promise<InboundEventInput[]> {
  return (await readInbound(source, context)).map(({ event }) => event);
}

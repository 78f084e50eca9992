import type { ChannelAdapter } from './adapter.js';

const defined = new WeakSet<object>();

/**
 * Says that an adapter of a package is one of this very kit. A gateway loads no other: failures of a second copy of the kit would not be known
 * for what they are. Returns the adapter.
 */
export function defineChannel<C, S = never>(adapter: ChannelAdapter<C, S>): ChannelAdapter<unknown, unknown> {
  defined.add(adapter);
  return adapter as unknown as ChannelAdapter<unknown, unknown>;
}

/** Was it defined by this copy of the kit? */
export function isDefinedChannel(candidate: unknown): candidate is ChannelAdapter<unknown, unknown> {
  return typeof candidate === 'object' && candidate !== null && defined.has(candidate);
}

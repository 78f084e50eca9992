import type { HelpdeskConnector } from './connector.js';

const defined = new WeakSet<object>();

/**
 * Says that a connector of a package is one of this very kit. A gateway loads no other: failures of a second copy of the kit would not be known
 * for what they are. Returns the connector.
 */
export function defineConnector<C>(connector: HelpdeskConnector<C>): HelpdeskConnector {
  defined.add(connector);
  return connector as unknown as HelpdeskConnector;
}

/** Was it defined by this copy of the kit? */
export function isDefinedConnector(candidate: unknown): candidate is HelpdeskConnector {
  return typeof candidate === 'object' && candidate !== null && defined.has(candidate);
}

import type { CallbackCase, ConnectorSubject } from '../subject.js';
import type { TicketSubject } from './subject.js';

/** The subject for checks of connectors of every kind: a system that is answered for, not played. */
export function asConnectorSubject<C>(subject: TicketSubject<C>): ConnectorSubject<C> {
  const { connector, destinations, now, sign, waivers } = subject;
  return {
    ...{ connector, destinations, now },
    system: () => ({ status: 500 }),
    deliveries: [],
    ...(sign && { sign }),
    callbacks: connector.callback ? [{} as CallbackCase] : [],
    ...(waivers && { waivers }),
  };
}

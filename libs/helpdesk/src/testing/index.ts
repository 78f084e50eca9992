import { registerChecks, type Check } from '#transport/testing';
import { callbackChecks } from './callback-checks.js';
import { connectorChecks, declarationOf, settingsOf } from './connector-checks.js';
import { deliveryChecks } from './delivery-checks.js';
import { failureChecks } from './failure-checks.js';
import { describeOnServer } from './server.js';
import { sinkChecks } from './sink-checks.js';
import { sinkFailureChecks } from './sink-failure-checks.js';
import type { SinkSubject } from './sink-subject.js';
import type { ConnectorSubject } from './subject.js';
import { ticketSystemChecks } from './tickets/index.js';
import type { TicketSubject } from './tickets/subject.js';

export * from '#transport/testing';
export type { Certificate } from '#transport/testing';
export { FILE, messageEvent } from './bench.js';
export { openGate, type Gate } from './gate.js';
export { comesTrue, withSinks, type SinkBench } from './sink-bench.js';
export { binaryMissing, describeOnServer, freePort, startServer, type RunningServer } from './server.js';
export * from './sink-subject.js';
export * from './subject.js';
export { ticketBook } from './ticket-book.js';
export * from './tickets/index.js';

/** The conformance suite as data: every check that every connector which speaks HTTP must pass. */
export const helpdeskChecks: readonly Check<ConnectorSubject>[] = [
  ...connectorChecks,
  ...deliveryChecks,
  ...failureChecks,
  ...callbackChecks,
];

/** The same for connectors that speak another protocol, whose system runs beside the suite. */
export const helpdeskSinkChecks: readonly Check<SinkSubject>[] = [
  {
    name: 'describes every setting, marks secrets, says where the system is',
    run: ({ connector, address }) => settingsOf(connector, address),
  },
  { name: 'declares itself soundly, and has the members that it promises', run: declarationOf },
  ...sinkChecks,
  ...sinkFailureChecks,
];

/** Registers the conformance suite for a connector, one test per check. Call it at the top level of the connector's spec. */
export function conformance<C>(subject: ConnectorSubject<C> | TicketSubject<C> | SinkSubject<C>): void {
  const title = `conformance of ${subject.connector.type}`;
  if (subject.connector.capabilities.kind === 'tickets')
    return registerChecks(title, ticketSystemChecks, subject as unknown as TicketSubject);
  if (!('start' in subject)) return registerChecks(title, helpdeskChecks, subject as unknown as ConnectorSubject);
  const sink = subject as unknown as SinkSubject;
  describeOnServer(title, sink.missing?.(), (named) => registerChecks(named, helpdeskSinkChecks, sink));
}

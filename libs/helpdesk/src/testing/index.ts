import { registerChecks, type Check } from '#transport/testing';
import { callbackChecks } from './callback-checks.js';
import { connectorChecks } from './connector-checks.js';
import { deliveryChecks } from './delivery-checks.js';
import { failureChecks } from './failure-checks.js';
import type { ConnectorSubject } from './subject.js';

export * from '#transport/testing';
export { FILE, messageEvent } from './bench.js';
export * from './subject.js';

/** The conformance suite as data: every check that every connector must pass. */
export const helpdeskChecks: readonly Check<ConnectorSubject>[] = [
  ...connectorChecks,
  ...deliveryChecks,
  ...failureChecks,
  ...callbackChecks,
];

/** Registers the conformance suite for a connector, one test per check. Call it at the top level of the connector's spec. */
export function conformance<C>(subject: ConnectorSubject<C>): void {
  registerChecks(`conformance of ${subject.connector.type}`, helpdeskChecks, subject as unknown as ConnectorSubject);
}

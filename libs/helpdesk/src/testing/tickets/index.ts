import type { Check } from '#transport/testing';
import { answerChecks } from './answer-checks.js';
import { contentChecks } from './content-checks.js';
import { operationChecks } from './operation-checks.js';
import type { TicketSubject } from './subject.js';
import { ticketChecks } from './ticket-checks.js';
import { unknownChecks } from './unknown-checks.js';

export { withDesks, type Desk } from './bench.js';
export { picture, Story } from './events.js';
export { seen, seenText } from './seen.js';
export * from './subject.js';

/** The conformance suite of connectors to ticket systems, as data. */
export const ticketSystemChecks: readonly Check<TicketSubject>[] = [
  ...operationChecks,
  ...ticketChecks,
  ...unknownChecks,
  ...contentChecks,
  ...answerChecks,
];

// `tributary/helpdesk-kit/testing`: the conformance suite of connectors, and what it is fed with.
export { FILE, messageEvent } from './bench.js';
export { conformance, helpdeskChecks } from './index.js';
export type * from './sink-subject.js';
export type * from './subject.js';
export { picture, seen, seenText, Story, withDesks } from './tickets/index.js';
export type { Desk } from './tickets/index.js';
export type * from './tickets/subject.js';
export type { Exchange, RawExchange } from '#transport';
export { fakeProvider, loadAnswer, loadFixture, NOBODY, rawRequest, runCheck } from '#transport/testing';
export type {
  Check,
  FakeAnswer,
  FakeProvider,
  LoggedRequest,
  RecordedAnswer,
  RecordedRequest,
  Responder,
  Waiver,
} from '#transport/testing';

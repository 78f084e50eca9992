// `tributary/helpdesk-kit/testing`: the conformance suite of connectors, and what it is fed with.
export { FILE, messageEvent } from './bench.js';
export { conformance, helpdeskChecks } from './index.js';
export type * from './subject.js';
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

// `tributary/channel-kit/testing`: the conformance suite of channels, and what it is fed with.
export { FILE, fileUrl } from './bench.js';
export { channelChecks, conformance } from './index.js';
export type {
  AccountSample,
  ChannelSubject,
  ExpectedRequest,
  InboundCase,
  OutboundCase,
  PollCase,
  Refusal,
  SocketCase,
  SocketProvider,
} from './subject.js';
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

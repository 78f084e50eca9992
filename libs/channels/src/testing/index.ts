import { registerChecks, type Check } from '#transport/testing';
import { adapterChecks } from './adapter-checks.js';
import { inboundChecks } from './inbound-checks.js';
import { isolationChecks } from './isolation-checks.js';
import { outboundChecks } from './outbound-checks.js';
import { sendChecks } from './send-checks.js';
import { socketChecks } from './socket-checks.js';
import type { ChannelSubject } from './subject.js';

export * from '#transport/testing';
export { FILE, fileUrl } from './bench.js';
export * from './subject.js';
export * from '../wechat/testing/index.js';

/** The conformance suite as data: every check that every adapter must pass. */
export const channelChecks: readonly Check<ChannelSubject>[] = [
  ...adapterChecks,
  ...inboundChecks,
  ...socketChecks,
  ...outboundChecks,
  ...sendChecks,
  ...isolationChecks,
];

/** Registers the conformance suite for an adapter, one test per check. Call it at the top level of the adapter's spec. */
export function conformance<C>(subject: ChannelSubject<C>): void {
  registerChecks(`conformance of ${subject.adapter.type}`, channelChecks, subject as unknown as ChannelSubject);
}

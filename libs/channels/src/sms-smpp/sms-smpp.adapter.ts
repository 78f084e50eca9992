import type { ChannelAdapter } from '../core/adapter.js';
import { smsCapabilities } from '../sms/capabilities.js';
import { recipientOf } from '../sms/recipient.js';
import { rateOf } from '../sms/throughput.js';
import { open, type SmppSession } from './session.js';
import { smsSmppConfig, type SmsSmppConfig } from './sms-smpp.config.js';
import { check, send } from './sms-smpp.send.js';

/** Ten segments, whichever the alphabet. */
const MOST_SEPTETS = 1_530;

const capabilities = smsCapabilities({
  text: { max: MOST_SEPTETS, unit: 'gsm7', segments: { alphabet: 'gsm7' } },
  receipts: ['delivered', 'failed'],
  rate: { perSecond: 10, perThreadPerSecond: 0.5 },
});

/** SMS by the message centre (SMSC) of any carrier or aggregator, over SMPP 3.4. */
export const smsSmpp: ChannelAdapter<SmsSmppConfig, SmppSession> = {
  type: 'sms-smpp',
  title: 'SMS (SMPP)',
  config: smsSmppConfig,
  continuity: 'contact',
  capabilities,
  capabilitiesOf: ({ throughput }) => ({ ...capabilities, rate: rateOf(throughput) }),
  ingress: { socket: { sends: true, open, close: (session) => session.close() } },
  admit: (_unit, to) => void recipientOf(to),
  send,
  check,
};

import type { ChannelAdapter } from '../core/adapter.js';
import { smsCapabilities } from '../sms/capabilities.js';
import { recipientOf } from '../sms/recipient.js';
import { rateOf } from '../sms/throughput.js';
import { open, type SmppSession } from './session.js';
import { smsSmppConfig, type SmsSmppConfig } from './sms-smpp.config.js';
import { check, send } from './sms-smpp.send.js';

/** Ten segments, whichever the alphabet; fewer of GSM-7 where the header is longer, for 660 units of UCS-2 fill ten then. */
const MOST_SEPTETS = 1_530;
const MOST_WIDE = 1_508;

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
  capabilitiesOf: ({ throughput, alphabet, longMessages }) => {
    const wide = longMessages === 'udh16';
    const segments = { alphabet, ...(wide && { header: 7 }) };
    return {
      ...capabilities,
      text: { ...capabilities.text, max: wide ? MOST_WIDE : MOST_SEPTETS, segments },
      rate: rateOf(throughput),
    };
  },
  ingress: { socket: { sends: true, open, close: (session) => session.close() } },
  admit: (_unit, to) => void recipientOf(to),
  send,
  check,
};

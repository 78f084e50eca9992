import type { ChannelAdapter } from '../core/adapter.js';
import { smsCapabilities } from '../sms/capabilities.js';
import { recipientOf } from '../sms/recipient.js';
import { rateOf } from '../sms/throughput.js';
import { smsTwilioConfig, type SmsTwilioConfig } from './sms-twilio.config.js';
import { fetchMedia } from './sms-twilio.media.js';
import { parse } from './sms-twilio.parse.js';
import { check, send } from './sms-twilio.send.js';
import { verifySignature } from './sms-twilio.signature.js';

/** Ten segments, whichever the alphabet; Twilio takes 1,600 characters at most. */
const MOST_SEPTETS = 1_530;

const capabilities = smsCapabilities({
  text: { max: MOST_SEPTETS, unit: 'gsm7', segments: { alphabet: 'gsm7' } },
  receipts: ['sent', 'delivered', 'read', 'failed'],
  media: { image: { mimeTypes: ['image/jpeg', 'image/png', 'image/gif'], maxBytes: 5_000_000, caption: true } },
  rate: { perSecond: 10, perThreadPerSecond: 0.5 },
});

/** SMS and MMS by Twilio Programmable Messaging. */
export const smsTwilio: ChannelAdapter<SmsTwilioConfig> = {
  type: 'sms-twilio',
  title: 'SMS (Twilio)',
  config: smsTwilioConfig,
  continuity: 'contact',
  capabilities,
  capabilitiesOf: ({ mms, throughput }) => ({
    ...capabilities,
    media: mms ? capabilities.media : {},
    rate: rateOf(throughput),
  }),
  ingress: {
    webhook: {
      guard: 'signature',
      maxBytes: 65_536,
      verify: (request, { config, publicUrl }) =>
        verifySignature(request, {
          tokens: [config.authToken, ...(config.secondaryAuthToken ? [config.secondaryAuthToken] : [])],
          publicUrl,
        }),
      parse,
    },
  },
  admit: (_unit, to) => void recipientOf(to),
  send,
  check,
  fetchMedia,
};

import type { ChannelAdapter } from '../core/adapter.js';
import { isAllowed } from '../sms/address-list.js';
import { smsCapabilities } from '../sms/capabilities.js';
import { rateOf } from '../sms/throughput.js';
import { smsTencentConfig, type SmsTencentConfig } from './sms-tencent.config.js';
import { parse } from './sms-tencent.parse.js';
import { poll } from './sms-tencent.pull.js';
import { check, send } from './sms-tencent.send.js';
import { admit, capabilitiesTo } from './sms-tencent.ways.js';

const capabilities = smsCapabilities({
  text: { max: 500, unit: 'utf16', segments: { alphabet: 'ucs2' } },
  template: 'full',
  receipts: ['delivered', 'failed'],
  rate: { perSecond: 50, perThreadPerSecond: 0.5 },
});

/** SMS by Tencent Cloud (腾讯云短信): templates, in mainland China and abroad. */
export const smsTencent: ChannelAdapter<SmsTencentConfig> = {
  type: 'sms-tencent',
  title: 'SMS (Tencent Cloud)',
  config: smsTencentConfig,
  continuity: 'contact',
  capabilities,
  capabilitiesOf: (config, to) => ({ ...capabilitiesTo(to, capabilities, config), rate: rateOf(config.throughput) }),
  admit,
  ingress: {
    webhook: {
      guard: 'secret-path',
      maxBytes: 262_144,
      verify: ({ remoteAddress }, { config }) =>
        isAllowed(remoteAddress, config.allowedAddresses)
          ? { kind: 'accept' }
          : { kind: 'reject', reason: 'the address is not in allowedAddresses' },
      parse,
    },
    poll: { everyMs: 10_000, wanted: ({ pull }) => pull, poll },
  },
  send,
  check,
};

import type { ChannelAdapter } from '../core/adapter.js';
import { isAllowed } from '../sms/address-list.js';
import { smsCapabilities } from '../sms/capabilities.js';
import { rateOf } from '../sms/throughput.js';
import { smsAliyunConfig, type SmsAliyunConfig } from './sms-aliyun.config.js';
import { parse } from './sms-aliyun.parse.js';
import { poll } from './sms-aliyun.queue.js';
import { check, send } from './sms-aliyun.send.js';
import { admit, capabilitiesTo } from './sms-aliyun.ways.js';

const capabilities = smsCapabilities({
  text: { max: 500, unit: 'utf16', segments: { alphabet: 'ucs2' } },
  template: 'full',
  receipts: ['delivered', 'failed'],
  rate: { perSecond: 50, perThreadPerSecond: 0.5 },
});

/** SMS by Alibaba Cloud (阿里云短信服务): templates in mainland China, plain text abroad. */
export const smsAliyun: ChannelAdapter<SmsAliyunConfig> = {
  type: 'sms-aliyun',
  title: 'SMS (Alibaba Cloud)',
  config: smsAliyunConfig,
  continuity: 'contact',
  capabilities,
  capabilitiesOf: (config, to) => ({ ...capabilitiesTo(to, capabilities, config), rate: rateOf(config.throughput) }),
  admit,
  ingress: {
    webhook: {
      guard: 'secret-path',
      maxBytes: 1_048_576,
      verify: ({ remoteAddress }, { config }) =>
        isAllowed(remoteAddress, config.allowedAddresses)
          ? { kind: 'accept' }
          : { kind: 'reject', reason: 'the address is not in allowedAddresses' },
      parse,
    },
    poll: {
      everyMs: 10_000,
      wanted: ({ queues }) => queues.report !== undefined || queues.up !== undefined,
      poll,
    },
  },
  send,
  check,
};

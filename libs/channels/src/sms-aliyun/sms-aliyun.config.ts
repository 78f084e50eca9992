import { secret, webAddress } from '#normalizer';
import { z } from 'zod';
import { allowedAddressesSettings } from '../sms/address-list.js';
import { consentSettings } from '../sms/consent.js';
import { mainlandSettings } from '../sms/mainland.js';
import { throughputSettings } from '../sms/throughput.js';

const queue = z
  .string()
  .regex(/^[\w-]{1,256}$/, 'expected the name of a queue')
  .optional();

/** Settings of an `sms-aliyun` account. */
export const smsAliyunConfig = z.object({
  accessKeyId: z.string().min(1).max(128).describe('AccessKey ID of a RAM user that may send SMS (AliyunDysmsFullAccess).'),
  accessKeySecret: secret().describe('Its AccessKey secret.'),
  ...mainlandSettings,
  extendCode: z
    .string()
    .regex(/^\d{1,10}$/, 'expected digits')
    .optional()
    .describe('Extension (SmsUpExtendCode) by which replies are told apart, where it was granted.'),
  international: z
    .object({
      senderId: z.string().regex(/^(?:\d{1,15}|[A-Za-z0-9 ]{1,11})$/).optional().describe('Sender name or number abroad.'),
    })
    .optional()
    .describe('Send plain text to numbers outside of mainland China (SendMessageToGlobe). Absent: only templates, everywhere.'),
  pathSecret: secret()
    .regex(/^[\w-]{16,128}$/, 'expected 16 to 128 letters, digits, - and _')
    .describe('Part of the address that Alibaba Cloud calls, since it signs nothing: `/channels/{id}/{pathSecret}`.'),
  allowedAddresses: allowedAddressesSettings,
  queues: z
    .object({
      report: queue.describe('Queue of delivery reports, such as `Alicom-Queue-123-SmsReport`.'),
      up: queue.describe('Queue of replies, such as `Alicom-Queue-123-SmsUp`.'),
    })
    .prefault({})
    .describe('Pull reports and replies from the message queue (MNS) where no address can be called.'),
  throughput: throughputSettings(50),
  consent: consentSettings,
  apiBase: webAddress()
    .optional()
    .describe("Replaces scheme, host and port of the provider's addresses: for a proxy or a test."),
}); // prettier-ignore
export type SmsAliyunConfig = z.infer<typeof smsAliyunConfig>;

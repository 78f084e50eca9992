import { apiBase, secret } from '#normalizer';
import { z } from 'zod';
import { allowedAddressesSettings } from '../sms/address-list.js';
import { consentSettings } from '../sms/consent.js';
import { mainlandSettings, replyTemplateSettings, signNameSettings } from '../sms/mainland.js';
import { throughputSettings } from '../sms/throughput.js';

/** Settings of an `sms-tencent` account. */
export const smsTencentConfig = z.object({
  secretId: secret().describe('SecretId of a CAM user that may send SMS (QcloudSMSFullAccess).'),
  secretKey: secret().describe('Its SecretKey.'),
  smsSdkAppId: z.string().regex(/^\d{4,20}$/, 'expected digits').describe('SDKAppID of the SMS application.'),
  region: z.string().regex(/^[a-z]+-[a-z0-9-]+$/).default('ap-guangzhou').describe('Region of the API, such as `ap-guangzhou`.'),
  ...mainlandSettings,
  extendCode: z
    .string()
    .regex(/^\d{1,10}$/, 'expected digits')
    .optional()
    .describe('Extension (ExtendCode) by which replies are told apart, where it was granted.'),
  international: z
    .object({
      senderId: z.string().min(1).max(20).optional().describe('Sender ID abroad, where one was granted.'),
      signName: signNameSettings.optional().describe('Signature abroad, where one was approved.'),
      replyTemplate: replyTemplateSettings('1').optional().describe('An international template for answers in plain text. Absent: only templates go abroad.'),
    })
    .prefault({})
    .describe('For numbers outside of mainland China, to which only international templates go.'),
  pathSecret: secret()
    .regex(/^[\w-]{16,128}$/, 'expected 16 to 128 letters, digits, - and _')
    .describe('Part of the address that Tencent Cloud calls, since it signs nothing: `/channels/{id}/{pathSecret}`.'),
  allowedAddresses: allowedAddressesSettings,
  pull: z
    .boolean()
    .default(false)
    .describe('Pull reports and replies every 10 seconds where no address can be called. Tencent Cloud gives each out once: prefer callbacks.'),
  throughput: throughputSettings(50),
  consent: consentSettings,
  apiBase: apiBase('https://sms.tencentcloudapi.com'),
}); // prettier-ignore
export type SmsTencentConfig = z.infer<typeof smsTencentConfig>;

import { apiBase, secret } from '#normalizer';
import { z } from 'zod';
import { consentSettings } from '../sms/consent.js';
import { quietHoursSettings } from '../sms/quiet-hours.js';
import { throughputSettings } from '../sms/throughput.js';

const sid = (prefix: string) =>
  z.string().regex(new RegExp(`^${prefix}[0-9a-zA-Z]{32}$`), `expected ${prefix} and 32 characters`);

/** Settings of an `sms-twilio` account. */
export const smsTwilioConfig = z
  .object({
    accountSid: sid('AC').describe('Account SID of the account, or of the subaccount that owns the numbers.'),
    authToken: secret().describe(
      'Its primary auth token: signs what Twilio calls with, and logs in where there is no API key.',
    ),
    secondaryAuthToken: secret()
      .optional()
      .describe('Its secondary auth token, while you change over: signatures by either are taken.'),
    apiKeySid: sid('SK').optional().describe('API key to send with, in place of the auth token.'),
    apiKeySecret: secret().optional().describe('Secret of the API key.'),
    from: z
      .string()
      .regex(
        /^(?:\+\d{6,15}|\d{3,8}|(?=.*[A-Za-z])[A-Za-z0-9 ]{1,11})$/,
        'expected +E.164, a short code or a sender name',
      )
      .optional()
      .describe('Number (E.164), short code or sender name that messages come from.'),
    messagingServiceSid: sid('MG')
      .optional()
      .describe('Messaging service that chooses the sender, in place of `from`.'),
    mms: z
      .boolean()
      .default(false)
      .describe('Send pictures as MMS (United States, Canada, Australia). Otherwise they are sent as a link.'),
    validityS: z
      .int()
      .min(1)
      .max(36_000)
      .optional()
      .describe('Seconds after which Twilio gives a message up. Default: 10 hours.'),
    throughput: throughputSettings(10),
    quietHours: quietHoursSettings.describe(
      'Hours in which nothing is sent but one-time codes; what is due waits. For accounts that advertise.',
    ),
    consent: consentSettings,
    apiBase: apiBase('https://api.twilio.com'),
  })
  .refine(({ from, messagingServiceSid }) => (from === undefined) !== (messagingServiceSid === undefined), {
    message: 'give either from or messagingServiceSid',
    path: ['from'],
  })
  .refine(({ apiKeySid, apiKeySecret }) => (apiKeySid === undefined) === (apiKeySecret === undefined), {
    message: 'give apiKeySid and apiKeySecret together, or neither',
    path: ['apiKeySecret'],
  });
export type SmsTwilioConfig = z.infer<typeof smsTwilioConfig>;

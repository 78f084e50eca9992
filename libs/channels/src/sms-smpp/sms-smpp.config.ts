import { secret } from '#normalizer';
import { z } from 'zod';
import { consentSettings } from '../sms/consent.js';
import { quietHoursSettings } from '../sms/quiet-hours.js';
import { throughputSettings } from '../sms/throughput.js';

/** A text of at most so many octets: its field has one more for NUL. */
const ascii = (most: number) =>
  z.string().regex(new RegExp(`^[\\x20-\\x7e]{0,${most}}$`), `expected at most ${most} ASCII characters`);
const pem = (name: string) =>
  z.string().regex(/^\s*-----BEGIN [A-Z ]+-----/, `expected the text of a PEM file (${name})`);
const octet = z.int().min(0).max(255);

const tls = z
  .object({
    ca: pem('CERTIFICATE').optional().describe('Certificate of the authority to trust, in place of the public ones.'),
    cert: pem('CERTIFICATE')
      .optional()
      .describe('Certificate that identifies us, where the message centre asks for one.'),
    privateKey: secret().optional().describe('Private key of `cert`.'),
    serverName: z
      .string()
      .optional()
      .describe('Name in the certificate of the message centre, where it is not the host.'),
  })
  .optional()
  .describe('Encrypts the connection and verifies the certificate of the message centre; `{}` for public authorities.');

const bindSettings = {
  host: z.string().regex(/^[^\s/@]{1,253}$/, 'expected a host name or an address').describe('Host of the message centre (SMSC).'),
  port: z.int().min(1).max(65_535).default(2775).describe('Its port: 2775, or 3550 with TLS, by custom.'),
  tls,
  systemId: ascii(15).describe('`system_id` of the account.'),
  password: secret().regex(/^[\x20-\x7e]{1,63}$/, 'expected ASCII characters').describe('Its password. SMPP has room for 8 characters; some providers take more.'),
  systemType: ascii(12).default('').describe('`system_type`, where the provider names one.'),
  bind: z
    .enum(['transceiver', 'separate'])
    .default('transceiver')
    .describe('One connection for both directions, or a transmitter and a receiver.'),
  addressRange: ascii(40).default('').describe('`address_range`: which of your numbers this connection receives for, where the provider asks for it.'),
}; // prettier-ignore

const numberSettings = {
  from: z
    .string()
    .regex(/^(?:\+\d{6,15}|\d{3,20}|(?=.*[A-Za-z])[A-Za-z0-9 ]{1,11})$/, 'expected +E.164, a short code or a sender name')
    .describe('Number (E.164), short code or sender name that messages come from.'),
  numbers: z
    .enum(['international', 'plus', 'national'])
    .default('international')
    .describe('How numbers are written to the provider: `international` 4915...; `plus` +4915...; `national` as at home in `defaultCountry`, others international.'),
  defaultCountry: z
    .string()
    .regex(/^[A-Z]{2}$/, 'expected a country such as DE')
    .optional()
    .describe('Country (ISO 3166) of numbers without a country code.'),
  sourceTon: octet.optional().describe('Type of number of the sender; default by what it is: 1, 5 for a name, 3 for a short code.'),
  sourceNpi: octet.optional().describe('Numbering plan of the sender; default 1, and 0 for a name or short code.'),
  destinationTon: octet.optional().describe('Type of number of recipients; default 1, and 2 for national numbers.'),
  destinationNpi: octet.optional().describe('Numbering plan of recipients; default 1.'),
}; // prettier-ignore

const messageSettings = {
  alphabet: z
    .enum(['gsm7', 'latin1'])
    .default('gsm7')
    .describe('Default alphabet of the message centre (`data_coding` 0): GSM-7, one character an octet, or Latin-1.'),
  longMessages: z
    .enum(['udh8', 'udh16', 'sar', 'payload'])
    .default('udh8')
    .describe('How a long message travels: parts with a header of 8 or 16 bit references, parts with SAR parameters, or one `message_payload`.'),
  messageIds: z
    .enum(['same', 'decimal-receipts', 'hex-receipts'])
    .default('same')
    .describe('`same`: receipts write message ids as answers do. `decimal-receipts`: answers are hexadecimal, receipts decimal. `hex-receipts`: the other way round.'),
  serviceType: ascii(5).default('').describe('`service_type`, where the provider names one.'),
  validityS: z.int().min(60).max(8_553_600).optional().describe('Seconds after which the message centre gives a message up. Default: as the provider has it.'),
}; // prettier-ignore

/** Settings of an `sms-smpp` account. */
export const smsSmppConfig = z.object({
  ...bindSettings,
  ...numberSettings,
  ...messageSettings,
  enquireLinkS: z.int().min(1).max(600).default(30).describe('How often the message centre is asked whether it is still there, seconds.'),
  timeoutMs: z.int().min(100).max(120_000).default(15_000).describe('How long to wait for a connection, and for each answer, milliseconds.'),
  window: z.int().min(1).max(1_000).default(10).describe('Most messages that wait for their answer at the same time.'),
  throughput: throughputSettings(10),
  quietHours: quietHoursSettings.describe('Hours in which nothing is sent but one-time codes; what is due waits. For accounts that advertise.'),
  consent: consentSettings,
}).refine(({ numbers, defaultCountry }) => numbers !== 'national' || defaultCountry !== undefined, {
  message: 'national numbers need a country',
  path: ['defaultCountry'],
}).refine(({ tls: given }) => (given?.cert === undefined) === (given?.privateKey === undefined), {
  message: 'give cert and privateKey together, or neither',
  path: ['tls', 'privateKey'],
}); // prettier-ignore
export type SmsSmppConfig = z.infer<typeof smsSmppConfig>;

import { z } from 'zod';
import { Routing } from './routing.js';

/** Ids of accounts and destinations: they stand in URLs and in the names of lanes. */
export const SettingsId = z
  .string()
  .regex(
    /^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$/,
    'expected letters, digits, dot, dash and underscore, at most 100, beginning with a letter or digit',
  );

const UNITS = { s: 1, m: 60, h: 3_600, d: 86_400 } as const;

/** A length of time as people write it (`90s`, `30m`, `72h`, `7d`, or a number of seconds); parses to seconds. */
const lengthOfTime = 'expected a length of time such as 90s, 30m, 72h or 7d';
export const Duration = z
  .union([z.int().positive(), z.string().regex(/^[1-9]\d{0,8}[smhd]$/, lengthOfTime)], lengthOfTime)
  .transform((value) =>
    typeof value === 'number' ? value : Number(value.slice(0, -1)) * UNITS[value.slice(-1) as keyof typeof UNITS],
  )
  .meta({ kind: 'length of time' });

export const LOG_LEVELS = ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'] as const;
export const LogLevel = z.enum(LOG_LEVELS);

const httpUrl = z
  .url({ protocol: /^https?$/, error: 'expected a URL that begins with http:// or https://' })
  .transform((url) => url.replace(/\/+$/, ''));
export const PublicUrl = httpUrl;

const address = z
  .union([z.cidrv4(), z.cidrv6(), z.ipv4(), z.ipv6()], 'expected an address or a CIDR range such as 10.0.0.0/8')
  .meta({ kind: 'addresses' });

export const AccountSettings = z.strictObject({
  id: SettingsId.describe('Its name in URLs (`/channels/{id}`), filters and the API.'),
  type: z.string().min(1).describe('The channel, such as `webchat`; `GET /v1/channels` lists them.'),
  name: z.string().max(200).optional().describe('Its name for people.'),
  enabled: z.boolean().default(true).describe('`false` stops the account and keeps its history.'),
  continuity: z
    .enum(['contact', 'thread'])
    .optional()
    .describe(
      "Which conversation a message joins: the contact's open one on any channel, or only its own thread's. Each channel has its default.",
    ),
  reopenWithin: Duration.prefault('72h').describe('How long after closing a conversation a new message reopens it.'),
  config: z.record(z.string(), z.unknown()).default({}).describe("The channel's own settings."),
});

const filter = z.strictObject({
  events: z.array(z.string().min(1)).min(1).optional().describe('Event types; `*` stands for anything: `message.*`.'),
  accounts: z.array(SettingsId).min(1).optional().describe('Accounts by id.'),
  channels: z.array(z.string().min(1)).min(1).optional().describe('Channels by type.'),
});

export const DestinationSettings = z.strictObject({
  id: SettingsId.describe('Its name in URLs and the API.'),
  type: z.string().min(1).describe('The kind of ticket system, such as `webhook`.'),
  name: z.string().max(200).optional().describe('Its name for people.'),
  config: z.record(z.string(), z.unknown()).default({}).describe("The connector's own settings."),
  filter: filter.prefault({}).describe('What it gets. What is left out admits everything.'),
});

const retention = z.strictObject({
  events: Duration.prefault('90d').describe('The stream: how far back it can be pulled and replayed.'),
  deliveries: Duration.prefault('30d').describe(
    'What became of each delivery. Dead letters are kept as long as events.',
  ),
  traces: Duration.prefault('7d').describe('Redacted traffic with providers and ticket systems.'),
  dedupe: Duration.refine((seconds) => seconds >= 30 * UNITS.d, 'expected 30d or more')
    .prefault('90d')
    .describe("Keys of the providers' events, by which repeats are known; at least 30 days."),
  audit: Duration.prefault('365d').describe('Which key read or changed what.'),
  messages: Duration.optional().describe(
    'Messages of a conversation after it was closed, with their attachments and what the stream said of them. Unset: until they are erased.',
  ),
  files: Duration.optional().describe('Attachments, by their age. Unset: as long as their message.'),
});

const database = z.strictObject({
  sync: z
    .enum(['commit', 'background'])
    .default('commit')
    .describe(
      'When the embedded database puts a commit on the disk. `commit`: before it is answered. `background`: within half a second, which is faster; a power cut can then lose what was answered in that time, a killed process loses nothing. A PostgreSQL server has its own setting, `synchronous_commit`.',
    ),
});

const files = z.discriminatedUnion('store', [
  z.strictObject({
    store: z.literal('dir').describe('On the local disk.'),
    dir: z.string().min(1).optional().describe('The folder; `files` under `DATA_DIR` by default.'),
    maxBytes: z.int().positive().default(104_857_600).describe('Largest attachment, bytes.'),
  }),
  z.strictObject({
    store: z
      .literal('s3')
      .describe('In an S3-compatible store; needed where several processes run on several machines.'),
    endpoint: httpUrl.describe('Root of the store, without the bucket.'),
    bucket: z.string().min(1).describe('The bucket; it must exist.'),
    region: z.string().min(1).default('us-east-1').describe('The region that requests are signed for.'),
    accessKeyId: z.string().min(1).describe('The access key.'),
    secretAccessKey: z.string().min(1).meta({ secret: true }).describe('Its secret.'),
    prefix: z.string().default('').describe('Put before every key.'),
    maxBytes: z.int().positive().default(104_857_600).describe('Largest attachment, bytes.'),
  }),
]);

const limits = z.strictObject({
  failedSignaturesPerMinute: z
    .int()
    .positive()
    .default(120)
    .describe(
      'Wrongly signed callbacks of one address and account, after which that address is answered 429 without a look at its signatures.',
    ),
  apiRequestsPerMinute: z.int().positive().default(6_000).describe('Requests of one API key, in all processes.'),
  visitorMessagesPerMinute: z
    .int()
    .positive()
    .default(30)
    .describe('Messages of one web-chat visitor, in all processes.'),
  visitorConnectionsPerAddress: z
    .int()
    .positive()
    .default(50)
    .describe('Open chat sockets of one address, in each process.'),
});

const stop = z.strictObject({
  drainSeconds: z
    .number()
    .min(0)
    .max(5)
    .optional()
    .describe(
      'How long a process that was told to stop goes on serving while `/health/ready` says 503, so that a proxy sends nobody to it any more. 2 with `DATABASE_URL`, else 0.',
    ),
});

const metrics = z.strictObject({
  public: z
    .boolean()
    .default(false)
    .describe(
      '`true` shows `/metrics` to everybody who can reach it; else only this machine and keys with the scope `metrics:read` see it.',
    ),
});

const network = z.strictObject({
  allow: z
    .array(address)
    .default([])
    .describe(
      'Private addresses that the gateway may call; all others are refused. Cloud metadata services always are.',
    ),
  trustedProxies: z
    .array(address)
    .default([])
    .describe("Reverse proxies whose `X-Forwarded-For` is believed. Empty: the connection's own address counts."),
});

const codes = z.strictObject({
  email: SettingsId.optional().describe(
    'Account that sends codes to mail addresses. Without it the first one that can write to them does; one of the `http` channel only where no other can.',
  ),
  phone: SettingsId.optional().describe('Account that sends codes to phone numbers; without it chosen likewise.'),
  name: z
    .string()
    .min(1)
    .max(60)
    .optional()
    .describe(
      'Who the message says that it is from. All else in it is fixed, and nothing of it is written by visitors.',
    ),
  template: z
    .strictObject({
      name: z.string().min(1).max(200).describe('Its name on the account.'),
      value: z.string().min(1).max(100).default('code').describe('The place in it where the digits go.'),
    })
    .optional()
    .describe(
      'Template that codes to phone numbers are sent with, where the account takes no free text (SMS in mainland China).',
    ),
  perHour: z
    .int()
    .positive()
    .default(1_000)
    .describe('Codes that are sent in one hour at most, to all people together.'),
});

const identity = z.strictObject({
  merge: z
    .enum(['channel', 'verified', 'never'])
    .default('channel')
    .describe(
      'When proven handles that lead to two contacts join them: `channel` also where the providers alone vouch for both, `verified` where a code, a signed token or an agent does, `never` leaves each to a person.',
    ),
  country: z
    .string()
    .regex(/^[A-Z]{2}$/, 'expected a country of two capital letters, such as CN')
    .optional()
    .describe('Country (ISO 3166, two letters) of phone numbers that people write without their country code.'),
  codes: codes.prefault({}).describe('One-time codes, by which people prove that an address is theirs.'),
});

const crm = z.strictObject({
  type: z.string().min(1).describe('Which CRM: `http`, `salesforce` or `hubspot`.'),
  config: z.record(z.string(), z.unknown()).default({}).describe('Its own settings; see docs/crm.md.'),
  budget: z
    .int()
    .min(0)
    .max(10_000)
    .default(300)
    .describe(
      'Milliseconds that the message of somebody unknown waits for it at most; 0 never waits. What comes later is told by `contact.updated`.',
    ),
  ttl: Duration.prefault('10m').describe('How long what it says of somebody is taken for fresh.'),
  absentTtl: Duration.prefault('2m').describe('The same, where it knows nobody.'),
  staleFor: Duration.prefault('1d').describe('How long after that it still counts while the CRM fails.'),
  timeout: Duration.prefault('3s').describe('One look-up, with all its requests.'),
  link: z
    .enum(['verified', 'channel'])
    .default('verified')
    .describe(
      'The least proof of the address by which somebody was found for the link to be proven, which joins contacts. `channel` is also a number that only a provider vouches for. Below it the link is a suggestion.',
    ),
});

/** The settings file, `config/tributary.yaml`. */
export const SettingsFile = z.strictObject({
  publicUrl: httpUrl
    .optional()
    .describe(
      'The address under which customers, providers and ticket systems reach the gateway. `PUBLIC_URL` wins; the listening address is the default.',
    ),
  logLevel: LogLevel.default('info').describe('What is logged; `LOG_LEVEL` wins.'),
  demo: z
    .boolean()
    .default(false)
    .describe('`true` serves the demo page at `/demo` and runs its small helpdesk on the loopback.'),
  playground: z
    .boolean()
    .default(false)
    .describe(
      '`true` serves the playground at `/playground`, where whoever writes a channel sees what it makes of a request. For development; its calls take a key with the scope `admin`.',
    ),
  packages: z
    .array(z.string().min(1).max(214))
    .default([])
    .describe(
      'Packages of channels and connectors: names of what is installed beside the gateway, or paths from this file that begin with a dot. One that is missing, broken or made for another version stops the start.',
    ),
  network: network.prefault({}).describe('What the gateway may call, and whom it believes.'),
  accounts: z.array(AccountSettings).default([]).describe('Connected channels. More can be made through the API.'),
  destinations: z
    .array(DestinationSettings)
    .default([])
    .describe('Ticket systems that get the stream. More can be made through the API.'),
  database: database.prefault({}).describe('How the embedded database keeps what it is given.'),
  files: files.prefault({ store: 'dir' }).describe('Where attachments are kept.'),
  retention: retention
    .prefault({})
    .describe(
      'How long things are kept. Conversations are kept until they are erased, and messages where `messages` is unset.',
    ),
  limits: limits.prefault({}).describe('Protection against floods.'),
  identity: identity.prefault({}).describe('How people are told apart, and when two contacts are one person.'),
  crm: crm.optional().describe('The CRM that is asked who writes. Unset: people are whom import and API made known.'),
  stop: stop.prefault({}).describe('How a process ends.'),
  metrics: metrics.prefault({}).describe('Prometheus metrics.'),
  routing: Routing.prefault({}).describe('Priority, queue and tags of new conversations, by rules.'),
});
export type SettingsFile = z.infer<typeof SettingsFile>;
export type AccountSettings = z.infer<typeof AccountSettings>;
export type DestinationSettings = z.infer<typeof DestinationSettings>;

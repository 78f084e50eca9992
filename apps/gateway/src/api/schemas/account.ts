import { Capabilities } from '#channels';
import { AccountSettings } from '#config';
import { z } from 'zod';
import { time } from './elements.js';

const config = z.record(z.string(), z.unknown());

export const AccountRecord = z
  .object({
    id: z.string(),
    type: z.string().describe('The channel.'),
    name: z.string().nullable(),
    enabled: z.boolean(),
    continuity: z.enum(['contact', 'thread']),
    reopenWithin: z.int().describe('Seconds.'),
    config: config.describe("The channel's settings; secrets read `***`."),
    managedBy: z.enum(['file', 'api']),
    state: z.string().describe('How the connection stands.'),
    stateDetail: z.string().nullable().describe('The same in words.'),
    loginCode: z
      .object({
        content: z.string(),
        image: z
          .string()
          .nullable()
          .describe('The QR code as a `data:` address (SVG); null where the content is too long for one.'),
      })
      .nullable()
      .describe(
        'What a person must scan with the app of the provider to log the account in. Whoever has it can do so.',
      ),
    callbackUrl: z.string().nullable().describe('What to enter at the provider; null where it calls nothing.'),
    createdAt: time,
    updatedAt: time,
  })
  .meta({ id: 'Account' });

export const AccountInput = AccountSettings.extend({
  id: AccountSettings.shape.id.optional().describe('Made where it is left out.'),
}).meta({ id: 'AccountInput' });

export const TrafficItem = z
  .object({
    id: z.string().describe('Names it below the account.'),
    direction: z.enum(['in', 'out']).describe('Who was called: the provider (`out`) or we (`in`).'),
    at: time,
    messageId: z.string().nullable().describe('The message that it brought or carried, where it is one.'),
    exchange: z.record(z.string(), z.unknown()).describe('Request and answer, without secrets and message bodies.'),
  })
  .meta({ id: 'TrafficItem' });

const { name, continuity } = AccountSettings.shape;
export const AccountPatch = z
  .strictObject({
    name: name.nullable(),
    continuity,
    enabled: z.boolean().optional(),
    reopenWithin: AccountSettings.shape.reopenWithin.optional(),
    config: config.optional().describe('Members given replace the old ones; null removes one; `***` keeps a secret.'),
  })
  .meta({ id: 'AccountPatch' });

/** One setting as forms show it. */
const SettingField = z
  .object({
    name: z.string(),
    type: z.enum(['string', 'number', 'boolean', 'object', 'list', 'map', 'any']),
    required: z.boolean(),
    secret: z.boolean(),
    description: z.string(),
    default: z.unknown().optional(),
    enum: z.array(z.unknown()).optional(),
    get fields() {
      return z.array(SettingField).optional();
    },
  })
  .meta({ id: 'SettingField' });

const settings = z.object({
  schema: z.record(z.string(), z.unknown()).describe('A JSON Schema of `config`.'),
  fields: z.array(SettingField).describe('The same as a list, for forms.'),
});

export const ChannelRecord = z
  .object({
    type: z.string(),
    title: z.string(),
    notice: z
      .string()
      .nullable()
      .describe('What to know before setting an account up, such as that the provider does not allow it.'),
    ingress: z.array(z.enum(['webhook', 'poll', 'socket', 'hosted'])),
    continuity: z.enum(['contact', 'thread']).describe('What its accounts follow unless told.'),
    capabilities: Capabilities,
    settings,
  })
  .meta({ id: 'Channel' });

export const ConnectorRecord = z
  .object({
    type: z.string(),
    title: z.string(),
    capabilities: z.object({
      kind: z.enum(['stream', 'tickets']),
      batch: z.int(),
      replies: z.array(z.enum(['api', 'callback', 'poll'])),
      maxAttachmentBytes: z.int(),
    }),
    settings,
  })
  .meta({ id: 'Connector' });

import { DestinationSettings } from '#config';
import { Failure, StreamEvent } from '#normalizer';
import { z } from 'zod';
import { paging } from '../core/page.js';
import { time, timeInput } from './elements.js';

const config = z.record(z.string(), z.unknown());
const Filter = z
  .object({
    events: z.array(z.string()).optional(),
    accounts: z.array(z.string()).optional(),
    channels: z.array(z.string()).optional(),
  })
  .meta({ id: 'DestinationFilter' });

export const DestinationRecord = z
  .object({
    id: z.string(),
    type: z.string().describe('The connector.'),
    name: z.string().nullable(),
    config: config.describe("The connector's settings; secrets read `***`."),
    filter: Filter.describe('What it gets; what is left out admits everything.'),
    state: z.enum(['active', 'paused']),
    pausedReason: z.string().nullable(),
    nextProbeAt: time
      .nullable()
      .describe('Where deliveries stopped by themselves: when it is looked whether they can go on.'),
    managedBy: z.enum(['file', 'api']),
    problem: z.string().nullable().describe('Why it cannot run, where it cannot.'),
    callbackUrl: z.string().nullable().describe('What to enter in the ticket system; null where it calls nothing.'),
    createdAt: time,
    updatedAt: time,
  })
  .meta({ id: 'Destination' });

export const DestinationInput = DestinationSettings.extend({
  id: DestinationSettings.shape.id.optional().describe('Made where it is left out.'),
}).meta({ id: 'DestinationInput' });

export const DestinationPatch = z
  .strictObject({
    name: DestinationSettings.shape.name.nullable(),
    config: config.optional().describe('Members given replace the old ones; null removes one; `***` keeps a secret.'),
    filter: DestinationSettings.shape.filter.unwrap().optional().describe('Replaces the old one.'),
  })
  .meta({ id: 'DestinationPatch' });

export const PauseInput = z.strictObject({ reason: z.string().max(500).optional() }).meta({ id: 'PauseInput' });

export const RotatedSecret = DestinationRecord.extend({
  secret: z.string().describe('The new signing secret. Shown here only; the old one signs too for 24 hours.'),
}).meta({ id: 'RotatedSecret' });

export const DeliveryState = z.enum(['pending', 'delivered', 'dead']);
export const DeliveryQuery = z.strictObject({ ...paging, state: DeliveryState.default('pending') });

export const DeliveryRecord = z
  .object({
    eventId: z.string(),
    type: z.string().nullable().describe('Null once the event is no longer kept.'),
    conversationId: z.string().nullable(),
    sequence: z.int().nullable(),
    state: DeliveryState,
    attempts: z.int(),
    failure: Failure.nullable(),
    replay: z.boolean(),
    nextAttemptAt: time.nullable(),
    settledAt: time.nullable(),
  })
  .meta({ id: 'Delivery' });

export const DeliveryWithEvent = DeliveryRecord.extend({
  event: StreamEvent.nullable().describe('What was, or is, to be delivered. Null once it is no longer kept.'),
}).meta({ id: 'DeliveryWithEvent' });

const NO_SPAN = { path: ['to'], message: 'is not after `from`' };

function isSpan({ from, to }: { from?: string | undefined; to?: string | undefined }): boolean {
  return from === undefined || to === undefined || Date.parse(from) < Date.parse(to);
}

export const ReconcileInput = z
  .strictObject({
    from: timeInput.optional().describe('Events from then on; default: a day ago.'),
    to: timeInput.optional().describe('And before; default: five minutes ago.'),
    limit: z.int().min(1).max(100).default(20).describe('Most conversations that are looked at.'),
    cursor: z.string().max(200).optional().describe('The `next` of the previous answer.'),
  })
  .refine(isSpan, NO_SPAN)
  .meta({ id: 'ReconcileInput' });
export const Reconciled = z
  .object({
    items: z.array(
      z.object({
        conversationId: z.string(),
        ticketId: z.string().nullable(),
        problem: z.enum(['no-ticket', 'missing']),
        eventIds: z
          .array(z.string())
          .describe('What the ticket lacks: as `ids` of a replay they are delivered once more.'),
      }),
    ),
    checked: z.int().describe('Conversations that were looked at.'),
    next: z.string().nullable(),
  })
  .meta({ id: 'Reconciled' });

export const ReplayInput = z
  .union([
    z.strictObject({ ids: z.array(z.string().max(200)).min(1).max(1_000).describe('Event ids.') }),
    z.strictObject({ conversationId: z.string().max(200) }),
    z.strictObject({ from: timeInput, to: timeInput.optional() }).refine(isSpan, NO_SPAN),
    z.strictObject({ state: z.literal('dead') }),
  ])
  .meta({ id: 'ReplayInput' });
export const Replayed = z
  .object({ count: z.int().describe('Events that are delivered once more.') })
  .meta({ id: 'Replayed' });

import { Conflict, Deliveries, FileUrls, NotFound, presentEvent } from '#conversations';
import { Controller, Inject } from '@nestjs/common';
import { z } from 'zod';
import { Directory } from '../../directory/directory.js';
import { reconcile } from '../../relay/index.js';
import { Called, endpoint, type Call } from '../core/endpoint.js';
import { Serves } from '../core/serves.js';
import { byId } from '../schemas/elements.js';
import { DeliveryWithEvent, Reconciled, ReconcileInput } from '../schemas/destination.js';

const tag = 'Destinations';
const DAY_MS = 86_400_000;

const get = endpoint({
  method: 'GET',
  path: '/v1/destinations/{id}/deliveries/{eventId}',
  scope: 'destinations:read',
  tag,
  summary: 'Get a delivery with its event',
  description: 'Such as a dead letter: why it is one, and what it says.',
  params: byId.extend({ eventId: z.string().min(1).max(200) }),
  status: 200,
  answer: DeliveryWithEvent,
});
const reconciling = endpoint({
  method: 'POST',
  path: '/v1/destinations/{id}/reconcile',
  scope: 'destinations:write',
  tag,
  summary: 'Compare with what the ticket system holds',
  description:
    'Asks the ticket system for what it took, conversation by conversation, and lists what it lacks. Changes nothing; a replay of `eventIds` does.',
  params: byId,
  body: ReconcileInput,
  bodyOptional: true,
  status: 200,
  answer: Reconciled,
  problems: ['not-supported'],
  work: 'outside',
  examples: { body: { from: '2026-11-21T00:00:00Z' } },
});

/** What was handed over, and what became of it on the other side. */
@Controller()
export class DeliveredController {
  constructor(
    @Inject(Deliveries) private readonly deliveries: Deliveries,
    @Inject(Directory) private readonly directory: Directory,
    @Inject(FileUrls) private readonly urls: FileUrls,
  ) {}

  @Serves(get)
  async get(@Called() { params }: Call<typeof get>) {
    const { delivery, event } = await this.deliveries.get(params.id, params.eventId);
    return { ...delivery, event: event && presentEvent(event, this.presentation(params.id)) };
  }

  @Serves(reconciling)
  async reconcile(@Called() { params, body, signal }: Call<typeof reconciling>) {
    const destination = this.directory.destination(params.id);
    if (!destination) throw new NotFound(`there is no destination ${params.id}`);
    if (!destination.connector.missing)
      throw new Conflict('not-supported', `destinations of type ${destination.type} cannot be asked what they hold`);
    const { from = iso(-DAY_MS), to = iso(-5 * 60_000), limit, cursor: after = '' } = body;
    const { signUrl } = this.presentation(params.id);
    const parts = { deliveries: this.deliveries, directory: this.directory, signUrl };
    return reconcile(parts, destination, { from, to, after, limit, signal });
  }

  private presentation(destinationId: string) {
    return { destinationId, signUrl: (fileId: string) => this.urls.sign(fileId) };
  }
}

function iso(fromNowMs: number): string {
  return new Date(Date.now() + fromNowMs).toISOString();
}

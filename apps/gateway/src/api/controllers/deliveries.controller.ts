import { Deliveries, DestinationStore } from '#conversations';
import { InvalidInput } from '#normalizer';
import { Controller, Inject } from '@nestjs/common';
import { Directory } from '../../directory/directory.js';
import { Called, endpoint, type Call } from '../core/endpoint.js';
import { fromCursor, pageOf, toCursor } from '../core/page.js';
import { Serves } from '../core/serves.js';
import { byId } from '../schemas/elements.js';
import { DeliveryQuery, DeliveryRecord, PauseInput, Replayed, ReplayInput } from '../schemas/destination.js';
import { z } from 'zod';

const tag = 'Destinations';
const write = 'destinations:write' as const;
const DeliveryPlace = z.tuple([DeliveryRecord.shape.state, z.string().regex(/^[0-9: .+-]{1,40}~[\w-]{1,200}$/)]);

const State = z
  .object({ id: z.string(), state: z.enum(['active', 'paused']), pausedReason: z.string().nullable() })
  .meta({ id: 'DestinationState' });

const pause = endpoint({
  method: 'POST',
  path: '/v1/destinations/{id}/pause',
  scope: write,
  tag,
  summary: 'Stop deliveries',
  description: 'Events gather meanwhile.',
  params: byId,
  body: PauseInput,
  bodyOptional: true,
  status: 200,
  answer: State,
});
const resume = endpoint({
  method: 'POST',
  path: '/v1/destinations/{id}/resume',
  scope: write,
  tag,
  summary: 'Go on with deliveries',
  description: 'With what gathered, in order.',
  params: byId,
  status: 200,
  answer: State,
});
const list = endpoint({
  method: 'GET',
  path: '/v1/destinations/{id}/deliveries',
  scope: 'destinations:read',
  tag,
  summary: 'List deliveries by state',
  description: 'Pending ones in the order of delivery, settled ones the latest first. `dead` are the dead letters.',
  params: byId,
  query: DeliveryQuery,
  status: 200,
  answer: pageOf(DeliveryRecord),
});
const replay = endpoint({
  method: 'POST',
  path: '/v1/destinations/{id}/replay',
  scope: write,
  tag,
  summary: 'Deliver events once more',
  description:
    'Replays keep the event id, join the tail of their lane in order of `sequence`, and carry `tributary-replay: true`.',
  params: byId,
  body: ReplayInput,
  status: 202,
  answer: Replayed,
  work: 'outside',
  examples: { body: { state: 'dead' } },
});

@Controller()
export class DeliveriesController {
  constructor(
    @Inject(Deliveries) private readonly deliveries: Deliveries,
    @Inject(DestinationStore) private readonly store: DestinationStore,
    @Inject(Directory) private readonly directory: Directory,
  ) {}

  @Serves(pause)
  async pause(@Called() call: Call<typeof pause>) {
    const { sql, params, body } = call;
    await this.store.get(sql, params.id);
    await this.deliveries.pause(params.id, body.reason ?? 'paused by an operator', sql);
    return this.changed(call);
  }

  @Serves(resume)
  async resume(@Called() call: Call<typeof resume>) {
    const { sql, params } = call;
    await this.store.get(sql, params.id);
    await this.deliveries.resume(params.id, sql);
    return this.changed(call);
  }

  @Serves(list)
  async list(@Called() { sql, params, query }: Call<typeof list>) {
    await this.store.get(sql, params.id);
    const place = fromCursor(query.cursor, DeliveryPlace);
    if (place && place[0] !== query.state) throw new InvalidInput([{ path: 'cursor', message: 'is of another list' }]);
    const page = await this.deliveries.list(params.id, query.state, { limit: query.limit, cursor: place?.[1] ?? null });
    return { items: page.items, next: page.next && toCursor([query.state, page.next]) };
  }

  @Serves(replay)
  async replay(@Called() { params, body }: Call<typeof replay>) {
    return { count: await this.deliveries.replay(params.id, body) };
  }

  private async changed({ sql, params, afterCommit }: Pick<Call<typeof pause>, 'sql' | 'params' | 'afterCommit'>) {
    afterCommit(() => this.directory.changed());
    const { state, pausedReason } = await this.store.get(sql, params.id);
    return { id: params.id, state, pausedReason };
  }
}

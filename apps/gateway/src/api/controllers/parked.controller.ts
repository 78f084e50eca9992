import { Parked } from '#conversations';
import { Controller, Inject } from '@nestjs/common';
import { z } from 'zod';
import { Called, endpoint, type Call } from '../core/endpoint.js';
import { fromCursor, pageOf, paging, toPage } from '../core/page.js';
import { Serves } from '../core/serves.js';
import { byId, time } from '../schemas/elements.js';

const tag = 'Parked events';

const ParkedRecord = z
  .object({
    id: z.string(),
    accountId: z.string(),
    dedupeKey: z.string().describe('The name of the event within its account.'),
    stage: z
      .enum(['parse', 'store', 'action'])
      .describe(
        'Who refused it: the model, the store, or nobody: an action of the ticket system that cannot be carried out.',
      ),
    error: z.string(),
    createdAt: time,
  })
  .meta({ id: 'ParkedEvent' });

const list = endpoint({
  method: 'GET',
  path: '/v1/parked',
  scope: 'admin',
  tag,
  summary: 'List inbound events that were set aside',
  description: 'Verified events that the gateway could not store: nothing is dropped in silence. The latest first.',
  query: z.strictObject(paging),
  status: 200,
  answer: pageOf(ParkedRecord),
});
const retry = endpoint({
  method: 'POST',
  path: '/v1/parked/{id}/retry',
  scope: 'admin',
  tag,
  summary: 'Store a parked event, now that its cause is mended',
  params: byId,
  status: 204,
  work: 'outside',
});

@Controller()
export class ParkedController {
  constructor(@Inject(Parked) private readonly parked: Parked) {}

  @Serves(list)
  async list(@Called() { query }: Call<typeof list>) {
    const before = fromCursor(query.cursor, z.tuple([z.string()]))?.[0];
    const rows = await this.parked.list({ limit: query.limit + 1, ...(before && { before }) });
    return toPage(rows, query.limit, {
      place: (row) => [row.id],
      show: (row) => ({ ...row, createdAt: row.createdAt.toISOString() }),
    });
  }

  @Serves(retry)
  async retry(@Called() { params }: Call<typeof retry>) {
    await this.parked.retry(params.id);
  }
}

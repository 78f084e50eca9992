import { EVENT_TYPES, StreamEvent } from '#normalizer';
import { Controller, Inject } from '@nestjs/common';
import { z } from 'zod';
import { Called, endpoint, type Call } from '../core/endpoint.js';
import { commaList, fromCursor, limit, toCursor } from '../core/page.js';
import { Serves } from '../core/serves.js';
import { EventStream } from '../event-stream.js';
import { Presenter } from '../presenter.js';

const MAX_WAIT_S = 30;

const typePattern = z
  .string()
  .regex(/^(\*|[a-z]+\.(\*|[a-z-]+))$/, `a type such as ${EVENT_TYPES[0]}, or a family such as message.*`);

const pull = endpoint({
  method: 'GET',
  path: '/v1/events',
  scope: 'events:read',
  tag: 'Events',
  summary: 'Pull the stream (long poll)',
  description:
    'The same events that destinations get. Keep `next` and give it as `after`: nothing is missed and nothing comes twice. It is never null. Without `after` reading ' +
    'begins at the oldest event that is kept. `wait` holds the request until there is an event.',
  query: z.strictObject({
    after: z.string().max(200).optional().describe('The `next` of the previous answer.'),
    limit,
    types: commaList(typePattern)
      .optional()
      .describe('Types or families, with commas: `message.*,conversation.closed`.'),
    wait: z.coerce.number<string>().min(0).max(MAX_WAIT_S).default(0).describe('Seconds to wait for an event.'),
  }),
  status: 200,
  answer: z.object({ items: z.array(StreamEvent), next: z.string() }),
  problems: ['cursor-expired'],
});

const Place = z.tuple([z.int().nonnegative(), z.int().nonnegative()]);

@Controller()
export class EventsController {
  constructor(
    @Inject(EventStream) private readonly stream: EventStream,
    @Inject(Presenter) private readonly present: Presenter,
  ) {}

  @Serves(pull)
  async pull(@Called() { query, caller, signal }: Call<typeof pull>) {
    const place = fromCursor(query.after, Place, 'after');
    const { rows, next } = await this.stream.pull({
      after: place && { position: place[0], at: place[1] },
      types: query.types,
      limit: query.limit,
      accounts: caller.accounts,
      waitMs: query.wait * 1_000,
      signal,
    });
    return {
      items: rows.map((row) => this.present.event(row, caller.accounts)),
      next: toCursor([next.position, next.at]),
    };
  }
}

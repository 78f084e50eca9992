import { AccountStore, getTraffic, listTraffic, NotFound } from '#conversations';
import type { Sql } from '#database';
import { fixtureOfAnswer, fixtureOfCall, type Exchange } from '#transport';
import { Controller, Inject } from '@nestjs/common';
import { z } from 'zod';
import { Called, endpoint, type Call } from '../core/endpoint.js';
import { fromCursor, pageOf, paging, toPage } from '../core/page.js';
import { maySee, type Caller } from '../core/scopes.js';
import { Serves } from '../core/serves.js';
import { TrafficItem } from '../schemas/account.js';
import { byId } from '../schemas/elements.js';

const tag = 'Accounts';
const scope = 'conversations:read' as const;

const list = endpoint({
  method: 'GET',
  path: '/v1/accounts/{id}/traffic',
  scope,
  tag,
  summary: "An account's recent traffic with its provider",
  description:
    'Newest first, without secrets and message bodies; kept as long as the setting `retention.traces` says. Under load only some of what went well is kept. What the channel could not read is among it.',
  params: byId,
  query: z.strictObject({
    ...paging,
    direction: z.enum(['in', 'out']).optional().describe('Only what the provider called with, or was asked.'),
    failed: z.stringbool().default(false).describe('`true`: only what was not answered with success.'),
  }),
  status: 200,
  answer: pageOf(TrafficItem),
});
const fixture = endpoint({
  method: 'GET',
  path: '/v1/accounts/{id}/traffic/{exchange}/fixture',
  scope,
  tag,
  summary: 'Traffic as a fixture of the conformance suite',
  description:
    'What `loadFixture` reads (`in`), or `loadAnswer` (`out`): save it below `fixtures/` of the channel and name it in a case. Texts are `[text: N chars]`, signatures are left out.',
  params: byId.extend({ exchange: z.string().max(20) }),
  status: 200,
  answer: z.record(z.string(), z.unknown()),
});

@Controller()
export class TrafficController {
  constructor(@Inject(AccountStore) private readonly accounts: AccountStore) {}

  @Serves(list)
  async list(@Called() { sql, params, query, caller }: Call<typeof list>) {
    await this.demand(sql, params.id, caller);
    const before = fromCursor(query.cursor, z.tuple([z.int().nonnegative()]))?.[0] ?? null;
    const { limit, direction = null, failed } = query;
    const rows = await listTraffic(sql, params.id, { before, limit: limit + 1, direction, failed });
    return toPage(rows, limit, {
      place: (row) => [row.position],
      show: ({ position, direction: way, ...item }) => ({ id: String(position), direction: way as 'in', ...item }),
    });
  }

  @Serves(fixture)
  async fixture(@Called() { sql, params, caller }: Call<typeof fixture>) {
    await this.demand(sql, params.id, caller);
    const position = /^\d{1,15}$/.test(params.exchange) ? Number(params.exchange) : -1;
    const { direction, exchange } = await getTraffic(sql, params.id, position);
    const said = exchange as unknown as Exchange;
    return { ...(direction === 'in' ? fixtureOfCall(said) : fixtureOfAnswer(said)) };
  }

  /** There are no traces of accounts that are not there, or that the key does not see. */
  private async demand(sql: Sql, id: string, caller: Caller): Promise<void> {
    if (!maySee(caller, id)) throw new NotFound(`there is no account ${id}`);
    await this.accounts.get(sql, id);
  }
}

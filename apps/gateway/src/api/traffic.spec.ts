import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { describeOnEveryDatabase } from '#database/testing';
import { Stage } from './testing/stage.js';
import { STORE } from './testing/store.js';

const exchange = (status: number | null, id: string) => ({
  ...{ at: 0, durationMs: 1, failure: status === null ? { code: 'unavailable', message: 'refused' } : null },
  request: {
    method: 'POST',
    url: 'https://gateway.example/channels/sms',
    headers: { 'content-type': 'application/json' },
    body: `{"id":"${id}"}`,
  },
  response: status === null ? null : { status, headers: {}, body: '{"ok":true}' },
});

describeOnEveryDatabase("an account's traffic", (open) => {
  let api: Stage;
  beforeAll(async () => {
    api = await new Stage(await open(STORE)).open();
    for (const id of ['sms', 'live']) await api.account(id);
    const rows = [
      ['sms', 'in', exchange(200, 'one')],
      ['sms', 'in', exchange(400, 'two')],
      ['other', 'in', exchange(500, 'foreign')],
      ['sms', 'out', exchange(null, 'three')],
      ['sms', 'out', exchange(429, 'four')],
    ] as const;
    for (const [account, direction, said] of rows)
      await api.database.query('insert into trace (account_id, direction, exchange) values ($1, $2, $3)', [
        account,
        direction,
        JSON.stringify(said),
      ]);
  });
  afterAll(() => api.close());

  const ids = async (query = '') => {
    const { items } = (await api.get(`/v1/accounts/sms/traffic${query}`)).body;
    return items.map(
      (item: { exchange: { request: { body: string } } }) =>
        (JSON.parse(item.exchange.request.body) as { id: string }).id,
    );
  };

  it('is listed newest first, by pages', async () => {
    expect(await ids()).toEqual(['four', 'three', 'two', 'one']);
    const { body: first } = await api.get('/v1/accounts/sms/traffic?limit=3');
    const { body: second } = await api.get(`/v1/accounts/sms/traffic?limit=3&cursor=${first.next}`);
    expect([first.items.length, second.items.length, second.next]).toEqual([3, 1, null]);
    expect(first.items[0]).toMatchObject({
      id: expect.any(String),
      direction: 'out',
      messageId: null,
      at: expect.stringMatching(/Z$/),
    });
  });

  it.each([
    ['?direction=in', ['two', 'one']],
    ['?direction=out', ['four', 'three']],
    ['?failed=true', ['four', 'three', 'two']],
    ['?failed=true&direction=in', ['two']],
  ])('is narrowed by %s', async (query, expected) => {
    expect(await ids(query)).toEqual(expected);
  });

  it('becomes fixtures, of calls and of answers', async () => {
    const { items } = (await api.get('/v1/accounts/sms/traffic')).body;
    const fixture = async ({ id }: { id: string }) => (await api.get(`/v1/accounts/sms/traffic/${id}/fixture`)).body;
    expect(await fixture(items[3])).toEqual({ headers: { 'content-type': 'application/json' }, json: { id: 'one' } });
    expect(await fixture(items[0])).toMatchObject({
      request: { json: { id: 'four' } },
      answer: { status: 429, body: { ok: true } },
    });
  });

  it('is of one account, and for those who see it', async () => {
    const { items } = (await api.get('/v1/accounts/sms/traffic')).body;
    const [foreign] = await api.database.query<{ position: number }>(
      `select position from trace where account_id = 'other'`,
    );
    const none = [
      '/v1/accounts/none/traffic',
      `/v1/accounts/sms/traffic/${foreign!.position}/fixture`,
      '/v1/accounts/sms/traffic/x/fixture',
    ];
    for (const path of none) expect([path, (await api.get(path)).status]).toEqual([path, 404]);
    const limited = await api.key(['conversations:read'], ['live']);
    const other = await api.key(['accounts:read']);
    for (const path of ['/v1/accounts/sms/traffic', `/v1/accounts/sms/traffic/${items[0].id}/fixture`]) {
      expect((await api.get(path, { key: limited })).status).toBe(404);
      expect((await api.get(path, { key: other })).status).toBe(403);
    }
  });
});

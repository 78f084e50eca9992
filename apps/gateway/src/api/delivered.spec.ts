import { afterAll, beforeAll, beforeEach, expect, it } from '@jest/globals';
import { describeOnEveryDatabase } from '#database/testing';
import { DeliveryRefused } from '#helpdesk';
import { Stage } from './testing/stage.js';
import { STORE } from './testing/store.js';

const HOUR_MS = 3_600_000;

describeOnEveryDatabase('the API: what was handed over', (open) => {
  let api: Stage;
  let conversations: string[];

  beforeAll(async () => {
    api = await new Stage(await open(STORE)).open();
    await api.account('web');
    for (const [id, type] of [
      ['desk', 'desk'],
      ['hook', 'webhook'],
    ])
      await api.post('/v1/destinations', {
        id,
        type,
        config: { url: 'https://desk.example/in' },
        filter: { events: ['message.received'] },
      });
  });
  afterAll(() => api.close());
  beforeEach(async () => {
    await api.database.query('truncate event, outbox, delivery');
    api.desk.asked.length = 0;
    api.desk.lacks = () => ({ ticketId: '4711', ids: [] });
    conversations = [];
    for (const from of ['+8613900000061', '+8613900000062', '+8613900000063']) {
      conversations.push((await api.arrive('web', `hello ${from}`, from)).conversationId);
      await api.arrive('web', `again ${from}`, from);
    }
    conversations.sort();
    await settle('delivered');
    await api.database.query(`update event set created_at = now() - interval '1 hour'`);
  });

  /** As the relay does. */
  const settle = (state: string, failure: object | null = null) =>
    api.database.query(
      `with gone as (delete from outbox where target_id = 'desk' returning item_id)
       insert into delivery (destination_id, event_id, state, attempts, failure) select 'desk', item_id, $1, 5, $2::jsonb from gone`,
      [state, failure && JSON.stringify(failure)],
    );
  const eventsOf = async (conversationId: string) =>
    (
      await api.database.query<{ id: string }>(
        'select id from event where conversation_id = $1 and type = $2 order by sequence',
        [conversationId, 'message.received'],
      )
    ).map(({ id }) => id);
  const reconcile = (body?: unknown, options?: object) => api.post('/v1/destinations/desk/reconcile', body, options);

  it('shows a dead letter with its reason and what it says', async () => {
    await api.arrive('web', 'refused', '+8613900000064');
    const failure = {
      code: 'content-refused',
      providerCode: '422',
      message: 'answered 422',
      retryable: false,
      owner: 'agent',
    };
    await settle('dead', failure);
    const [dead] = (await api.get('/v1/destinations/desk/deliveries?state=dead')).body.items;
    const path = `/v1/destinations/desk/deliveries/${dead.eventId}`;
    expect(await api.get(path)).toMatchObject({
      status: 200,
      body: {
        ...{ eventId: dead.eventId, state: 'dead', attempts: 5, type: 'message.received', failure },
        event: { id: dead.eventId, type: 'message.received', data: { message: { text: 'refused' } } },
      },
    });
    await api.post('/v1/destinations/desk/replay', { ids: [dead.eventId] });
    expect((await api.get(path)).body).toMatchObject({ state: 'pending', replay: true, failure: null });
    await api.database.query('truncate event');
    expect((await api.get(path)).body).toMatchObject({ state: 'pending', type: null, event: null });
  });

  it('shows no delivery to who may not see it, and none that there is not', async () => {
    const [eventId] = await eventsOf(conversations[0]!);
    const path = `/v1/destinations/desk/deliveries/${eventId}`;
    expect((await api.get(path, { key: null })).status).toBe(401);
    expect((await api.get(path, { key: await api.key(['destinations:write']) })).status).toBe(403);
    expect((await api.get(path, { key: await api.key(['destinations:read']) })).status).toBe(200);
    for (const unknown of [
      `/v1/destinations/desk/deliveries/evt_none`,
      `/v1/destinations/none/deliveries/${eventId}`,
      `/v1/destinations/hook/deliveries/evt_none`,
    ])
      expect((await api.get(unknown)).body).toMatchObject({ status: 404, code: 'not-found' });
  });

  it('asks for everything that was taken, conversation by conversation, page by page, and tells what is lacking', async () => {
    const [a, b, c] = await Promise.all(conversations.map(eventsOf));
    api.desk.lacks = (ids) =>
      ids[0] === a![0] ? null : ids[0] === b![0] ? { ticketId: '7', ids: [b![1]!] } : { ticketId: '8', ids: [] };
    const first = await reconcile({ limit: 2 });
    expect(first).toMatchObject({
      status: 200,
      body: {
        checked: 2,
        next: conversations[1],
        items: [
          { conversationId: conversations[0], ticketId: null, problem: 'no-ticket', eventIds: a },
          { conversationId: conversations[1], ticketId: '7', problem: 'missing', eventIds: [b![1]] },
        ],
      },
    });
    expect((await reconcile({ limit: 2, cursor: first.body.next })).body).toEqual({
      items: [],
      checked: 1,
      next: null,
    });
    expect(api.desk.asked).toEqual([a, b, c]);
    const lacking = first.body.items.flatMap(({ eventIds }: { eventIds: string[] }) => eventIds);
    expect((await api.post('/v1/destinations/desk/replay', { ids: lacking })).body).toEqual({ count: 3 });
    expect(
      (
        await reconcile({
          from: new Date(Date.now() - 2 * HOUR_MS).toISOString(),
          to: new Date(Date.now() - 1.5 * HOUR_MS).toISOString(),
        })
      ).body,
    ).toEqual({ items: [], checked: 0, next: null });
  });

  it('misses neither what waits, nor what died, nor what is younger than five minutes', async () => {
    const [first, second] = await eventsOf(conversations[0]!);
    await api.database.query(`update delivery set state = 'dead' where event_id = $1`, [first]);
    await api.database.query(`update event set created_at = now() where conversation_id = any ($1)`, [
      conversations.slice(1),
    ]);
    await reconcile();
    expect(api.desk.asked).toEqual([[second]]);
  });

  it('passes on what the ticket system says to too many questions, with what was found before', async () => {
    api.desk.lacks = () => {
      if (api.desk.asked.length > 1) throw new DeliveryRefused(429, 'answered 429', 7_000);
      return null;
    };
    const part = await reconcile();
    expect(part).toMatchObject({ status: 200, body: { checked: 1, next: conversations[0], items: [{}] } });
    const refused = await reconcile({ cursor: part.body.next });
    expect(refused.body).toMatchObject({ code: 'throttled' });
    expect([refused.status, refused.headers.get('retry-after')]).toEqual([409, '7']);
    api.desk.lacks = () => {
      throw new DeliveryRefused(500, 'answered 500');
    };
    expect((await reconcile()).body).toMatchObject({ code: 'unavailable' });
  });

  it('refuses who may not, systems that cannot be asked, and what is no question', async () => {
    expect((await reconcile({}, { key: null })).status).toBe(401);
    expect((await reconcile({}, { key: await api.key(['destinations:read']) })).status).toBe(403);
    expect((await api.post('/v1/destinations/none/reconcile')).body).toMatchObject({ status: 404, code: 'not-found' });
    expect((await api.post('/v1/destinations/hook/reconcile')).body).toMatchObject({
      status: 409,
      code: 'not-supported',
    });
    for (const body of [
      { limit: 0 },
      { limit: 101 },
      { from: 'yesterday' },
      { since: 1 },
      { from: '2026-11-21T10:00:00Z', to: '2026-11-21T10:00:00Z' },
    ])
      expect((await reconcile(body)).body).toMatchObject({ status: 422, code: 'invalid' });
    expect(api.desk.asked).toEqual([]);
  });
});

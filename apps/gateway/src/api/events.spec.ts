import { afterAll, beforeAll, beforeEach, expect, it } from '@jest/globals';
import { describeOnEveryDatabase } from '#database/testing';
import { toCursor } from './core/page.js';
import { Stage } from './testing/stage.js';
import { STORE } from './testing/store.js';

describeOnEveryDatabase('the API: GET /v1/events', (open) => {
  let api: Stage;
  let now: string;

  beforeAll(async () => {
    api = await new Stage(await open(STORE)).open();
    await api.account('sms');
  });
  beforeEach(async () => {
    now = (await api.get('/v1/events?types=account.connected')).body.next;
  });
  afterAll(() => api.close());

  const pull = async (query: string) => (await api.get(`/v1/events?${query}`)).body;
  const types = (page: { items: { type: string }[] }) => page.items.map(({ type }) => type);

  it('gives the same events as destinations get, in order, and goes on where the reader stands', async () => {
    const from = '+8613900000041';
    await api.arrive('sms', 'one', from);
    const page = await pull(`after=${now}`);
    expect(types(page)).toEqual(['contact.created', 'conversation.opened', 'message.received']);
    expect(page.items[2]).toMatchObject({
      id: expect.stringMatching(/^evt_/),
      sequence: 2,
      timestamp: expect.stringMatching(/Z$/),
      data: {
        message: { text: 'one' },
        conversation: { status: 'open' },
        contact: { name: 'Wang' },
        account: { id: 'sms' },
      },
    });
    expect(await pull(`after=${page.next}`)).toEqual({ items: [], next: expect.any(String) });
    await api.arrive('sms', 'two', from);
    expect(types(await pull(`after=${page.next}`))).toEqual(['message.received']);
  });

  it('pages without a gap or a double, filters by type and family, never gives a null cursor', async () => {
    for (const n of [1, 2, 3]) await api.arrive('sms', String(n), '+8613900000042');
    const seen: string[] = [];
    for (let next = now, more = true; more;) {
      const page = await pull(`after=${next}&limit=2`);
      seen.push(...types(page));
      more = page.items.length > 0;
      next = page.next;
      expect(next).toEqual(expect.any(String));
    }
    expect(seen).toEqual([
      'contact.created',
      'conversation.opened',
      'message.received',
      'message.received',
      'message.received',
    ]);
    expect(types(await pull(`after=${now}&types=conversation.opened`))).toEqual(['conversation.opened']);
    expect(types(await pull(`after=${now}&types=contact.*,conversation.*`))).toEqual([
      'contact.created',
      'conversation.opened',
    ]);
    expect(types(await pull('limit=1'))).toHaveLength(1);
  });

  it('waits for the first event, and is woken by it', async () => {
    const waiting = pull(`after=${now}&wait=30&types=message.*`);
    await api.arrive('sms', 'woken', '+8613900000043');
    api.database.hint('events');
    const page = await waiting;
    expect(page.items).toMatchObject([{ data: { message: { text: 'woken' } } }]);
  });

  it('is woken by what does not pass the filter too, and goes on waiting', async () => {
    const waiting = pull(`after=${now}&wait=2&types=account.*`);
    await api.arrive('sms', 'passes by', '+8613900000044');
    api.database.hint('events');
    expect((await waiting).items).toEqual([]);
  });

  it('does not look at every hint while nothing passes the filter', async () => {
    const { query } = api.database;
    let looks = 0;
    api.database.query = ((statement: string | { text: string }, values?: unknown[]) => {
      if (/stream_front/.test(typeof statement === 'string' ? statement : statement.text)) looks += 1;
      return query.call(api.database, statement as string, values);
    }) as typeof query;
    const ringing = setInterval(() => api.database.hint('events'), 1);
    try {
      expect((await pull(`after=${now}&wait=1&types=account.*`)).items).toEqual([]);
    } finally {
      clearInterval(ringing);
      api.database.query = query;
    }
    expect(looks).toBeGreaterThan(1);
    expect(looks).toBeLessThan(15);
  });

  it('holds no connection while it waits: forty readers wait, and others are served', async () => {
    const stop = new AbortController();
    const readers = Array.from({ length: 40 }, () =>
      api.get(`/v1/events?after=${now}&wait=30&types=account.*`, { signal: stop.signal }).catch(() => 'hung up'),
    );
    for (let n = 0; n < 5; n += 1) expect((await api.get('/v1/keys')).status).toBe(200);
    stop.abort();
    expect(await Promise.all(readers)).toEqual(readers.map(() => 'hung up'));
  });

  it('answers an expired cursor with 410, one whose event is kept never', async () => {
    await api.arrive('sms', 'kept', '+8613900000045');
    const [last] = await api.database.query<{ position: number }>('select max(position) as position from event');
    const old = Date.now() - 90_000_000;
    const expired = await api.get(`/v1/events?after=${toCursor([Number(last!.position) + 1_000, old])}`);
    expect([expired.status, expired.body.code]).toEqual([410, 'cursor-expired']);
    expect((await api.get(`/v1/events?after=${toCursor([Number(last!.position), old])}`)).status).toBe(200);
  });

  it('does not pass over an event that commits late', async () => {
    if (api.database.kind !== 'postgres') return;
    const { conversationId } = await api.arrive('sms', 'first', '+8613900000046');
    const other = await api.arrive('sms', 'other', '+8613900000047');
    const start = (await pull('types=account.*')).next;
    let commit = (): void => undefined;
    const gate = new Promise<void>((resolve) => (commit = resolve));
    let drawn = (): void => undefined;
    const begun = new Promise<void>((resolve) => (drawn = resolve));
    const late = api.database.transaction(async (sql) => {
      await sql.query(`select emit('conversation.updated', $1, null, null, null, clock_timestamp())`, [conversationId]);
      drawn();
      await gate;
    });
    await begun;
    await api.patch(`/v1/conversations/${other.conversationId}`, { priority: 'high' });
    const early = await pull(`after=${start}`);
    commit();
    await late;
    const rest = await pull(`after=${early.next}`);
    const ids = [...early.items, ...rest.items].map(
      (event: { data: { conversation: { id: string } } }) => event.data.conversation.id,
    );
    expect(ids).toEqual([conversationId, other.conversationId]);
  });
});

import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { describeOnEveryDatabase } from '#database/testing';
import { Stage } from './testing/stage.js';
import { STORE } from './testing/store.js';

describeOnEveryDatabase('the API: messages and conversations', (open) => {
  let api: Stage;

  beforeAll(async () => {
    api = await new Stage(await open(STORE)).open();
    await api.account('sms');
    await api.account('live', 'typing');
  });
  afterAll(() => api.close());

  describe('POST /v1/conversations/{id}/messages', () => {
    it('queues an answer and gives the message', async () => {
      const { conversationId, threadId } = await api.arrive('sms');
      const answer = await api.post(`/v1/conversations/${conversationId}/messages`, {
        text: '您好',
        author: { id: 'a-1', name: 'Lin' },
      });
      expect(answer.status).toBe(202);
      expect(answer.body).toMatchObject({
        id: expect.stringMatching(/^msg_/),
        conversationId,
        threadId,
        direction: 'outbound',
        status: 'queued',
        text: '您好',
        author: { kind: 'agent', id: 'a-1', name: 'Lin' },
        parts: [{ type: 'text', text: '您好' }],
        externalIds: [],
      });
      const [unit] = await api.database.query(`select 1 from unit where message_id = $1`, [answer.body.id]);
      expect(unit).toBeDefined();
    });

    it('refuses what it cannot do with a typed problem, and stores nothing', async () => {
      const { conversationId } = await api.arrive('sms', 'hello', '+8613900000011');
      const path = `/v1/conversations/${conversationId}/messages`;
      const cases = [
        [path, { text: 'a', parts: [{ type: 'text', text: 'b' }] }, 422, 'invalid'],
        [path, {}, 422, 'invalid'],
        [path, { text: 'a', colour: 'red' }, 422, 'invalid'],
        [path, { text: 'a', replyTo: 'msg_of_nobody' }, 422, 'invalid'],
        ['/v1/conversations/cnv_none/messages', { text: 'a' }, 404, 'not-found'],
        ['/v1/conversations/cnv_none/messages', { text: 'a', replyTo: 'msg_none' }, 404, 'not-found'],
      ] as const;
      for (const [url, body, status, code] of cases) {
        const answer = await api.post(url, body);
        expect([answer.status, answer.body.code]).toEqual([status, code]);
        expect(answer.headers.get('content-type')).toMatch(/^application\/problem\+json/);
        expect(answer.body).toMatchObject({
          type: `/docs#${code}`,
          title: expect.any(String),
          status,
          detail: expect.any(String),
        });
      }
      const history = await api.get(path);
      expect(history.body.items).toHaveLength(1);
    });

    it('answers a closed conversation without reopening it, and says the failure code of an account that is off', async () => {
      const { conversationId } = await api.arrive('sms', 'bye', '+8613900000002');
      await api.patch(`/v1/conversations/${conversationId}`, { status: 'closed' });
      expect((await api.post(`/v1/conversations/${conversationId}/messages`, { text: 'one more thing' })).status).toBe(
        202,
      );
      expect((await api.get(`/v1/conversations/${conversationId}`)).body.status).toBe('closed');
      await api.patch('/v1/accounts/sms', { enabled: false });
      const refused = await api.post(`/v1/conversations/${conversationId}/messages`, { text: 'too late' });
      await api.patch('/v1/accounts/sms', { enabled: true });
      expect([refused.status, refused.body.code]).toEqual([409, 'config-invalid']);
    });
  });

  it('takes text of format markdown, and tells in plain words what it says', async () => {
    const { conversationId } = await api.arrive('sms', 'hi', '+8613900000021');
    const path = `/v1/conversations/${conversationId}/messages`;
    const parts = [{ type: 'text', text: '**Yes**, [here](https://a.example)', format: 'markdown' }];
    const answer = await api.post(path, { parts });
    expect(answer.body).toMatchObject({ status: 'queued', parts, text: 'Yes, here (https://a.example)' });
    const [unit] = await api.database.query('select content from unit where message_id = $1', [answer.body.id]);
    expect(unit).toMatchObject({ content: { parts: [{ type: 'text', text: 'Yes, here (https://a.example)' }] } });
    const other = await api.post(path, { parts: [{ type: 'text', text: 'x', format: 'bbcode' }] });
    expect([other.status, other.body.code]).toEqual([422, 'invalid']);
  });

  it('refuses a subject where the channel has none', async () => {
    const to = { handle: { scheme: 'phone', value: '+86 139 0000 0022' } };
    const refused = await api.post('/v1/messages', { to, accountId: 'sms', text: 'x', subject: 'News' });
    expect([refused.status, refused.body.code]).toEqual([422, 'content-refused']);
  });

  it('writes first, gets, cancels, and will not cancel twice', async () => {
    const sent = await api.post('/v1/messages', {
      to: { handle: { scheme: 'phone', value: '+86 139 0000 0003' } },
      accountId: 'sms',
      text: 'shipped',
      sendAt: new Date(Date.now() + 3_600_000).toISOString(),
    });
    expect(sent.status).toBe(202);
    expect((await api.get(`/v1/messages/${sent.body.id}`)).body).toMatchObject({
      id: sent.body.id,
      status: 'queued',
      text: 'shipped',
    });
    expect((await api.delete(`/v1/messages/${sent.body.id}`)).status).toBe(204);
    expect((await api.get(`/v1/messages/${sent.body.id}`)).body).toMatchObject({
      status: 'failed',
      failure: { code: 'cancelled' },
    });
    const again = await api.delete(`/v1/messages/${sent.body.id}`);
    expect([again.status, again.body.code]).toEqual([409, 'already-sent']);
    expect((await api.delete('/v1/messages/msg_none')).status).toBe(404);
  });

  it('pages through the history both ways', async () => {
    const from = '+8613900000004';
    for (const text of ['1', '2', '3', '4', '5']) await api.arrive('sms', text, from);
    const { conversationId } = await api.arrive('sms', '6', from);
    const path = `/v1/conversations/${conversationId}/messages`;
    const texts = ({ body }: { body: { items: { text: string }[] } }) => body.items.map(({ text }) => text);
    const first = await api.get(`${path}?limit=4`);
    expect(texts(first)).toEqual(['1', '2', '3', '4']);
    const second = await api.get(`${path}?limit=4&cursor=${first.body.next}`);
    expect([texts(second), second.body.next]).toEqual([['5', '6'], null]);
    expect(texts(await api.get(`${path}?after=2&before=5`))).toEqual(['3', '4']);
    const latest = await api.get(`${path}?before=7&limit=2`);
    expect(texts(latest)).toEqual(['5', '6']);
    expect(texts(await api.get(`${path}?cursor=${latest.body.next}&limit=2`))).toEqual(['3', '4']);
  });

  it('shows typing where the channel can, and does nothing where it cannot', async () => {
    const live = await api.arrive('live', 'hi', '+8613900000005');
    expect((await api.post(`/v1/conversations/${live.conversationId}/typing`)).status).toBe(204);
    await api.post(`/v1/conversations/${live.conversationId}/typing`, { on: false });
    expect(api.typing.typed).toEqual([
      { thread: '+8613900000005', on: true },
      { thread: '+8613900000005', on: false },
    ]);
    await api.account('web', 'webchat');
    const web = await api.arrive('web', 'hi', '+8613900000010');
    const hinted = new Promise((resolve) => api.database.onHint('typing', resolve));
    await api.post(`/v1/conversations/${web.conversationId}/typing`, { name: 'Lin' });
    expect(JSON.parse((await hinted) as string)).toEqual({ threadId: web.threadId, on: true, name: 'Lin' });
    const plain = await api.arrive('sms', 'hi', '+8613900000006');
    expect((await api.post(`/v1/conversations/${plain.conversationId}/typing`, {})).status).toBe(204);
  });

  it('shows the traffic of a message, with the provider and with ticket systems', async () => {
    const { messageId } = await api.arrive('sms', 'traced', '+8613900000007');
    await api.arrive('sms', 'another', '+8613900000007');
    await api.database.query(
      `insert into trace (account_id, message_id, direction, exchange) values ('sms', $1, 'in', '{"at":1}')`,
      [messageId],
    );
    await api.database.query(
      `insert into trace (destination_id, event_id, direction, exchange)
       select 'desk', id, 'out', jsonb_build_object('of', data->'message'->>'id') from event where type = 'message.received'`,
    );
    const { status, body } = await api.get(`/v1/messages/${messageId}/trace`);
    const at = expect.stringMatching(/Z$/);
    const inbound = { direction: 'in', at, exchange: { at: 1 } };
    expect([status, body]).toEqual([
      200,
      { items: [inbound, { direction: 'out', at, exchange: { of: messageId } }], next: null },
    ]);
    const key = await api.key(['conversations:read'], ['sms']);
    expect((await api.get(`/v1/messages/${messageId}/trace`, { key })).body.items).toEqual([inbound]);
    expect((await api.get('/v1/messages/msg_none/trace')).status).toBe(404);
  });

  describe('conversations', () => {
    it('filters and pages', async () => {
      const ids = [];
      for (const n of [1, 2, 3]) {
        const { conversationId } = await api.arrive('live', 'x', `+861391000000${n}`);
        await api.patch(`/v1/conversations/${conversationId}`, {
          tags: ['listed'],
          priority: n === 2 ? 'high' : 'low',
        });
        ids.unshift(conversationId);
      }
      const list = async (query: string) => (await api.get(`/v1/conversations?${query}`)).body;
      const idsOf = (page: { items: { id: string }[] }) => page.items.map(({ id }) => id);
      const first = await list('tag=listed&limit=2');
      const second = await list(`tag=listed&limit=2&cursor=${first.next}`);
      expect([...idsOf(first), ...idsOf(second), second.next]).toEqual([...ids, null]);
      expect(idsOf(await list('tag=listed&priority=high,urgent'))).toEqual([ids[1]]);
      expect(idsOf(await list('tag=listed&accountId=sms'))).toEqual([]);
      expect(idsOf(await list('tag=listed&channel=typing&status=open,pending'))).toEqual(ids);
      expect(idsOf(await list('tag=listed&status=closed'))).toEqual([]);
      const { contactId } = first.items[0];
      expect(idsOf(await list(`contactId=${contactId}`))).toEqual([ids[0]]);
    });

    it('changes, and tells the stream once of each change', async () => {
      const { conversationId } = await api.arrive('sms', 'change me', '+8613900000008');
      await api.post('/v1/destinations', { id: 'desk', type: 'webhook', config: { url: 'https://desk.example/hook' } });
      const path = `/v1/conversations/${conversationId}`;
      const changed = await api.patch(path, {
        priority: 'urgent',
        tags: ['a', 'b', 'a'],
        metadata: { order: 1, plan: 'x' },
        references: [{ destinationId: 'desk', ticketId: '4711', url: 'https://desk.example/4711' }],
      });
      expect(changed.body).toMatchObject({
        priority: 'urgent',
        tags: ['a', 'b'],
        metadata: { order: 1, plan: 'x' },
        references: [{ destinationId: 'desk', ticketId: '4711', url: 'https://desk.example/4711' }],
      });
      expect((await api.get('/v1/conversations?destinationId=desk&ticketId=4711')).body.items).toHaveLength(1);
      await api.patch(path, { priority: 'urgent', metadata: { plan: 'x' } });
      expect((await api.patch(path, { status: 'closed', metadata: { plan: null } })).body).toMatchObject({
        status: 'closed',
        metadata: { order: 1 },
      });
      await api.patch(path, { status: 'open' });
      await api.patch(path, { status: 'pending' });
      const events = await api.database.query<{ type: string; changes: string[] }>(
        `select type, data->'changes' as changes from event where conversation_id = $1 and type like 'conversation.%' order by sequence`,
        [conversationId],
      );
      expect(events).toEqual([
        { type: 'conversation.opened', changes: null },
        { type: 'conversation.updated', changes: ['priority', 'tags', 'metadata'] },
        { type: 'conversation.updated', changes: ['status', 'metadata'] },
        { type: 'conversation.closed', changes: ['status', 'metadata'] },
        { type: 'conversation.reopened', changes: ['status'] },
        { type: 'conversation.updated', changes: ['status'] },
      ]);
      expect((await api.patch(path, { references: [{ destinationId: 'nowhere', ticketId: '1' }] })).status).toBe(404);
    });

    it('tells where an answer can go', async () => {
      const { conversationId, threadId } = await api.arrive('sms', 'where', '+8613900000009');
      const { body } = await api.get(`/v1/conversations/${conversationId}/sendability`);
      expect(body.items).toEqual([
        expect.objectContaining({
          threadId,
          accountId: 'sms',
          channel: 'http',
          canSend: true,
          until: null,
          remaining: null,
        }),
      ]);
      expect(body.items[0].parts).toContain('choices');
    });
  });
});

import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { writeRouting } from '#conversations';
import { describeOnEveryDatabase } from '#database/testing';
import { Stage } from './testing/stage.js';
import { STORE } from './testing/store.js';

const POLICY = {
  hours: { office: { zone: 'Asia/Shanghai', weekly: { thu: ['09:00-18:00'] }, closed: ['2026-10-01'] } },
  rules: [
    { name: 'VIP', when: { level: ['vip'] }, set: { priority: 'urgent', queue: 'vip', tags: ['vip'] } },
    { name: 'Chinese at night', when: { language: ['zh'], outside: ['office'] }, set: { queue: 'zh-night' } },
  ],
} as const;

describeOnEveryDatabase('the API: routing', (open) => {
  let api: Stage;

  beforeAll(async () => {
    api = await new Stage(await open(STORE)).open();
    await api.account('sms');
    await writeRouting(api.database, POLICY);
  });
  afterAll(() => api.close());

  const changes = async (id: string) => {
    const { items } = (await api.get('/v1/events?limit=200')).body;
    return items
      .filter((event: { data: { conversation?: { id: string } } }) => event.data.conversation?.id === id)
      .filter(({ type }: { type: string }) => type === 'conversation.updated')
      .map(({ data }: { data: { changes: string[] } }) => data.changes);
  };
  const vip = async (contactId: string) => {
    const company = await api.post('/v1/companies', { name: 'Acme' });
    await api.patch(`/v1/contacts/${contactId}`, { companyId: company.body.id });
    return company.body.id as string;
  };

  it('shows the rules in force', async () => {
    expect((await api.get('/v1/routing')).body).toEqual(POLICY);
  });

  it('says which rule would decide, and why', async () => {
    const answer = await api.post('/v1/routing/test', {
      accountId: 'sms',
      facts: { level: ['gold'] },
      text: '我要退款',
      at: '2026-10-01T10:00:00+08:00',
    });
    expect(answer.status).toBe(200);
    expect(answer.body).toEqual({
      rule: 'Chinese at night',
      set: { queue: 'zh-night' },
      facts: {
        level: ['gold'],
        company: [],
        channel: ['http'],
        account: ['sms'],
        product: [],
        questionType: [],
        language: ['zh'],
        hours: [],
      },
      rules: [
        {
          name: 'VIP',
          matches: false,
          conditions: [{ fact: 'level', expected: ['vip'], found: ['gold'], holds: false }],
        },
        {
          name: 'Chinese at night',
          matches: true,
          conditions: expect.arrayContaining([
            { fact: 'language', expected: ['zh'], found: ['zh'], holds: true },
            { fact: 'outside', expected: ['office'], found: [], holds: true },
          ]),
        },
      ],
    });
    const byDay = await api.post('/v1/routing/test', { text: '我要退款', at: '2026-10-08T10:00:00+08:00' });
    expect(byDay.body).toMatchObject({ rule: null, set: {}, facts: { hours: ['office'] } });
  });

  it('says of a conversation what became of it, and changes nothing', async () => {
    const { conversationId, contactId } = await api.arrive('sms');
    const company = await vip(contactId);
    await api.patch(`/v1/companies/${company}`, { level: 'vip' });
    await api.patch(`/v1/conversations/${conversationId}`, { queue: 'mine' });
    expect((await api.post('/v1/routing/test', { conversationId })).body).toMatchObject({
      rule: 'VIP',
      facts: { level: ['vip'], company: [company, 'Acme'], account: ['sms'], channel: ['http'] },
    });
    expect((await api.post('/v1/routing/test', { contactId })).body).toMatchObject({
      rule: 'VIP',
      facts: { account: [] },
    });
    expect((await api.get(`/v1/conversations/${conversationId}`)).body).toMatchObject({
      queue: 'mine',
      priority: 'urgent',
    });
  });

  it('re-routes once when the level is known late, and never over what a person set', async () => {
    const { conversationId, contactId } = await api.arrive('sms', 'hello', '+8613900000002');
    const company = await vip(contactId);
    await api.patch(`/v1/conversations/${conversationId}`, { priority: 'low' });
    await api.patch(`/v1/companies/${company}`, { level: 'vip' });
    await api.patch(`/v1/companies/${company}`, { level: 'vip', metadata: { x: 1 } });
    expect((await api.get(`/v1/conversations/${conversationId}`)).body).toMatchObject({
      priority: 'low',
      queue: 'vip',
      tags: ['vip'],
    });
    expect(await changes(conversationId)).toEqual([['priority'], ['queue', 'tags']]);
  });

  it('re-routes when a contact gets a company', async () => {
    const { conversationId, contactId } = await api.arrive('sms', 'hello', '+8613900000003');
    const { body } = await api.post('/v1/companies', { name: 'Beta', level: 'vip' });
    await api.patch(`/v1/contacts/${contactId}`, { companyId: body.id });
    expect(await changes(conversationId)).toEqual([['priority', 'queue', 'tags']]);
  });

  it('sets a queue by hand, takes it away, and finds by it', async () => {
    const { conversationId } = await api.arrive('sms', 'hello', '+8613900000004');
    const path = `/v1/conversations/${conversationId}`;
    expect((await api.get(path)).body.queue).toBeNull();
    expect((await api.patch(path, { queue: 'returns', priority: 'high' })).body.queue).toBe('returns');
    const found = async (query: string) =>
      (await api.get(`/v1/conversations?${query}`)).body.items.map(({ id }: { id: string }) => id);
    expect(await found('queue=returns,other')).toEqual([conversationId]);
    expect(await found('queue=returns&priority=high')).toEqual([conversationId]);
    expect(await found('queue=returns&priority=low')).toEqual([]);
    expect((await api.patch(path, { queue: null })).body.queue).toBeNull();
    expect(await found('queue=returns')).toEqual([]);
    expect(await changes(conversationId)).toEqual([['priority', 'queue'], ['queue']]);
  });

  it('refuses what does not exist, what is not asked right, and who may not see the rules', async () => {
    expect((await api.post('/v1/routing/test', { contactId: 'con_0' })).status).toBe(404);
    expect((await api.post('/v1/routing/test', { conversationId: 'cnv_0' })).status).toBe(404);
    expect((await api.post('/v1/routing/test', { conversationId: 'cnv_0', contactId: 'con_0' })).status).toBe(422);
    expect((await api.post('/v1/routing/test', { facts: { levels: ['vip'] } })).status).toBe(422);
    expect((await api.post('/v1/routing/test', { at: 'soon' })).status).toBe(422);
    const limited = await api.key(['conversations:read'], ['sms']);
    expect((await api.get('/v1/routing', { key: limited })).status).toBe(403);
    expect((await api.post('/v1/routing/test', {}, { key: limited })).status).toBe(403);
    const other = await api.key(['contacts:read']);
    expect((await api.get('/v1/routing', { key: other })).status).toBe(403);
  });
});

import { afterAll, beforeAll, expect, it, jest } from '@jest/globals';
import type { StreamEvent } from '#normalizer';
import { newGateway, setStage, stopEverything, until, type Stage } from '../support/index.js';

jest.setTimeout(120_000);

const routing = {
  hours: { always: { zone: 'UTC', weekly: week('00:00-24:00') } },
  rules: [
    {
      name: 'VIP',
      when: { level: ['vip'], during: ['always'] },
      set: { priority: 'urgent', queue: 'vip', tags: ['vip'] },
    },
    { name: 'Chinese', when: { language: ['zh'] }, set: { queue: 'zh' } },
  ],
};
let stage: Stage;

beforeAll(async () => {
  stage = await setStage({ settings: { routing } });
});
afterAll(async () => {
  await stage?.close();
  await stopEverything();
});

const shown = (event: StreamEvent) => {
  const { priority, queue, tags } = event.data!.conversation!;
  return [event.type, priority, queue, tags.join()];
};
const ofConversation = (id: string) => stage.helpdesk.events.filter(({ data }) => data?.conversation?.id === id);

it('tells the helpdesk with the first message of a VIP that it is urgent, and where it goes', async () => {
  const { api } = stage.gateway;
  const company = await api.post<{ id: string }>('/v1/companies', { name: 'Acme', level: 'vip' });
  const handles = [{ scheme: 'phone', value: '+8613800138001' }];
  expect((await api.post('/v1/contacts', { name: '王芳', companyId: company.body.id, handles })).status).toBe(201);
  const id = await stage.write({ id: 'r-1', thread: 'room-1', text: '报表导不出来', phone: '+8613800138001' });
  const { data } = await stage.received(id);
  expect(ofConversation(data!.conversation!.id).map(shown)).toEqual([
    ['conversation.opened', 'urgent', 'vip', 'vip'],
    ['message.received', 'urgent', 'vip', 'vip'],
  ]);
});

it('routes by the language of who is unknown, and again when the level is known', async () => {
  const { api } = stage.gateway;
  const id = await stage.write({ id: 'r-2', thread: 'room-2', text: '报表导不出来', phone: '+8613800138002' });
  const { data } = await stage.received(id);
  const conversation = data!.conversation!.id;
  const company = await api.post<{ id: string }>('/v1/companies', { name: 'Beta', level: 'vip' });
  await api.patch(`/v1/contacts/${data!.contact!.id}`, { companyId: company.body.id });
  await until('conversation.updated', () => ofConversation(conversation).length === 3);
  expect(ofConversation(conversation).map(shown)).toEqual([
    ['conversation.opened', 'normal', 'zh', ''],
    ['message.received', 'normal', 'zh', ''],
    ['conversation.updated', 'urgent', 'vip', 'vip'],
  ]);
  expect(ofConversation(conversation).at(-1)!.data!.changes).toEqual(['priority', 'queue', 'tags']);
});

it('does not start with hours that do not exist, and says where', async () => {
  const rules = [{ name: 'Night', when: { outside: ['ofice'] }, set: { queue: 'night' } }];
  const gateway = await newGateway({ config: { routing: { ...routing, rules } } });
  const { code, output } = await gateway.startAndEnd();
  expect(code).not.toBe(0);
  expect(output).toMatch(/tributary\.yaml:\d+ {2}routing\.rules\[0\]\.when\.outside\[0\]: expected hours that exist/);
});

function week(span: string) {
  return Object.fromEntries(['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'].map((day) => [day, [span]]));
}

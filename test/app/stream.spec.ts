import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { Webhook } from 'standardwebhooks';
import type { StreamEvent } from '#normalizer';
import {
  expectPromisesKept,
  FakeHelpdesk,
  newSecret,
  schemaFaults,
  setStage,
  stopEverything,
  until,
  type MessageView,
  type Stage,
} from '../support/index.js';

jest.setTimeout(120_000);

const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/;
const anyTime = expect.stringMatching(TIME);
const id = (prefix: string) => expect.stringMatching(new RegExp(`^${prefix}_\\w+$`));

let stage: Stage;
const desks: FakeHelpdesk[] = [];

beforeAll(async () => {
  stage = await setStage();
});
afterAll(async () => {
  await stage?.close();
  await Promise.all(desks.map((desk) => desk.close()));
  await stopEverything();
});

interface Connected {
  readonly desk: FakeHelpdesk;
  readonly id: string;
  readonly secret: string;
}

/** Connects one more ticket system through the API. */
async function connect(name: string, filter: object = {}): Promise<Connected> {
  const secret = newSecret();
  const desk = await new FakeHelpdesk([secret]).start();
  desks.push(desk);
  const body = { id: name, type: 'webhook', config: { url: `${desk.url}/hook`, secret }, filter };
  expect((await stage.gateway.api.post('/v1/destinations', body)).status).toBe(201);
  return { desk, id: name, secret };
}

const disconnect = ({ id: name }: Connected) => stage.gateway.api.delete(`/v1/destinations/${name}`);
const ids = (events: readonly StreamEvent[]) => events.map((event) => event.id);

describe('the way in', () => {
  it('takes a message by http and gives it to the helpdesk, signed, as the contract says', async () => {
    const messageId = await stage.write({
      id: 'm-1',
      thread: 'room-1',
      text: '报表导不出来',
      phone: '+8613800138000',
      name: '王芳',
    });
    const event = await stage.received(messageId);
    const contactId = event.data!.contact!.id;
    expect(event).toMatchObject({
      id: id('evt'),
      type: 'message.received',
      timestamp: anyTime,
      sequence: 2,
      data: {
        conversation: {
          id: id('cnv'),
          status: 'open',
          subject: null,
          priority: 'normal',
          queue: null,
          tags: [],
          metadata: {},
          threads: [{ id: id('thr'), accountId: 'app', channel: 'http' }],
          references: [],
        },
        contact: {
          id: id('con'),
          name: '王芳',
          handles: [{ scheme: 'phone', value: '+8613800138000', proof: 'channel' }],
          company: null,
          crm: null,
        },
        account: { id: 'app', channel: 'http', name: 'Our app' },
        message: {
          id: messageId,
          conversationId: event.data!.conversation!.id,
          threadId: event.data!.conversation!.threads[0]!.id,
          sequence: 1,
          direction: 'inbound',
          author: { kind: 'contact', id: contactId, name: '王芳' },
          parts: [{ type: 'text', text: '报表导不出来' }],
          text: '报表导不出来',
          replyTo: null,
          status: 'received',
          occurredAt: anyTime,
          receivedAt: anyTime,
          externalIds: ['m-1'],
        },
      },
    });
    const request = stage.helpdesk.requests.find((candidate) => candidate.id === event.id)!;
    expect(request.verified).toBe(true);
    expect(request.headers['content-type']).toMatch(/^application\/json/);
    expect(request.headers['webhook-signature']).toMatch(/^v1,[A-Za-z0-9+/]{43}=$/);
    const opened = stage.helpdesk.of('conversation.opened')[0];
    expect([opened?.sequence, opened?.data?.conversation?.id]).toEqual([1, event.data!.conversation!.id]);
    expect(stage.helpdesk.of('contact.created').map(({ sequence, data }) => [sequence, data?.contact?.id])).toEqual([
      [null, contactId],
    ]);
  });

  it('answers a repetition with the same id, and tells nobody of it', async () => {
    const first = await stage.write({ id: 'twice', thread: 'room-1' });
    await stage.received(first);
    const answers = await Promise.all(Array.from({ length: 20 }, () => stage.write({ id: 'twice', thread: 'room-1' })));
    expect(new Set(answers)).toEqual(new Set([first]));
    const stream = await stage.drained();
    expect(stream.filter(({ data }) => data?.message?.id === first)).toHaveLength(1);
  });

  it('publishes a schema for what it pushes', async () => {
    const faults = await schemaFaults(stage.gateway.url, 'StreamEvent.json');
    await stage.drained();
    expect(stage.helpdesk.events.length).toBeGreaterThan(3);
    for (const event of stage.helpdesk.events) expect([event.type, faults(event)]).toEqual([event.type, []]);
    expect(faults({ ...stage.helpdesk.events[0], type: 'no.such' })).not.toEqual([]);
    expect(faults({ ...stage.helpdesk.events[0], id: undefined })).not.toEqual([]);
  });
});

describe('the way out', () => {
  it('sends an answer signed, and tells of queued, sent, delivered and read', async () => {
    const conversation = await stage.conversation({
      id: 'q-1',
      thread: 'room-2',
      text: 'Where is my parcel?',
      phone: '+8613900139000',
    });
    stage.provider.next(
      ({ json }) => json.text === '在路上',
      () => ({ body: { id: 'given-1' } }),
    );
    const queued = await stage.reply(conversation, '在路上');
    expect(queued).toMatchObject({
      id: id('msg'),
      conversationId: conversation,
      sequence: 2,
      status: 'queued',
      text: '在路上',
    });
    await stage.settled(queued.id, 'sent');

    const post = stage.provider.taken.find(({ json }) => json.text === '在路上')!;
    expect(post.json).toMatchObject({
      type: 'message',
      id: post.id,
      thread: 'room-2',
      to: { handles: [{ scheme: 'phone', value: '+8613900139000' }] },
      parts: [{ type: 'text', text: '在路上' }],
      text: '在路上',
    });
    expect([post.path, post.verified]).toEqual(['/out', true]);

    expect((await stage.poster.receipt('given-1', 'delivered')).status).toBe(200);
    await stage.settled(queued.id, 'delivered');
    expect((await stage.poster.receipt(post.id, 'read')).status).toBe(200);
    await stage.settled(queued.id, 'read');
    expect((await stage.poster.receipt(post.id, 'delivered')).status).toBe(200);
    expect((await stage.poster.receipt(post.id, 'failed')).status).toBe(200);
    expect((await stage.message(queued.id)).status).toBe('read');

    const stream = await expectPromisesKept(stage);
    const told = stream.filter(({ data }) => data?.message?.id === queued.id);
    expect(told.map(({ type, data }) => [type, data?.message?.status])).toEqual([
      ['message.queued', 'queued'],
      ['message.sent', 'sent'],
      ['message.delivered', 'delivered'],
      ['message.read', 'read'],
    ]);
    expect(told[1]?.data?.message?.author).toMatchObject({ kind: 'agent', id: 'agent-1', name: 'Lin' });
    expect(told[1]?.data?.message?.externalIds).toContain('given-1');
  });

  it('sends a double click once', async () => {
    const conversation = await stage.conversation({ id: 'q-2', thread: 'room-3' });
    const clicks = await Promise.all(
      Array.from({ length: 5 }, () => stage.reply(conversation, 'one click', 'click-1')),
    );
    expect(new Set(clicks.map((message) => JSON.stringify(message))).size).toBe(1);
    const other = await stage.gateway.api.post<{ code: string }>(
      `/v1/conversations/${conversation}/messages`,
      { text: 'another text' },
      { headers: { 'idempotency-key': 'click-1' } },
    );
    expect([other.status, other.body.code]).toEqual([422, 'idempotency-mismatch']);
    await stage.settled(clicks[0]!.id, 'sent');
    await stage.drained();
    expect(stage.provider.requests.filter(({ json }) => json.text === 'one click')).toHaveLength(1);
  });

  it('reports what the provider refuses for good', async () => {
    const conversation = await stage.conversation({ id: 'q-3', thread: 'room-4' });
    stage.provider.next(
      ({ json }) => json.text === 'not like that',
      () => ({ status: 422 }),
    );
    const queued = await stage.reply(conversation, 'not like that');
    await stage.settled(queued.id, 'failed');
    expect((await stage.message(queued.id)).failure).toMatchObject({
      code: 'content-refused',
      owner: 'agent',
      retryable: false,
    });
    const next = await stage.reply(conversation, 'like this');
    await stage.settled(next.id, 'sent');
  });

  it('tries again what the provider cannot take now, with the same id', async () => {
    const conversation = await stage.conversation({ id: 'q-4', thread: 'room-5' });
    stage.provider.next(
      ({ json }) => json.text === 'later',
      () => ({ status: 503, headers: { 'retry-after': '0' } }),
    );
    const queued = await stage.reply(conversation, 'later');
    await stage.settled(queued.id, 'sent');
    const posts = stage.provider.requests.filter(({ json }) => json.text === 'later');
    expect(posts.map(({ id: unit, attempt }) => [unit, attempt])).toEqual([
      [posts[0]!.id, 1],
      [posts[0]!.id, 2],
    ]);
  });
});

describe('destinations', () => {
  it('keeps the reference that a ticket system gives, and shows it to that one only', async () => {
    const other = await connect('other-desk');
    const reference = { ticketId: '4711', url: 'https://desk.example/4711' };
    stage.helpdesk.next(
      ({ json }) => json.data?.message?.text === 'make a ticket',
      () => ({ body: { reference } }),
    );
    const conversation = await stage.conversation({ id: 'ref-1', thread: 'room-6', text: 'make a ticket' });
    const path = `/v1/conversations/${conversation}`;
    const shown = await until('the reference', async () => {
      const { body } = await stage.gateway.api.get<{ references: object[] }>(path);
      return body.references.length > 0 && body.references;
    });
    expect(shown).toEqual([{ destinationId: 'desk', ...reference }]);
    const before = (await stage.drained()).length;
    const second = await stage.write({ id: 'ref-2', thread: 'room-6', text: 'and now' });
    expect((await stage.received(second)).data?.conversation?.references).toEqual([
      { destinationId: 'desk', ...reference },
    ]);
    const seen = await until('the other desk', () =>
      other.desk.events.find(({ data }) => data?.message?.id === second),
    );
    expect(seen.data?.conversation?.references).toEqual([]);
    expect((await stage.drained()).length).toBe(before + 1);
    await disconnect(other);
  });

  it('admits by event, by account and by channel', async () => {
    const receivedOnly = await connect('received-only', { events: ['message.received'] });
    const family = await connect('family', { events: ['conversation.*'] });
    const elsewhere = await connect('elsewhere', { accounts: ['web'] });
    const here = await connect('here', { accounts: ['app'], channels: ['http'], events: ['message.*'] });
    const conversation = await stage.conversation({ id: 'f-1', thread: 'room-7' });
    const reply = await stage.reply(conversation, 'an answer');
    await stage.settled(reply.id, 'sent');
    const last = await stage.write({ id: 'f-2', thread: 'room-7' });
    for (const { desk } of [receivedOnly, here])
      await until('the last message', () => desk.events.find(({ data }) => data?.message?.id === last));
    await stage.drained();
    expect(receivedOnly.desk.events.map(({ type }) => type)).toEqual(['message.received', 'message.received']);
    expect(family.desk.events.map(({ type }) => type)).toEqual(['conversation.opened']);
    expect(elsewhere.desk.requests).toEqual([]);
    expect(here.desk.events.map(({ type }) => type)).toEqual([
      'message.received',
      'message.queued',
      'message.sent',
      'message.received',
    ]);
    expect(here.desk.events.map(({ sequence }) => sequence)).toEqual([2, 3, 4, 5]);
    await Promise.all([receivedOnly, family, elsewhere, here].map(disconnect));
  });

  it('rotates a secret during traffic without one delivery that fails to verify', async () => {
    const rotating = await connect('rotating', { events: ['message.received'] });
    const write = (from: number) =>
      Promise.all(Array.from({ length: 40 }, (_, i) => stage.write({ id: `r-${from + i}`, thread: `rot-${i % 8}` })));
    const first = write(0);
    const { body } = await stage.gateway.api.post<{ secret: string }>('/v1/destinations/rotating/rotate-secret');
    expect(body.secret).toMatch(/^whsec_/);
    await first;
    await write(100);
    await until('all of them', () => rotating.desk.taken.length >= 80);
    expect(rotating.desk.forged).toEqual([]);
    rotating.desk.trust(body.secret);
    const last = rotating.desk.requests.at(-1)!;
    expect(last.headers['webhook-signature']?.split(' ')).toHaveLength(2);
    for (const secret of [rotating.secret, body.secret])
      expect(new Webhook(secret).verify(last.raw, { ...last.headers })).toEqual(last.json);
    expect(() => new Webhook(newSecret()).verify(last.raw, { ...last.headers })).toThrow();
    await disconnect(rotating);
  });

  it('replays a conversation, and single events, with their ids, in order, marked', async () => {
    const conversation = await stage.conversation({ id: 'rep-1', thread: 'room-8' });
    for (const n of [2, 3, 4]) await stage.write({ id: `rep-${n}`, thread: 'room-8' });
    await stage.drained();
    const mine = stage.helpdesk.events.filter(({ data }) => data?.conversation?.id === conversation);
    expect(mine.map(({ sequence }) => sequence)).toEqual([1, 2, 3, 4, 5]);
    const from = stage.helpdesk.requests.length;
    const replay = await stage.gateway.api.post<{ count: number }>('/v1/destinations/desk/replay', {
      conversationId: conversation,
    });
    expect([replay.status, replay.body.count]).toEqual([202, 5]);
    await until('the replay', () => stage.helpdesk.requests.length >= from + 5);
    const again = stage.helpdesk.requests.slice(from);
    expect(again.map((request) => request.id)).toEqual(ids(mine));
    expect(again.map(({ headers }) => headers['tributary-replay'])).toEqual(Array(5).fill('true'));
    expect(again.map(({ json }) => json.data)).toEqual(mine.map(({ data }) => data));
    expect(stage.helpdesk.attempts(mine[0]!.id)[0]?.headers['tributary-replay']).toBeUndefined();

    await stage.gateway.api.post('/v1/destinations/desk/replay', { ids: [mine[3]!.id, mine[1]!.id] });
    await until('the two', () => stage.helpdesk.requests.length >= from + 7);
    expect(stage.helpdesk.requests.slice(from + 5).map((request) => request.id)).toEqual([mine[1]!.id, mine[3]!.id]);
  });

  it('parks what the helpdesk refuses, goes on with the conversation, and replays dead letters', async () => {
    const poison = (event: StreamEvent) => event.data?.message?.text === 'indigestible';
    stage.helpdesk.answer(({ json }) => (poison(json) ? { status: 422, headers: { 'retry-after': '0' } } : undefined));
    const conversation = await stage.conversation({ id: 'd-1', thread: 'room-9' });
    await stage.write({ id: 'd-2', thread: 'room-9', text: 'indigestible' });
    const after = await stage.write({ id: 'd-3', thread: 'room-9' });
    await stage.received(after);
    const [dead] = await stage.gateway.api.deliveries('desk', 'dead');
    const refused = stage.helpdesk.requests.filter(({ json }) => poison(json));
    expect(refused.map((request) => request.id)).toEqual(Array(5).fill(dead!.eventId));
    expect(dead).toMatchObject({ state: 'dead', attempts: 5, failure: { message: expect.stringContaining('422') } });
    expect(stage.helpdesk.sequences.get(conversation)).toEqual([1, 2, 4]);

    stage.helpdesk.answer(() => undefined);
    const replay = await stage.gateway.api.post<{ count: number }>('/v1/destinations/desk/replay', { state: 'dead' });
    expect(replay.body.count).toBe(1);
    await stage.drained();
    expect(stage.helpdesk.sequences.get(conversation)).toEqual([1, 2, 4, 3]);
    expect(await stage.gateway.api.deliveries('desk', 'dead')).toEqual([]);
  });

  it.each([
    ['410 at once', 410, 1],
    ['401 after a few attempts', 401, 4],
  ])(
    'pauses a destination that answers %s, keeps what gathers, and goes on when told',
    async (_what, status, attempts) => {
      const gone = await connect(`gone-${status}`, { events: ['message.received'] });
      gone.desk.answer(() => ({ status, headers: { 'retry-after': '0' } }));
      await stage.write({ id: `p-${status}-1`, thread: `pause-${status}` });
      const view = await until('the pause', async () => {
        const { body } = await stage.gateway.api.get<{ state: string; pausedReason: string }>(
          `/v1/destinations/${gone.id}`,
        );
        return body.state === 'paused' && body;
      });
      expect(view.pausedReason).toContain(String(status));
      for (const n of [2, 3]) await stage.write({ id: `p-${status}-${n}`, thread: `pause-${status}` });
      await stage.drained();
      expect(gone.desk.requests).toHaveLength(attempts);
      expect(await stage.gateway.api.deliveries(gone.id, 'pending')).toHaveLength(3);
      gone.desk.answer(() => undefined);
      expect((await stage.gateway.api.post(`/v1/destinations/${gone.id}/resume`)).status).toBe(200);
      await until('what gathered', () => gone.desk.events.length === 3);
      expect(gone.desk.events.map(({ data }) => data?.message?.externalIds[0])).toEqual(
        [1, 2, 3].map((n) => `p-${status}-${n}`),
      );
      await disconnect(gone);
    },
  );

  it('follows no redirect', async () => {
    const trap = await connect('trap');
    const lured = await connect('lured', { events: ['message.received'] });
    await disconnect(trap);
    const reached = trap.desk.requests.length;
    lured.desk.answer(() => ({ status: 307, headers: { location: `${trap.desk.url}/hook`, 'retry-after': '60' } }));
    await stage.write({ id: 'redirect-1', thread: 'room-10' });
    await until('the attempt', async () => (await stage.gateway.api.deliveries('lured', 'pending'))[0]?.attempts === 1);
    expect(trap.desk.requests).toHaveLength(reached);
    await disconnect(lured);
  });
});

describe('pulling', () => {
  it('gives the stream that was pushed', async () => {
    const stream = await stage.drained();
    const pushed = new Map(stage.helpdesk.events.map((event) => [event.id, event]));
    expect(stream.length).toBeGreaterThan(50);
    expect(new Set(ids(stream)).size).toBe(stream.length);
    expect([...pushed.keys()].sort()).toEqual(ids(stream).sort());
    for (const event of stream) expect(bare(event)).toEqual(bare(pushed.get(event.id)!));
  });

  it('goes on from where it stopped, and waits for what comes', async () => {
    const { body: start } = await stage.gateway.api.get<{ next: string }>('/v1/events?limit=1');
    expect(start.next).toEqual(expect.any(String));
    let after = start.next;
    for (let items = 1; items > 0;) {
      const { body } = await stage.gateway.api.get<{ items: StreamEvent[]; next: string }>(
        `/v1/events?limit=200&after=${after}`,
      );
      [items, after] = [body.items.length, body.next];
    }
    const waiting = stage.gateway.api.get<{ items: StreamEvent[] }>(
      `/v1/events?wait=30&types=message.received&after=${after}`,
    );
    const written = await stage.write({ id: 'pull-1', thread: 'room-11' });
    expect((await waiting).body.items.map(({ data }) => data?.message?.id)).toEqual([written]);
  });

  it('shows a conversation as the stream told it', async () => {
    const conversation = await stage.conversation({ id: 'h-1', thread: 'room-12', text: 'first' });
    await stage.reply(conversation, 'second');
    await stage.write({ id: 'h-3', thread: 'room-12', text: 'third' });
    const path = `/v1/conversations/${conversation}/messages`;
    const { body } = await stage.gateway.api.get<{ items: MessageView[]; next: null }>(path);
    expect(body.items.map(({ sequence, text }) => [sequence, text])).toEqual([
      [1, 'first'],
      [2, 'second'],
      [3, 'third'],
    ]);
    expect(body.next).toBeNull();
    await expectPromisesKeptApartFromReplays();
  });
});

/** Dead letters that were replayed came later than what followed them. */
async function expectPromisesKeptApartFromReplays(): Promise<void> {
  const stream = await stage.drained();
  expect(ids(stage.helpdesk.events).sort()).toEqual(ids(stream).sort());
  expect([stage.helpdesk.forged, stage.provider.forged]).toEqual([[], []]);
}

/** Who reads the stream by pulling is no destination and may see other references. */
function bare(event: StreamEvent): unknown {
  return {
    ...event,
    data: event.data && { ...event.data, conversation: { ...event.data.conversation, references: [] } },
  };
}

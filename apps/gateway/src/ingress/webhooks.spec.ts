import { connect } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { ChannelAdapter, VerifyContext, WebhookIngress } from '#channels';
import { Overloaded, storedKey, type StoredItem } from '#conversations';
import { DatabaseUnavailable } from '#database';
import type { InboundEvent, InboundEventInput } from '#normalizer';
import { MalformedRequest, type RawRequest } from '#transport';
import { fastify, type FastifyInstance } from 'fastify';
import pino from 'pino';
import type { Directory, RunningAccount } from '../directory/index.js';
import { BodyRoom } from '../ops/body-room.js';
import { Metrics } from '../ops/metrics.js';
import { Arrivals } from './arrivals.js';
import { routeEndpoint } from './endpoint-routes.js';
import { FailureGate } from './failure-gate.js';
import { Webhooks } from './webhooks.js';

const event = (dedupeKey: string): InboundEventInput => ({
  kind: 'message',
  dedupeKey,
  thread: 't',
  sender: { handles: [{ scheme: 'client', value: 'c' }] },
  parts: [{ type: 'text', text: 'hello' }],
});

/** What the channel was asked, and what it answers. */
const asked: { request: RawRequest; context: VerifyContext<unknown> }[] = [];
let parsed: InboundEventInput[] = [];

const webhook: WebhookIngress<unknown> = {
  guard: 'signature',
  maxBytes: 1_000,
  verify(request, context) {
    asked.push({ request, context });
    if (request.query.has('challenge'))
      return { kind: 'challenge', reply: { status: 200, body: request.query.get('challenge')! } };
    return request.headers['x-sign'] === 'good' ? { kind: 'accept' } : { kind: 'reject', reason: 'no good' };
  },
  parse(request) {
    if (request.body.toString() === 'malformed') throw new MalformedRequest('not of the documented form');
    if (request.body.toString() === 'bug') throw new RangeError('a fault of the adapter');
    return {
      events: parsed,
      wake: request.query.has('wake'),
      reply: (stored) => ({ status: 200, body: stored.map(({ id }) => id).join() }),
    };
  },
};

function account(id: string, changes: Partial<RunningAccount> & { webhook?: WebhookIngress<unknown> }): RunningAccount {
  const adapter = { type: 'fake', ingress: { webhook: changes.webhook ?? webhook } } as unknown as ChannelAdapter<
    unknown,
    unknown
  >;
  return { id, type: 'fake', adapter, config: {}, enabled: true, ...changes } as RunningAccount;
}

const accounts = [
  account('a', {}),
  account('off', { enabled: false }),
  account('guarded', { webhook: { ...webhook, guard: 'secret-path' }, config: { pathSecret: 's3cret-path' } }),
  account('unguarded', { webhook: { ...webhook, guard: 'secret-path' } }),
];

let server: FastifyInstance;
let url: string;
let stored: InboundEvent[];
let parked: unknown[][];
let woken: string[];
let traced: unknown[][];
let failure: Error | undefined;
let held: Promise<void> | undefined;
let metrics: Metrics;

beforeEach(async () => {
  [stored, parked, woken, traced, failure, parsed] = [[], [], [], [], undefined, [event('1')]];
  asked.length = 0;
  const log = pino({ level: 'silent' });
  metrics = new Metrics();
  held = undefined;
  const intake = {
    async accept(_account: string, events: readonly InboundEvent[]): Promise<StoredItem[]> {
      if (failure) throw failure;
      await held;
      stored.push(...events);
      return events.map(
        (e, i) => ({ dedupeKey: 'dedupeKey' in e ? e.dedupeKey : '', id: `msg_${i}`, duplicate: false }) as StoredItem,
      );
    },
  };
  const database = { query: async (_: unknown, values: unknown[]) => (parked.push(values), []) } as never;
  const directory = {
    account: (id: string) => accounts.find((one) => one.id === id),
    broken: () => new Map([['broken', 'its settings do not work']]),
  } as unknown as Directory;
  const webhooks = new Webhooks({
    ...{ directory, metrics, log, publicUrl: 'https://public.example', gate: new FailureGate(5) },
    arrivals: new Arrivals({
      database,
      intake,
      metrics,
      log,
      live: { typing: (...args) => stored.push(args as never) },
    }),
    wake: (id) => woken.push(id),
    trace: (...call) => traced.push(call),
    heard: () => undefined,
  });
  server = fastify();
  routeEndpoint(server, '/channels', { open: webhooks.open, room: new BodyRoom(2_500) });
  url = await server.listen({ port: 0, host: '127.0.0.1' });
});
afterEach(() => server.close());

const post = (path: string, init: RequestInit = {}) =>
  fetch(url + path, { method: 'POST', body: 'x', ...init, headers: { 'x-sign': 'good', ...init.headers } });

describe('a callback', () => {
  it('is answered after its events are stored, with what the channel says', async () => {
    parsed = [event('1'), event('2')];
    const answer = await post('/channels/a');
    expect([answer.status, await answer.text()]).toEqual([200, 'msg_0,msg_1']);
    expect(stored.map((e) => 'dedupeKey' in e && e.dedupeKey)).toEqual(['1', '2']);
  });

  it('is noted for the traces of what it brought; one that brought nothing is not', async () => {
    parsed = [event('1'), event('2')];
    await post('/channels/a/deep?x=1');
    expect(traced).toEqual([
      [
        accounts[0],
        expect.objectContaining({
          request: expect.objectContaining({
            method: 'POST',
            url: 'https://public.example/channels/a/deep?x=1',
            body: Buffer.from('x'),
          }),
          response: { status: 200, headers: {}, body: Buffer.from('msg_0,msg_1') },
        }),
        ['msg_0', 'msg_1'],
      ],
    ]);
    parsed = [];
    await post('/channels/a');
    await post('/channels/a', { headers: { 'x-sign': 'bad' } });
    expect(traced).toHaveLength(1);
  });

  it('that could not be read is noted for the traces as well, and what cannot be stored now is not', async () => {
    await post('/channels/a', { body: 'malformed' });
    const refused = expect.objectContaining({ response: expect.objectContaining({ status: 400 }) });
    expect(traced).toEqual([[accounts[0], refused, []]]);
    failure = new DatabaseUnavailable(new Error('gone'));
    await post('/channels/a');
    expect(traced).toHaveLength(1);
  });

  it.each(['application/json', 'text/xml', 'no/such; type;;', ''])(
    'arrives as the bytes that were sent, as type %p',
    async (type) => {
      await post('/channels/a/deep/path?x=1&x=2', {
        body: '{"not json',
        headers: type ? { 'content-type': type } : {},
      });
      const [{ request, context } = {}] = asked;
      expect(request?.body.toString()).toBe('{"not json');
      expect(request).toMatchObject({ method: 'POST', subPath: 'deep/path' });
      expect(request?.query.getAll('x')).toEqual(['1', '2']);
      expect(context).toMatchObject({ accountId: 'a', publicUrl: 'https://public.example/channels/a/deep/path' });
    },
  );

  it('is verified against the configured address, whatever Host says', async () => {
    await post('/channels/a', { headers: { host: 'evil.example', 'x-forwarded-host': 'evil.example' } });
    expect(asked[0]?.context.publicUrl).toBe('https://public.example/channels/a');
  });

  it('of GET may ask for a challenge, which stores nothing', async () => {
    const answer = await fetch(`${url}/channels/a?challenge=echo`);
    expect([answer.status, await answer.text(), stored]).toEqual([200, 'echo', []]);
  });

  it('may have the account polled', async () => {
    await post('/channels/a?wake');
    expect(woken).toEqual(['a']);
  });

  it('of typing is passed on and not stored', async () => {
    parsed = [{ kind: 'typing', thread: 't', on: true }];
    expect((await post('/channels/a')).status).toBe(200);
    expect(stored).toEqual([['a', 't', true]]);
  });

  it('with an event that is not of the model parks it, and stores the others', async () => {
    parsed = [{ ...event('bad'), parts: [] } as InboundEventInput, event('good')];
    expect((await post('/channels/a')).status).toBe(200);
    expect(stored).toHaveLength(1);
    expect(parked).toEqual([
      [
        expect.stringMatching(/^evt_/),
        'a',
        storedKey('bad'),
        'parse',
        expect.stringContaining('"bad"'),
        expect.stringContaining('parts'),
      ],
    ]);
  });
});

describe('what is not taken', () => {
  it('is told to whoever signed it, in words', async () => {
    const answer = await post('/channels/a', { body: 'malformed' });
    expect(await answer.json()).toMatchObject({ code: 'malformed', detail: 'not of the documented form' });
  });

  it.each<[string, [string, RequestInit], number]>([
    ['an unknown account', ['/channels/none', {}], 404],
    ['a disabled account', ['/channels/off', {}], 404],
    ['an account whose settings do not work', ['/channels/broken', {}], 503],
    ['a wrong signature', ['/channels/a', { headers: { 'x-sign': 'bad' } }], 401],
    ['a request of another form', ['/channels/a', { body: 'malformed' }], 400],
    ['a request that the adapter fails on', ['/channels/a', { body: 'bug' }], 500],
    ['too long a body', ['/channels/a', { body: 'x'.repeat(1_001) }], 413],
  ])('%s', async (_what, request, status) => {
    const answer = await post(...request);
    expect([answer.status, (await answer.json()) as object]).toEqual([status, expect.objectContaining({ status })]);
    expect(stored).toEqual([]);
  });

  it('is told 503 with Retry-After while nothing can be stored', async () => {
    failure = new DatabaseUnavailable(new Error('gone'));
    const answer = await post('/channels/a');
    expect([answer.status, answer.headers.get('retry-after')]).toEqual([503, '5']);
  });

  it('is told when to come again while more comes in than is stored', async () => {
    failure = new Overloaded(3);
    const answer = await post('/channels/a');
    expect([answer.status, answer.headers.get('retry-after')]).toEqual([503, '3']);
    expect(await metrics.registry.metrics()).toContain('{channel="fake",outcome="overloaded"} 1');
  });

  it('is told when to come again while too many bodies are in memory', async () => {
    let store: () => void = () => undefined;
    held = new Promise((resolve) => (store = resolve));
    const first = post('/channels/a', { body: 'x'.repeat(1_000) });
    while (asked.length === 0) await new Promise((resolve) => setTimeout(resolve, 5));
    const second = await post('/channels/a', { body: 'x'.repeat(1_000) });
    expect([second.status, second.headers.get('retry-after')]).toEqual([503, '1']);
    expect(asked).toHaveLength(1);
    store();
    expect((await first).status).toBe(200);
    expect((await post('/channels/a', { body: 'x'.repeat(1_000) })).status).toBe(200);
  });

  it('does not verify what is too long, chunked and endless', async () => {
    const socket = connect(Number(new URL(url).port), '127.0.0.1');
    const answer = new Promise<string>((resolve) => socket.once('data', (data) => resolve(String(data))));
    socket.on('error', () => undefined);
    socket.write('POST /channels/a HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n');
    for (let i = 0; i < 3; i += 1) socket.write(`190\r\n${'x'.repeat(400)}\r\n`);
    expect(await answer).toMatch(/^HTTP\/1\.1 413 /);
    socket.destroy();
    expect(asked).toEqual([]);
  });

  it('leaves the process alive when the sender hangs up in the middle', async () => {
    const socket = connect(Number(new URL(url).port), '127.0.0.1');
    await new Promise<void>((resolve) =>
      socket.write('POST /channels/a HTTP/1.1\r\nhost: x\r\nx-sign: good\r\ncontent-length: 100\r\n\r\nhalf', () =>
        resolve(),
      ),
    );
    socket.destroy();
    expect((await post('/channels/a')).status).toBe(200);
    expect(asked).toHaveLength(1);
  });
});

describe('a secret path', () => {
  it('guards where nothing is signed; what follows it is the sub-path', async () => {
    expect((await post('/channels/guarded/s3cret-path/status')).status).toBe(200);
    expect(asked[0]?.request.subPath).toBe('status');
    for (const path of ['', '/', '/wrong', '/s3cret-pat', '/s3cret-path%2F', '/status/s3cret-path']) {
      expect([path, (await post(`/channels/guarded${path}`)).status]).toEqual([path, 404]);
    }
  });

  it('that was never set lets nobody in', async () => {
    for (const path of ['', '/', '//', '/undefined'])
      expect((await post(`/channels/unguarded${path}`)).status).toBe(404);
    expect(asked).toEqual([]);
  });
});

describe('a flood of wrong signatures', () => {
  it('costs no verification after a while, and only its own account', async () => {
    const statuses = [];
    for (let i = 0; i < 8; i += 1) statuses.push((await post('/channels/a', { headers: { 'x-sign': 'bad' } })).status);
    expect(statuses).toEqual([401, 401, 401, 401, 401, 429, 429, 429]);
    expect(asked).toHaveLength(5);
    expect((await post('/channels/guarded/s3cret-path')).status).toBe(200);
  });

  it('does not shut out an address that also sends genuine requests', async () => {
    await post('/channels/a');
    for (let i = 0; i < 8; i += 1) await post('/channels/a', { headers: { 'x-sign': 'bad' } });
    expect((await post('/channels/a')).status).toBe(200);
  });
});

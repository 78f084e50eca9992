import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { builtinAdapters, type ChannelAdapter } from '#channels';
import { describeOnEveryDatabase } from '#database/testing';
import { webhookHeaders } from '#transport';
import { rawRequest } from '#transport/testing';
import { Stage } from '../api/testing/stage.js';
import { STORE } from '../api/testing/store.js';
import { examine, fitted } from './examine.js';
import { PlaygroundController } from './playground.controller.js';
import { recordedOf } from './recorded.js';

const http = builtinAdapters.find(({ type }) => type === 'http') as ChannelAdapter<unknown, unknown>;
const secret = 'a secret of the playground';
const config = http.config.parse({ secret, url: 'https://bridge.example' });
const ctx = { accountId: 'a', config, publicUrl: 'https://gateway.example/channels/a', now: Date.now() };
const message = (more: object = {}) => ({
  ...{ type: 'message', id: 'm-1', thread: 't-1', text: 'hello' },
  sender: { handles: [{ scheme: 'phone', value: '+8613900000031' }] },
  ...more,
});
const signed = (json: unknown) => {
  const body = JSON.stringify(json);
  return { headers: webhookHeaders([secret], { id: 'call-1', timestamp: Math.floor(Date.now() / 1_000), body }), body };
};

describe('a request in the playground', () => {
  it('is verified, parsed and normalized', () => {
    const came = examine({ adapter: http, config }, rawRequest(signed(message())), ctx);
    expect(came).toMatchObject({ verdict: { kind: 'accept' }, refused: null, events: [{ dedupeKey: 'message:m-1' }] });
    expect(came.normalized).toMatchObject([{ parts: [{ type: 'text', text: 'hello' }], from: 'contact' }]);
  });

  it('is read though it is not genuine, and told so', () => {
    const came = examine({ adapter: http, config }, rawRequest({ json: message() }), ctx);
    expect(came).toMatchObject({
      verdict: { kind: 'reject', reason: expect.any(String) },
      events: [{ kind: 'message' }],
    });
  });

  it('is told what it lacks', () => {
    const came = examine({ adapter: http, config }, rawRequest({ json: message({ text: undefined }) }), ctx);
    expect(came).toMatchObject({ refused: expect.stringMatching(/^malformed: .*text/), events: [], normalized: [] });
  });

  it('shows how an adapter fails, and which event the store would not take', () => {
    const adapter = (parse: () => never) => ({ ...http, ingress: { webhook: { ...http.ingress.webhook!, parse } } });
    const failing = adapter(() => {
      throw new TypeError('no such member');
    });
    expect(examine({ adapter: failing, config }, rawRequest({}), ctx).refused).toBe(
      'the adapter fails: TypeError: no such member',
    );
    const odd = adapter(() => ({ events: [{ kind: 'message' }] }) as never);
    expect(examine({ adapter: odd, config }, rawRequest({}), ctx).normalized).toMatchObject([
      { faults: [{ path: expect.any(String) }, {}, {}, {}] },
    ]);
  });

  it('has its answer fitted, or told why it is none', () => {
    const smpp = builtinAdapters.find(({ type }) => type === 'sms-smpp') as typeof http;
    const sms = {
      adapter: smpp,
      config: smpp.config.parse({ host: 'h', systemId: 'a', password: 'b', from: '80808' }),
    };
    const units = (text: string) => fitted(sms, [{ type: 'text', text }], String);
    expect(units('报'.repeat(1_400)).units.map(({ index, count }) => [index, count])).toEqual([[0, 3], [1, 3], [2, 3]]); // prettier-ignore
    expect(units(' ')).toEqual({ units: [], refused: expect.stringContaining('nothing of this message') });
  });
});

describe('recorded requests', () => {
  it('are shown though another file is half written', async () => {
    const root = await mkdtemp(join(tmpdir(), 'recorded-'));
    const folder = join(root, 'libs/channels/src/pigeon/fixtures');
    await mkdir(folder, { recursive: true });
    await writeFile(join(folder, 'broken.json'), '{ "json": ');
    await writeFile(join(folder, 'text.json'), '{ "json": {} }');
    expect(await recordedOf('pigeon', root)).toEqual([{ name: 'text', request: { json: {} } }]);
    await rm(root, { recursive: true });
  });
});

describeOnEveryDatabase('the playground', (open) => {
  let api: Stage;
  beforeAll(async () => {
    api = await new Stage(await open(STORE)).open({}, [PlaygroundController]);
    await api.account('sms');
  });
  afterAll(() => api.close());
  const ask = (body: object, key?: string) =>
    api.post('/v1/playground/examine', body, key === undefined ? {} : { key });
  const counts = async () => {
    const tables = ['message', 'conversation', 'contact', 'handle', 'event', 'outbox', 'thread', 'inbox'];
    const sql = tables.map((table) => `(select count(*)::int from ${table}) as "${table}"`).join(', ');
    return (await api.database.query(`select ${sql}`))[0];
  };

  it('tells whom a message would join, and stores nothing of it', async () => {
    const request = { json: message() };
    const before = await counts();
    const { status, body } = await ask({
      channel: 'http',
      accountId: 'sms',
      request,
      reply: [{ type: 'text', text: 'yes' }],
    });
    expect(status).toBe(200);
    expect(body.came.stored).toMatchObject([
      {
        ...{ duplicate: false, known: { contact: false, conversation: false } },
        message: { text: 'hello', direction: 'inbound' },
        contact: { handles: [{ value: '+8613900000031' }] },
        conversation: { status: 'open' },
      },
    ]);
    expect(body.reply.units).toMatchObject([{ text: 'yes' }]);
    expect(await counts()).toEqual(before);
    const { conversationId } = await api.arrive('sms', 'before', '+8613900000031');
    const { body: again } = await ask({ channel: 'http', accountId: 'sms', request });
    expect(again.came.stored).toMatchObject([
      { known: { contact: true, conversation: true }, conversation: { id: conversationId } },
    ]);
  });

  it('lists channels with recorded requests and settings to begin with', async () => {
    const { body } = await api.get('/v1/playground/channels');
    const twilio = body.items.find(({ type }: { type: string }) => type === 'sms-twilio');
    expect(twilio).toMatchObject({
      called: true,
      sample: { accountSid: expect.any(String) },
      recorded: expect.arrayContaining([{ name: 'text', request: expect.any(Object) }]),
    });
    expect(body.items.find(({ type }: { type: string }) => type === 'http').accounts).toEqual(['sms']);
  });

  it.each([
    ['of a channel that is not there', { channel: 'smoke' }, 404],
    ['of an account that is not there', { channel: 'http', accountId: 'none' }, 404],
    ['of an account of another channel', { channel: 'webchat', accountId: 'sms' }, 404],
    ['with settings that do not work', { channel: 'http', config: {} }, 422],
    [
      'to a channel that is not called',
      { channel: 'sms-smpp', config: { host: 'h', systemId: 'a', password: 'b', from: '80808' }, request: {} },
      422,
    ],
  ])('refuses a request %s', async (_what, body, status) => {
    expect((await ask(body)).status).toBe(status);
  });

  it('is for admins alone', async () => {
    const key = await api.key(['conversations:read', 'accounts:write']);
    expect((await ask({ channel: 'http' }, key)).status).toBe(403);
    expect((await api.get('/v1/playground/channels', { key })).status).toBe(403);
    expect((await api.get('/v1/playground/channels', { key: null })).status).toBe(401);
  });

  it('is a page of its own that loads nothing from elsewhere', async () => {
    for (const path of ['', '/page.css', '/page.mjs'])
      expect((await api.get(`/playground${path}`, { key: null })).status).toBe(200);
    const { headers } = await api.get('/playground', { key: null });
    expect(headers.get('content-security-policy')).toContain("default-src 'none'");
  });
});

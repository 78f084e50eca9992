import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { WebSocket } from 'ws';
import {
  chunked,
  expectPromisesKept,
  message,
  newSecret,
  postHead,
  setStage,
  signed,
  stopEverything,
  until,
  wire,
  type Stage,
} from '../support/index.js';

jest.setTimeout(120_000);

const LIMIT = 262_144;

let stage: Stage;
let pid = 0;
let stored = 0;

beforeAll(async () => {
  stage = await setStage({ accounts: [{ id: 'web', type: 'webchat', config: { origins: ['https://shop.example'] } }] });
  pid = stage.gateway.pid;
});
beforeEach(async () => {
  stored = (await stage.gateway.api.stream()).length;
});
afterEach(async () => {
  expect([stage.gateway.pid, stage.gateway.alive]).toEqual([pid, true]);
  expect((await fetch(`${stage.gateway.url}/health/ready`)).status).toBe(200);
});
afterAll(async () => {
  await stage?.close();
  await stopEverything();
});

const noneStored = async () => expect((await stage.gateway.api.stream()).length).toBe(stored);
const plain = (id: string) => JSON.stringify(message({ id, thread: 'room' }));
const sign = (body: string, id?: string) => signed(body, { secret: stage.secrets.app, ...(id && { id }) });

describe('callbacks that are not genuine', () => {
  it('answers 401 to what is unsigned, wrongly signed, changed, or signed for another account', async () => {
    const body = plain('forged');
    const good = sign(body);
    const flipped = body.replace('forged', 'forgee');
    const forgeries: [string, Record<string, string>][] = [
      [body, { 'content-type': 'application/json' }],
      [body, { ...good, 'webhook-signature': '' }],
      [body, { ...good, 'webhook-signature': 'v1,AAAA' }],
      [body, { ...good, 'webhook-signature': good['webhook-signature']!.replace('v1', 'v2') }],
      [body, { ...good, 'webhook-id': 'another' }],
      [body, { ...good, 'webhook-timestamp': String(Number(good['webhook-timestamp']) + 1) }],
      [body, { ...good, 'webhook-timestamp': 'yesterday' }],
      [flipped, good],
      [body, signed(body, { secret: newSecret() })],
    ];
    for (const [content, headers] of forgeries) {
      const answer = await stage.poster.raw(content, headers);
      expect([answer.status, JSON.parse(answer.text)]).toMatchObject([401, { code: 'unauthenticated', status: 401 }]);
    }
    await noneStored();
  });

  it('takes a genuine request again within the tolerance, and refuses it beyond', async () => {
    const id = await stage.write({ id: 'replayed', thread: 'room' });
    const body = plain('replayed');
    for (const skewS of [-290, 290]) {
      const answer = await stage.poster.post(body, { skewS });
      expect([answer.status, answer.id]).toEqual([200, id]);
    }
    for (const skewS of [-310, 310, -86_400]) expect((await stage.poster.post(body, { skewS })).status).toBe(401);
  });

  it('answers 404 for accounts, destinations and conversations that do not exist', async () => {
    const { url, api } = stage.gateway;
    const body = plain('nowhere');
    for (const path of [
      '/channels/nobody',
      '/channels/',
      '/channels/desk',
      '/channels/..%2Fapp',
      '/destinations/nobody/callback',
    ]) {
      const answer = await fetch(url + path, { method: 'POST', headers: sign(body), body });
      expect([path, answer.status]).toEqual([path, 404]);
    }
    for (const id of ['cnv_nobody', 'x'.repeat(500), '%00', '..%2F..', "'; drop table message; --"]) {
      const { status, body: problem } = await api.post<{ code: string }>(
        `/v1/conversations/${encodeURI(id)}/messages`,
        { text: 'hello' },
      );
      expect([404, 422, 400]).toContain(status);
      expect(problem.code).toMatch(/^(not-found|invalid|malformed)$/);
    }
    await noneStored();
  });
});

describe('bodies', () => {
  it.each([
    ['nothing', ''],
    ['half a document', '{"type":"message","id":"half'],
    ['no object', '[1,2,3]'],
    ['null', 'null'],
    ['a number', '1e999'],
    ['another type', '{"type":"hologram"}'],
    ['no sender', '{"type":"message","id":"m","thread":"t","text":"x"}'],
    ['numbers for texts', '{"type":"message","id":7,"thread":{},"sender":[],"text":false}'],
    [
      'a handle that is none',
      JSON.stringify({
        ...message({ id: 'h', thread: 't' }),
        sender: { handles: [{ scheme: 'No Scheme', value: '' }] },
      }),
    ],
    ['a million brackets', '['.repeat(100_000)],
    ['deep objects', `{"type":"message","x":${'{"a":'.repeat(20_000)}1${'}'.repeat(20_000)}}`],
    ['bytes that are no UTF-8', '\u0000\u0001\u0002'],
    ['a time that is none', JSON.stringify({ ...message({ id: 'time', thread: 't' }), occurredAt: 'yesterday' })],
  ])('answers 400 to %s, signed', async (_what, body) => {
    const answer = await stage.poster.post(body);
    expect([answer.status, (JSON.parse(answer.text) as { code: string }).code]).toEqual([400, 'malformed']);
    await noneStored();
  });

  it('answers 413 at the limit, whether Content-Length tells, lies or is absent', async () => {
    const { url } = stage.gateway;
    const big = 'x'.repeat(LIMIT + 1);
    const whole = await fetch(`${url}/channels/app`, { method: 'POST', headers: sign(big), body: big });
    expect(whole.status).toBe(413);
    const announced = await wire(url, [postHead('/channels/app', { 'content-length': 10_000_000 })]);
    expect(announced.status).toBe(413);
    const flood = (function* () {
      yield postHead('/channels/app', { 'transfer-encoding': 'chunked' });
      for (let sent = 0; sent < 64; sent += 1) yield chunked('x'.repeat(65_536));
    })();
    const unannounced = await wire(url, flood);
    expect([413, 0]).toContain(unannounced.status);
    const lying = await wire(url, [
      postHead('/channels/app', { 'content-length': 5 }),
      '{"a":"and much more than five bytes"}',
    ]);
    expect([400, 401]).toContain(lying.status);
    await noneStored();
  });

  it('stores nothing of a body whose sender hangs up', async () => {
    const { url } = stage.gateway;
    const body = plain('half');
    const head = postHead('/channels/app', { ...sign(body), 'content-length': Buffer.byteLength(body) });
    await wire(url, [head, body.slice(0, 40)], { hangUpAfterMs: 50 });
    await wire(url, [postHead('/channels/app', { 'transfer-encoding': 'chunked' }), chunked(body.slice(0, 20))], {
      hangUpAfterMs: 50,
    });
    await wire(url, ['POST /channels/app HT'], { hangUpAfterMs: 10 });
    const answer = await wire(url, ['\x16\x03\x01\x02\x00\x01 no HTTP at all\r\n\r\n']);
    expect([400, 0]).toContain(answer.status);
    await noneStored();
  });

  it('refuses two lengths, and a length beside chunks', async () => {
    const body = plain('smuggled');
    const both = { ...sign(body), 'content-length': Buffer.byteLength(body), 'transfer-encoding': 'chunked' };
    expect((await wire(stage.gateway.url, [postHead('/channels/app', both), chunked(body), '0\r\n\r\n'])).status).toBe(
      400,
    );
    const twice = `${postHead('/channels/app', sign(body)).slice(0, -2)}content-length: 5\r\ncontent-length: 6\r\n\r\n`;
    expect((await wire(stage.gateway.url, [twice, body])).status).toBe(400);
    await noneStored();
  });
});

describe('hostile text', () => {
  it('keeps what can be kept, and replaces by rule what cannot', async () => {
    const marks = `e${'\u0301'.repeat(10_000)}`;
    const cases: [string, string, string][] = [
      ['nul', 'a\u0000b', 'a\uFFFDb'],
      ['lone high surrogate', 'a\uD83Db', 'a\uFFFDb'],
      ['lone low surrogate', '\uDC4B', '\uFFFD'],
      ['bidi', 'invoice\u202Efdp.exe\u2066x\u2069', 'invoice\u202Efdp.exe\u2066x\u2069'],
      ['zero width', 'a\u200Bb\u200Dc\uFEFF', 'a\u200Bb\u200Dc\uFEFF'],
      ['marks', marks, marks],
      ['family', '👩‍👩‍👧‍👦 👍🏽', '👩‍👩‍👧‍👦 👍🏽'],
      ['lines', 'a\r\nb\rc', 'a\nb\nc'],
      ['markup', '<script>alert(1)</script> ${x} {{y}} %s', '<script>alert(1)</script> ${x} {{y}} %s'],
      ['sql', `'); drop table message; --`, `'); drop table message; --`],
    ];
    for (const [id, text, kept] of cases) {
      const { data } = await stage.received(
        await stage.write({ id: `text ${id}`, thread: 'hostile', text, name: text.slice(0, 100) }),
      );
      expect([id, data?.message?.text]).toEqual([id, kept]);
      expect(data?.message?.parts).toEqual([{ type: 'text', text: kept }]);
    }
    await expectPromisesKept(stage);
  });

  it('is not polluted by __proto__ and constructor', async () => {
    const body = plain('proto').replace('{', '{"__proto__":{"admin":true},"constructor":{"prototype":{"admin":true}},');
    const answer = await stage.poster.post(body);
    expect([200, 400]).toContain(answer.status);
    const { status, body: problem } = await stage.gateway.api.patch<{ code: string }>(
      '/v1/conversations/cnv_x',
      '{"metadata":{"__proto__":{"admin":true}}}',
    );
    expect([400, 404, 422]).toContain(status);
    expect(problem.code).toEqual(expect.any(String));
    expect((await stage.gateway.api.get('/v1/accounts', { key: 'x' })).status).toBe(401);
  });
});

describe('the API', () => {
  it.each([
    ['no JSON', '{"text":', 400, 'malformed'],
    ['neither text nor parts', '{}', 422, 'invalid'],
    ['both', '{"text":"a","parts":[{"type":"text","text":"a"}]}', 422, 'invalid'],
    ['an unknown member', '{"text":"a","txet":"b"}', 422, 'invalid'],
    ['a part that is none', '{"parts":[{"type":"hologram"}]}', 422, 'invalid'],
    ['a text that is too long', JSON.stringify({ text: 'x'.repeat(100_001) }), 422, 'invalid'],
    ['a file that is none', '{"parts":[{"type":"media","kind":"image","fileId":"fil_none"}]}', 422, 'invalid'],
    ['an array', '[]', 422, 'invalid'],
  ])('answers a reply of %s with a problem document', async (...[, body, status, code]) => {
    const conversation = await stage.conversation({ id: 'api', thread: 'api' });
    const before = (await stage.gateway.api.stream()).length;
    const answer = await stage.gateway.api.post(`/v1/conversations/${conversation}/messages`, body);
    expect(answer).toMatchObject({
      status,
      body: { code, status, title: expect.any(String), detail: expect.any(String), type: expect.any(String) },
    });
    expect(answer.headers.get('content-type')).toContain('application/problem+json');
    expect((await stage.gateway.api.stream()).length).toBe(before);
  });

  it('refuses a missing, a wrong and a mangled key', async () => {
    for (const key of ['', 'wrong', `${stage.gateway.adminKey}x`, 'x'.repeat(7_000)])
      expect(await stage.gateway.api.get('/v1/conversations', { key })).toMatchObject({
        status: 401,
        body: { code: 'unauthenticated' },
      });
    expect((await stage.gateway.api.get('/v1/conversations?cursor=nonsense')).status).toBeGreaterThanOrEqual(400);
    expect((await stage.gateway.api.get('/v1/events?after=nonsense')).status).toBeLessThan(500);
    expect((await stage.gateway.api.get('/v1/no/such')).status).toBe(404);
  });

  it('stores files under harmless names, with the type that they have', async () => {
    const { url, adminKey } = stage.gateway;
    const hostile = [
      '../../etc/passwd',
      '..\\..\\boot.ini',
      'evil\u202Efdp.exe',
      'a\u0000b.png',
      '.htaccess',
      'x'.repeat(2_000),
      '报表.png',
      'con',
      '',
    ];
    for (const name of hostile) {
      const form = new FormData();
      form.append('file', new Blob(['<html><script>alert(1)</script></html>'], { type: 'image/png' }), name);
      const made = await fetch(`${url}/v1/files`, {
        method: 'POST',
        headers: { authorization: `Bearer ${adminKey}` },
        body: form,
      });
      expect([201, 400, 422]).toContain(made.status);
      if (made.status !== 201) continue;
      const file = (await made.json()) as { name: string; mimeType: string; url: string };
      expect(file.name).not.toMatch(/[/\\\u0000-\u001f\u202a-\u202e\u2066-\u2069]/);
      expect(file.name.length).toBeLessThanOrEqual(255);
      expect(file.mimeType).not.toBe('image/png');
      const served = await fetch(new URL(new URL(file.url).pathname + new URL(file.url).search, url));
      expect(served.status).toBe(200);
      expect(served.headers.get('content-disposition')).toMatch(/^attachment/);
      expect(served.headers.get('x-content-type-options')).toBe('nosniff');
      expect(served.headers.get('content-security-policy')).toMatch(/sandbox/);
      const forged = await fetch(new URL(new URL(file.url).pathname, url));
      expect([401, 403, 404]).toContain(forged.status);
    }
    for (const path of ['/files/..%2F..%2Fadmin.key', '/files/fil_none?sig=x', '/files/%00'])
      expect([400, 401, 403, 404]).toContain((await fetch(url + path)).status);
  });

  it('refuses an upload that is no upload', async () => {
    const headers = { authorization: `Bearer ${stage.gateway.adminKey}` };
    const post = (type: string, body: string) =>
      fetch(`${stage.gateway.url}/v1/files`, { method: 'POST', headers: { ...headers, 'content-type': type }, body });
    for (const [type, body] of [
      ['application/json', '{}'],
      ['multipart/form-data', 'x'],
      ['multipart/form-data; boundary=b', '--b\r\nhalf'],
      ['multipart/form-data; boundary=b', '--b--\r\n'],
    ] as const) {
      const answer = await post(type, body);
      expect(answer.status).toBeGreaterThanOrEqual(400);
      expect(answer.status).toBeLessThan(500);
    }
  });
});

describe('the chat socket', () => {
  /** What became of a browser of this origin that says hello to an account, and then something else. */
  function visit(origin: string, account: string, frame?: string | Buffer): Promise<string> {
    const socket = new WebSocket(`${stage.gateway.url.replace('http', 'ws')}/chat`, { origin });
    const heard: string[] = [];
    socket.on('error', (error) => heard.push(error.message));
    socket.on('close', (code) => heard.push(`closed ${code}`));
    socket.on('message', (data: Buffer) => {
      const { type, code } = JSON.parse(data.toString()) as { type: string; code?: string };
      heard.push(code ? `${type} ${code}` : type);
      if (type === 'welcome' && frame !== undefined) socket.send(frame);
    });
    socket.once('open', () => socket.send(JSON.stringify({ type: 'hello', account })));
    const end = frame === undefined ? /welcome|closed|4\d\d/ : /closed|error|refused/;
    return until('an answer', () => heard.find((text) => end.test(text))).finally(() => socket.terminate());
  }

  it('refuses other origins and accounts', async () => {
    expect(await visit('https://shop.example', 'web')).toBe('welcome');
    for (const [origin, account] of [
      ['https://evil.example', 'web'],
      ['https://shop.example', 'nobody'],
      ['https://shop.example', 'app'],
      ['null', 'web'],
    ] as const)
      expect(await visit(origin, account)).toMatch(/origin-refused|account-unknown|closed 4403|40[0-9]/);
  });

  it.each([
    ['no JSON', '{"type":'],
    ['an unknown frame', '{"type":"hologram"}'],
    ['null', 'null'],
    ['deep nesting', '['.repeat(50_000)],
    ['too many bytes', `{"type":"message","text":"${'x'.repeat(2_000_000)}"}`],
    ['bytes', Buffer.from([0, 1, 2, 255])],
    ['__proto__', '{"__proto__":{"type":"ping"}}'],
  ])('closes on, or answers, %s', async (_what, frame) => {
    expect(await visit('https://shop.example', 'web', frame)).toMatch(/closed|protocol|too-large/);
    await noneStored();
  });
});

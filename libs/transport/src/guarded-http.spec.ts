import https from 'node:https';
import { createServer, type Socket } from 'node:net';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { ProviderFailure } from '#normalizer';
import { guardedHttp, type GuardedHttp, type GuardedHttpOptions } from './guarded-http.js';
import type { HttpRequest } from './http.js';
import type { Exchange } from './redact.js';
import { fakeProvider, NOBODY, type FakeProvider } from './testing/index.js';

const failure = (promise: Promise<unknown>): Promise<ProviderFailure> =>
  promise.then(
    () => Promise.reject(new Error('it did not fail')),
    (error: unknown) => {
      expect(error).toBeInstanceOf(ProviderFailure);
      return error as ProviderFailure;
    },
  );

/** Vouched for by nobody; valid for a hundred years, of use to no one. */
const SELF_SIGNED = {
  key: `-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgOVanhUUOXK1Bvu2f
0OAcj1DzUUqR+OomSiTxIOE+LhihRANCAATdWJ0A/C88QKTdLjUJSkQOijdHxyE5
CLdTIsYrlymknYmidxc9wzabyRdUFSkJo6xcFi3g2pUaqs0d2Ng2jsXl
-----END PRIVATE KEY-----`,
  cert: `-----BEGIN CERTIFICATE-----
MIIBkTCCATagAwIBAgIUdLcWbcGE2qo9Qol4U+XAobqbOFcwCgYIKoZIzj0EAwIw
FDESMBAGA1UEAwwJMTI3LjAuMC4xMCAXDTI2MTEyMjAyNDY1MFoYDzIxMjYxMDI5
MDI0NjUwWjAUMRIwEAYDVQQDDAkxMjcuMC4wLjEwWTATBgcqhkjOPQIBBggqhkjO
PQMBBwNCAATdWJ0A/C88QKTdLjUJSkQOijdHxyE5CLdTIsYrlymknYmidxc9wzab
yRdUFSkJo6xcFi3g2pUaqs0d2Ng2jsXlo2QwYjAdBgNVHQ4EFgQUn9nPNsORSXYl
d1JBvmXMn2coqYUwHwYDVR0jBBgwFoAUn9nPNsORSXYld1JBvmXMn2coqYUwDwYD
VR0TAQH/BAUwAwEB/zAPBgNVHREECDAGhwR/AAABMAoGCCqGSM49BAMCA0kAMEYC
IQDeRh19xwCh8hN+ASRz6qA2uWMqOOrBou/HiZj5rNs5HwIhAPDX9xekaEghFL0U
mVmHwmgXXgWdq0EZH6j3aX4iEXIZ
-----END CERTIFICATE-----`,
};

describe.each(['axios', 'undici'] as const)('guardedHttp on %s', (engine) => {
  let provider: FakeProvider;
  const clients: GuardedHttp[] = [];
  const client = (options: GuardedHttpOptions = {}) => {
    const made = guardedHttp({ engine, allow: ['127.0.0.1/32'], ...options });
    clients.push(made);
    return made;
  };
  const post = (changes: Partial<HttpRequest> = {}): HttpRequest => ({
    method: 'POST',
    url: provider.url,
    body: { a: 1 },
    ...changes,
  });

  beforeEach(async () => {
    provider = await fakeProvider();
  });
  afterEach(async () => {
    await Promise.all([provider.close(), ...clients.splice(0).map((made) => made.close())]);
  });

  it('sends each kind of body, the query and headers; any status resolves', async () => {
    provider.answer(() => ({ status: 418, headers: { 'x-a': '1' }, body: { ok: true } }));
    const http = client();
    const answer = await http.request(post({ query: { q: '你 好' }, headers: { 'X-Own': 'y' } }));
    expect([answer.status, answer.headers['x-a'], answer.json()]).toEqual([418, '1', { ok: true }]);
    const form = new FormData();
    form.append('file', new Blob(['bytes']), 'a.txt');
    for (const body of ['text', Buffer.from([255]), new URLSearchParams({ a: 'b c' }), form])
      await http.request(post({ body }));
    await http.request({ url: `${provider.url}/get` });
    const [first, text, bytes, encoded, multipart, get] = provider.requests;
    expect([first?.query.get('q'), first?.headers['x-own'], first?.body.toString()]).toEqual(['你 好', 'y', '{"a":1}']);
    expect(first?.headers['content-type']).toBe('application/json; charset=utf-8');
    expect([text?.body.toString(), bytes?.body, encoded?.body.toString()]).toEqual([
      'text',
      Buffer.from([255]),
      'a=b+c',
    ]);
    expect(multipart?.headers['content-type']).toMatch(/^multipart\/form-data; boundary=/);
    expect(multipart?.body.toString()).toContain('filename="a.txt"');
    expect([get?.method, get?.path, get?.body.length]).toEqual(['GET', '/get', 0]);
  });

  it('moves credentials of the URL into the authorization header', async () => {
    await client().request(post({ url: provider.url.replace('//', '//us%3Aer:p%40ss@') }));
    expect(provider.requests[0]?.headers.authorization).toBe(`Basic ${Buffer.from('us:er:p@ss').toString('base64')}`);
  });

  it.each([301, 302, 303, 307, 308])('does not follow a %i', async (status) => {
    provider.answer((_request, index) =>
      index === 0 ? { status, headers: { location: `${provider.url}/next` } } : {},
    );
    expect((await client().request(post())).status).toBe(status);
    expect(provider.requests).toHaveLength(1);
  });

  it('takes no proxy from the environment', async () => {
    const proxied = {
      HTTP_PROXY: 'http://127.0.0.1:9',
      http_proxy: 'http://127.0.0.1:9',
      ALL_PROXY: 'http://127.0.0.1:9',
    };
    Object.assign(process.env, proxied);
    try {
      expect((await client().request(post())).status).toBe(200);
    } finally {
      for (const name of Object.keys(proxied)) delete process.env[name];
    }
  });

  const port = () => new URL(provider.url).port;
  it.each([
    '127.0.0.1', '2130706433', '0x7f000001', '0x7f.1', '0177.0.0.1', '017700000001', '127.1', '０x7f.１', '①②⑦.0.0.1', '0', '0.0.0.0',
    'localhost', 'localhost.', '[::1]', '[::ffff:127.0.0.1]', '[::ffff:7f00:1]', '[::]', '[64:ff9b::7f00:1]', '[2002:7f00:1::]',
    '169.254.169.254', '[fd00:ec2::254]', '100.100.100.200', '10.0.0.1', '192.168.0.1', '100.64.0.1', '[fe80::1]',
  ])('refuses http://%s when nothing is listed, before a byte is sent', async (host) => {
    const http = client({ allow: [] });
    for (const scheme of ['http', 'https']) {
      expect((await failure(http.request(post({ url: `${scheme}://${host}:${port()}/` })))).code).toBe('config-invalid');
    }
    expect(provider.requests).toHaveLength(0);
  }); // prettier-ignore

  it.each([
    '169.254.169.254',
    '100.100.100.200',
    '[fd00:ec2::254]',
    '[::ffff:169.254.169.254]',
    '[64:ff9b::a9fe:a9fe]',
  ])('refuses %s even when every address is listed', async (host) => {
    const http = client({ allow: ['0.0.0.0/0', '::/0'] });
    expect((await failure(http.request(post({ url: `http://${host}/` })))).code).toBe('config-invalid');
  });

  it('judges what a name resolves to at each connection (DNS rebinding), and uses only permitted addresses', async () => {
    const answers = ['127.0.0.1', '127.0.0.2'];
    const http = client({
      resolve: (_name, _options, done) => done(null, [{ address: answers.shift() ?? '', family: 4 }]),
    });
    const url = `http://rebinding.example:${port()}/`;
    provider.answer(() => ({ headers: { connection: 'close' } }));
    expect((await http.request(post({ url }))).status).toBe(200);
    const refused = await failure(http.request(post({ url })));
    expect([refused.code, refused.message]).toEqual(['config-invalid', expect.stringContaining('127.0.0.2')]);
    const mixed = client({
      resolve: (_name, _options, done) =>
        done(
          null,
          ['10.0.0.1', '::1', '127.0.0.1'].map((address) => ({ address, family: address === '::1' ? 6 : 4 })),
        ),
    });
    expect((await mixed.request(post({ url }))).status).toBe(200);
  });

  it.each(['ftp://a.example/', 'file:///etc/passwd', 'not a url', '/relative', ''])(
    'refuses the address "%s"',
    async (url) => {
      expect((await failure(client().request(post({ url })))).code).toBe('config-invalid');
    },
  );

  it('refuses headers that could smuggle another', async () => {
    expect((await failure(client().request(post({ headers: { 'x-a': 'b\r\nx-c: d' } })))).code).toBe('config-invalid');
    expect(provider.requests).toHaveLength(0);
  });

  it('is unavailable where nothing was handed over: refused, unresolved, slow to connect, no TLS', async () => {
    expect((await failure(client().request(post({ url: NOBODY })))).code).toBe('unavailable');
    const unresolved = client({
      resolve: (_name, _options, done) => done(Object.assign(new Error('no'), { code: 'ENOTFOUND' }), []),
    });
    expect(await failure(unresolved.request(post({ url: 'http://nowhere.example' })))).toMatchObject({
      code: 'unavailable',
      providerCode: 'ENOTFOUND',
    });
    const slow = client({ resolve: () => undefined, limits: { answerMs: 50 } });
    expect((await failure(slow.request(post({ url: 'http://slow.example' })))).code).toBe('unavailable');
    expect((await failure(client().request(post({ url: provider.url.replace('http', 'https') })))).code).toBe(
      'unavailable',
    );
  });

  it('hands nothing to a server whose certificate nobody vouches for, and falls back to nothing', async () => {
    let requests = 0;
    const server = https.createServer(SELF_SIGNED, (_request, response) => {
      requests += 1;
      response.end();
    });
    await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
    const url = `https://127.0.0.1:${(server.address() as AddressInfo).port}`;
    try {
      const failed = await failure(client().request(post({ url })));
      expect(failed).toMatchObject({ code: 'unavailable', providerCode: 'DEPTH_ZERO_SELF_SIGNED_CERT' });
      expect(requests).toBe(0);
    } finally {
      await new Promise((done) => server.close(done));
    }
  });

  it.each(['hang', 'reset', 'reset-mid-body', 'drip'] as const)(
    'does not know the outcome after a %s',
    async (answer) => {
      provider.answer(() => answer);
      const http = client({ limits: { answerMs: 100, totalMs: 200 } });
      expect((await failure(http.request(post()))).code).toBe('outcome-unknown');
      expect(provider.requests).toHaveLength(1);
      provider.answer(() => ({ body: { fine: true } }));
      expect((await http.request(post())).json()).toEqual({ fine: true });
    },
  );

  it('is stopped by the signal of the caller', async () => {
    provider.answer(() => 'hang');
    const abort = new AbortController();
    const waiting = failure(client().request(post({ signal: abort.signal })));
    while (provider.requests.length === 0) await new Promise((wait) => setImmediate(wait));
    abort.abort();
    expect((await waiting).code).toBe('outcome-unknown');
    expect((await failure(client().request(post({ signal: abort.signal })))).code).toBe('unavailable');
  });

  it('reads an answer up to the limit only', async () => {
    provider.answer(() => ({ body: 'x'.repeat(5_000) }));
    const http = client();
    expect((await http.request(post({ maxBytes: 5_000 }))).body).toHaveLength(5_000);
    expect((await failure(http.request(post({ maxBytes: 4_999 })))).code).toBe('reply-unreadable');
    expect((await http.request(post({ maxBytes: 10, overflow: 'cut' }))).text()).toBe('xxxxxxxxxx');
    expect((await failure(http.request(post()).then((answer) => answer.json()))).code).toBe('reply-unreadable');
  });

  it('streams a body, up to the limit', async () => {
    provider.answer(() => ({ body: Buffer.alloc(300_000, 1) }));
    const read = async (maxBytes: number, overflow?: 'cut') => {
      const { stream } = await client().stream({ url: provider.url, maxBytes, ...(overflow && { overflow }) });
      let size = 0;
      for await (const chunk of stream) size += (chunk as Buffer).length;
      return size;
    };
    expect(await read(300_000)).toBe(300_000);
    expect((await failure(read(299_999))).code).toBe('reply-unreadable');
    for (const cut of [299_999, 100_001, 1]) expect(await read(cut, 'cut')).toBe(cut);
    expect(await read(300_001, 'cut')).toBe(300_000);
    provider.answer(() => 'reset-mid-body');
    expect((await failure(read(1_000))).code).toBe('outcome-unknown');
  });

  it('keeps connections, and discards one on which a second answer was smuggled in', async () => {
    const sockets = new Set<Socket>();
    const server = createServer((socket) => {
      sockets.add(socket);
      socket.on('error', () => undefined);
      const one = 'HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok';
      socket.on('data', (data) =>
        socket.write(data.includes('smuggle') ? `${one}HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\nbad` : one),
      );
    });
    await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const http = client();
    const read = async (path: string) => {
      const text = (await http.request(post({ url: `${url}/${path}` }))).text();
      await new Promise((free) => setImmediate(free));
      return text;
    };
    expect([await read('a'), await read('b')]).toEqual(['ok', 'ok']);
    expect(sockets.size).toBe(1);
    await read('smuggle').catch(() => 'also fine');
    expect([await read('c'), await read('d')]).toEqual(['ok', 'ok']);
    sockets.forEach((socket) => socket.destroy());
    await new Promise((done) => server.close(done));
  });

  it('traces each exchange once, redacted; each view with its own secrets', async () => {
    const traces: Exchange[] = [];
    provider.answer(() => ({ body: { echo: 'tell-nobody' } }));
    const http = client().traced({ trace: (exchange) => traces.push(exchange), secrets: ['tell-nobody'] });
    await http.request(post({ headers: { 'x-key': 'tell-nobody' }, body: { text: 'private words' } }));
    await failure(http.request(post({ url: 'http://10.0.0.1/tell-nobody' })));
    expect(traces.map(({ response, failure: failed }) => [response?.status, failed?.code])).toEqual([
      [200, undefined],
      [undefined, 'config-invalid'],
    ]);
    expect(JSON.stringify(traces)).not.toMatch(/tell-nobody|private words/);
    expect(traces[0]?.request.body).toBe('{"text":"[text: 13 chars]"}');
  });
});

import { createConnection } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Overloaded } from '#conversations';
import { DatabaseUnavailable } from '#database';
import { describeOnEveryDatabase } from '#database/testing';
import { ADMIN_KEY, Stage } from './testing/stage.js';
import { STORE } from './testing/store.js';

const nested = (depth: number) => `${'['.repeat(depth)}${']'.repeat(depth)}`;

describeOnEveryDatabase('the API: bad input', (open) => {
  let api: Stage;
  let path: string;

  beforeAll(async () => {
    api = await new Stage(await open(STORE)).open();
    await api.account('sms');
    const { conversationId } = await api.arrive('sms');
    path = `/v1/conversations/${conversationId}`;
  });
  afterAll(() => api.close());

  /** Bytes as they are, for what `fetch` would put right; gives the status line and all that follows. */
  const raw = (lines: readonly string[], body: string | Buffer = '') =>
    new Promise<string>((resolve, reject) => {
      const { port, hostname } = new URL(api.url);
      const socket = createConnection(Number(port), hostname, () => {
        socket.write(
          ['POST /v1/messages HTTP/1.1', 'Host: x', `Authorization: Bearer ${ADMIN_KEY}`, ...lines, '', ''].join(
            '\r\n',
          ),
        );
        socket.write(body);
      });
      let text = '';
      socket.on('data', (chunk) => (text += chunk.toString()));
      socket.setTimeout(5_000, () => socket.destroy());
      socket.on('close', () => resolve(text));
      socket.on('error', (error) => (text ? resolve(text) : reject(error)));
    });

  describe('bodies that are no JSON for us', () => {
    const cases: [string, string | Uint8Array, number, string][] = [
      ['broken JSON', '{"text":', 400, 'malformed'],
      ['NaN', '{"text": NaN}', 400, 'malformed'],
      ['a key __proto__', '{"text":"a","__proto__":{"admin":true}}', 400, 'malformed'],
      ['a key __proto__ inside', '{"metadata":{"a":{"__proto__":{"x":1}}}}', 400, 'malformed'],
      ['constructor.prototype', '{"metadata":{"constructor":{"prototype":{"x":1}}}}', 400, 'malformed'],
      ['UTF-16', Buffer.from('{"subject":"a"}', 'utf16le'), 400, 'malformed'],
      ['an empty body', '', 400, 'malformed'],
      ['nesting of a hundred thousand', nested(100_000), 422, 'invalid'],
      ['nesting inside', `{"metadata":{"a":${nested(5_000)}}}`, 422, 'invalid'],
      ['an array', '[]', 422, 'invalid'],
      ['null', 'null', 422, 'invalid'],
      [
        'ten thousand unknown keys',
        `{${Array.from({ length: 10_000 }, (_, i) => `"k${i}":1`).join(',')}}`,
        422,
        'invalid',
      ],
    ];
    it.each(cases)('%s', async (...[, body, status, code]) => {
      const answer = await api.patch(path, body);
      expect([answer.status, answer.body.code]).toEqual([status, code]);
      expect(JSON.stringify(answer.body).length).toBeLessThan(10_000);
      expect(({} as { admin?: boolean }).admin).toBeUndefined();
    });

    it('takes a byte order mark and the last of duplicate keys', async () => {
      const answer = await api.patch(path, '\uFEFF{"subject":"first","subject":"last"}');
      expect([answer.status, answer.body.subject]).toEqual([200, 'last']);
    });

    it('keeps hostile text as the rule says', async () => {
      const subject = '\u202Egnp.exe \u200B e\u0301 \u{1F468}\u200D\u{1F469}';
      expect((await api.patch(path, { subject })).body.subject).toBe(subject);
      const replaced = await api.patch(
        path,
        '{"subject":"nul \\u0000 lone \\ud800","metadata":{"k\\u0000":"v\\u0000"}}',
      );
      expect(replaced.body).toMatchObject({ subject: 'nul \uFFFD lone \uFFFD', metadata: { 'k\uFFFD': 'v\uFFFD' } });
    });

    it('gives the place of each fault and does not quote the value', async () => {
      const { body } = await api.patch(path, { status: 'canary', tags: ['a', 7] });
      expect(body.errors).toEqual([
        { path: 'status', message: expect.any(String) },
        { path: 'tags.1', message: expect.any(String) },
      ]);
      expect(JSON.stringify(body)).not.toContain('canary');
    });
  });

  it('refuses other types of body', async () => {
    for (const type of ['text/plain', 'application/xml', 'application/octet-stream']) {
      const answer = await api.patch(path, '{"subject":"a"}', { headers: { 'content-type': type } });
      expect([type, answer.status, answer.body.code]).toEqual([type, 415, 'unsupported-media-type']);
    }
    const file = await api.post('/v1/files', { file: 'x' });
    expect([file.status, file.body.code]).toEqual([415, 'unsupported-media-type']);
  });

  it('refuses what is too large, announced or not', async () => {
    const big = JSON.stringify({ subject: 'x'.repeat(300_000) });
    const announced = await api.patch(path, big);
    expect([announced.status, announced.body.code]).toEqual([413, 'too-large']);
    const json = 'Content-Type: application/json';
    const chunk = 'x'.repeat(65_536);
    const chunked = `${'10000\r\n'}${chunk}\r\n`.repeat(8);
    for (const answer of [
      await raw([json, 'Content-Length: 999999999']),
      await raw([json, 'Transfer-Encoding: chunked'], chunked),
    ]) {
      expect(answer).toMatch(/^HTTP\/1\.1 413 /);
      expect(answer).toContain('"too-large"');
    }
    expect(await raw([json, 'Content-Length: 10', 'Connection: close'], '{"a":1}   and more than announced')).toMatch(
      /^HTTP\/1\.1 4/,
    );
  });

  it('says when to come again while too many bodies of one sender are in memory', async () => {
    const all = api.bodies.claim('127.0.0.1');
    for (let bytes = 1_048_576; bytes >= 1; bytes /= 2) while (all.take(bytes));
    const refused = await api.patch(path, { subject: 'a' });
    expect([refused.status, refused.body.code, refused.headers.get('retry-after')]).toEqual([503, 'unavailable', '1']);
    all.release();
    expect((await api.patch(path, { subject: 'a' })).status).toBe(200);
  });

  it('answers unknown paths and methods with a problem', async () => {
    for (const [method, url] of [
      ['GET', '/nowhere'],
      ['PUT', '/v1/keys'],
      ['GET', '/v1/%E0%A4%A'],
      ['GET', '/v1/../../etc/passwd'],
    ] as const) {
      const answer = await api.call(method, url);
      expect([url, [400, 404].includes(answer.status), answer.headers.get('content-type')]).toEqual([
        url,
        true,
        expect.stringContaining('application/problem+json'),
      ]);
    }
  });

  it('takes no query that it does not know, and no value out of range', async () => {
    for (const [url, at] of [
      ['/v1/conversations?limit=0', 'limit'],
      ['/v1/conversations?limit=201', 'limit'],
      ['/v1/conversations?limit=ten', 'limit'],
      ['/v1/conversations?limit=1&limit=2', 'limit'],
      ['/v1/conversations?status=ajar', 'status.0'],
      ['/v1/conversations?cursor=bm90IGpzb24', 'cursor'],
      ['/v1/conversations?cursor=WzFd', 'cursor.0'],
      ['/v1/conversations?colour=red', ''],
      [`${path}/messages?after=-1`, 'after'],
      [`${path}/messages?after=99999999999`, ''],
      ['/v1/events?after=x', 'after'],
      ['/v1/events?wait=31', 'wait'],
      ['/v1/events?types=Message', 'types.0'],
      ['/v1/contacts?handle=phone', 'handle'],
      ['/v1/contacts?handle=phone:abc', 'handle'],
    ] as const) {
      const { status, body } = await api.get(url);
      expect([url, status, body.code]).toEqual([url, 422, 'invalid']);
      if (at)
        expect([url, body.errors.map((fault: { path: string }) => fault.path)]).toEqual([
          url,
          expect.arrayContaining([at]),
        ]);
    }
    expect((await api.get('/v1/conversations/%00')).status).toBe(404);
  });

  it('says 503 with Retry-After while the database is away, and 500 without internals for what nobody expected', async () => {
    const { query } = api.database;
    for (const [error, status, code] of [
      [new DatabaseUnavailable(new Error('canary: ECONNREFUSED 10.0.0.7')), 503, 'unavailable'],
      [new Overloaded(3), 503, 'unavailable'],
      [new Error('canary: select * from secret'), 500, 'internal'],
    ] as const) {
      api.database.query = () => Promise.reject(error);
      const answer = await api.get(path).finally(() => (api.database.query = query));
      expect([answer.status, answer.body.code, JSON.stringify(answer.body).includes('canary')]).toEqual([
        status,
        code,
        false,
      ]);
      expect(answer.headers.get('retry-after')).toEqual(status === 503 ? expect.stringMatching(/^\d+$/) : null);
    }
  });
});

import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, describe, expect, it, jest } from '@jest/globals';
import { ProviderFailure } from '#normalizer';
import { guardedHttp, type GuardedHttp } from '#transport';

jest.setTimeout(60_000);

/** CONTRACT: an answer begins within 15 s and is complete within 20 s; a starved machine may be late. */
const LIMITS = { answerMs: 15_000, totalMs: 20_000, lateMs: 5_000 };
const HEAD = 'HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok';

let server: Server;
let http: GuardedHttp;
const sockets = new Set<Socket>();

afterEach(async () => {
  await http.close();
  for (const socket of sockets) socket.destroy();
  sockets.clear();
  await new Promise((done) => server.close(done));
});

/** A server of bytes: what it writes on each connection at each request is no HTTP server's idea. */
async function serve(answer: (socket: Socket, path: string) => void): Promise<string> {
  server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined).on('close', () => sockets.delete(socket));
    socket.on('data', (data) => answer(socket, /^POST (\S+)/.exec(String(data))?.[1] ?? ''));
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

async function drip(socket: Socket, text: string): Promise<void> {
  for (const byte of text) {
    if (socket.destroyed) return;
    socket.write(byte);
    await delay(500);
  }
}

describe('answers', () => {
  it('that never come, and such as come byte by byte, end at the limits, and their connections with them', async () => {
    const url = await serve((socket, path) => {
      if (path === '/head') void drip(socket, `${HEAD.slice(0, -6)}x-slow: ${'x'.repeat(1_000)}`);
      if (path !== '/body') return;
      socket.write('HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n');
      void drip(socket, 'x'.repeat(1_000));
    });
    http = guardedHttp({ engine: 'undici', allow: ['127.0.0.1/32'] });
    const began = performance.now();
    const ends = await Promise.all(
      ['/never', '/head', '/body'].map(async (path) => {
        const failure: unknown = await http
          .request({ method: 'POST', url: url + path, body: '{}' })
          .catch((error) => error);
        return { path, failure, ms: performance.now() - began };
      }),
    );
    for (const { path, failure, ms } of ends) {
      const limit = path === '/body' ? LIMITS.totalMs : LIMITS.answerMs;
      expect([path, failure]).toEqual([path, expect.any(ProviderFailure)]);
      expect([path, (failure as ProviderFailure).code]).toEqual([path, 'outcome-unknown']);
      expect(ms).toBeGreaterThan(limit - 500);
      expect(ms).toBeLessThan(limit + LIMITS.lateMs);
    }
    while (sockets.size > 0) await delay(10);
  });
});

describe.each(['axios', 'undici'] as const)('answers, by %s,', (engine) => {
  it.each([
    ['two lengths', 'HTTP/1.1 200 OK\r\ncontent-length: 2\r\ncontent-length: 30\r\n\r\nok'],
    [
      'a length and chunks',
      'HTTP/1.1 200 OK\r\ncontent-length: 2\r\ntransfer-encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n',
    ],
    ['a second answer', `${HEAD}HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\nbad`],
  ])('with %s spoil no other request', async (_what, bytes) => {
    const url = await serve((socket, path) => socket.write(path === '/odd' ? bytes : HEAD));
    http = guardedHttp({ engine, allow: ['127.0.0.1/32'] });
    const read = async (path: string) => (await http.request({ method: 'POST', url: url + path, body: '{}' })).text();
    expect(await read('/a')).toBe('ok');
    expect(['ok', 'refused']).toContain(await read('/odd').catch(() => 'refused'));
    await delay(20);
    expect([await read('/b'), await read('/c')]).toEqual(['ok', 'ok']);
  });
});

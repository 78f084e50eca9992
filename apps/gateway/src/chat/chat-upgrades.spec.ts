import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import { connect, type AddressInfo, type Socket } from 'node:net';
import { text } from 'node:stream/consumers';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { refuseUpgrade, takeUpgrades } from './chat-upgrades.js';

let server: Server;
let taken: string[];
let sockets: Socket[];

beforeEach(async () => {
  [taken, sockets] = [[], []];
  server = createServer((request, response) => {
    void text(request).then((body) =>
      response.end(`${request.method} ${request.url} ${request.headers.connection ?? '-'} ${body}`),
    );
  });
  server.on('connection', (socket: Socket) => sockets.includes(socket) || sockets.push(socket));
  takeUpgrades(server, '/chat', (request, socket) => {
    taken.push(request.url!);
    refuseUpgrade(socket, '429 Too Many Requests', { 'Retry-After': 60 });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
});
afterEach(async () => {
  server.closeAllConnections();
  sockets.forEach((socket) => socket.destroy());
  await new Promise((resolve) => server.close(resolve));
});

/** Sends text, and what is to follow once the first answer is there; half open: it never hangs up by itself. */
async function exchange(...requests: string[]): Promise<{ answers: string[]; client: Socket }> {
  const client = connect({ port: (server.address() as AddressInfo).port, host: '127.0.0.1', allowHalfOpen: true });
  const answers: string[] = [];
  for (const request of requests) {
    client.write(request);
    answers.push(String((await once(client, 'data')) as unknown as Buffer));
  }
  return { answers, client };
}
const h2c = 'Host: x\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\n';

describe('upgrade requests', () => {
  it.each([
    ['a client that offers HTTP/2', `GET /health HTTP/1.1\r\n${h2c}\r\n`, 'GET /health - '],
    ['the same with a body', `POST /v1 HTTP/1.1\r\n${h2c}Content-Length: 5\r\n\r\nhello`, 'POST /v1 - hello'],
    [
      'a WebSocket elsewhere',
      'GET /x HTTP/1.1\r\nHost: x\r\nConnection: keep-alive, Upgrade\r\nUpgrade: websocket\r\n\r\n',
      'GET /x keep-alive ',
    ],
    ['the chat, but not as a WebSocket', `GET /chat HTTP/1.1\r\n${h2c}\r\n`, 'GET /chat - '],
  ])('are answered as if there were none: %s', async (_, request, expected) => {
    const { answers, client } = await exchange(request, request);
    for (const answer of answers) {
      expect(answer).toMatch(/^HTTP\/1\.1 200 OK\r\n/);
      expect(answer.split('\r\n\r\n')[1]).toBe(expected);
    }
    client.destroy();
    expect(taken).toEqual([]);
  });

  it('leave nothing behind on a connection that goes on', async () => {
    const request = `GET /health HTTP/1.1\r\n${h2c}\r\n`;
    const count = () => sockets[0]!.eventNames().reduce((sum, name) => sum + sockets[0]!.listenerCount(name), 0);
    const { client } = await exchange(request);
    const before = count();
    for (let i = 0; i < 5; i += 1) {
      client.write(request);
      await once(client, 'data');
    }
    expect(count()).toBe(before);
  });

  it('of a chat are handed on', async () => {
    const { answers } = await exchange(
      'GET /chat?x=1 HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: WebSocket\r\n\r\n',
    );
    expect(answers[0]).toMatch(/^HTTP\/1\.1 429 Too Many Requests\r\nRetry-After: 60\r\n/);
    expect(taken).toEqual(['/chat?x=1']);
  });

  it('that are refused do not stay, even if the other end never hangs up', async () => {
    await exchange('GET /chat HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n');
    if (!sockets[0]!.destroyed) await once(sockets[0]!, 'close');
    expect(sockets).toHaveLength(1);
  });

  it.each(['GET /chat', 'GET /elsewhere'])('may break off at any time: %s', async (line) => {
    await exchange(`${line} HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n`);
    expect(() => sockets[0]!.emit('error', new Error('ECONNRESET'))).not.toThrow();
  });

  it('of more headers than are told cannot be repeated', async () => {
    const many = 'a:\r\n'.repeat(1_500);
    const { answers } = await exchange(`GET / HTTP/1.1\r\n${many}${h2c}\r\n`);
    expect(answers[0]).toMatch(/^HTTP\/1\.1 400 /);
  });
});

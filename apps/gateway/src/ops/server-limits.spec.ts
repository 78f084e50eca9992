import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { afterEach, describe, expect, it } from '@jest/globals';
import fastify, { type FastifyInstance } from 'fastify';
import { boundConnections, HEAD_LIMITS } from './server-limits.js';

let server: FastifyInstance;
const sockets: Socket[] = [];

afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.destroy();
  await server.close();
});

async function dial(url: string): Promise<Socket> {
  const socket = connect(Number(new URL(url).port), '127.0.0.1');
  sockets.push(socket.on('error', () => undefined));
  await once(socket, 'connect');
  return socket;
}

describe('connections', () => {
  it('beyond the most are closed and counted; the others go on', async () => {
    server = fastify();
    server.get('/', async () => 'here');
    let dropped = 0;
    boundConnections(server, { most: 2, dropped: () => (dropped += 1) });
    const url = await server.listen({ port: 0, host: '127.0.0.1' });
    const [first] = [await dial(url), await dial(url)];
    await once(await dial(url), 'close');
    expect(dropped).toBe(1);
    first.write('GET / HTTP/1.1\r\nhost: x\r\n\r\n');
    expect(String((await once(first, 'data'))[0])).toMatch(/^HTTP\/1\.1 200 /);
  });

  it.each([
    ['nothing', ''],
    ['half a head', 'GET / HTTP/1.1\r\nhost: x\r\n'],
  ])('over which comes %s are cut', async (_what, said) => {
    server = fastify({ http: { ...HEAD_LIMITS, headersTimeout: 50, connectionsCheckingInterval: 20 } });
    const socket = await dial(await server.listen({ port: 0, host: '127.0.0.1' }));
    socket.write(said);
    await once(socket.resume(), 'close');
  });
});

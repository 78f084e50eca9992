import { once } from 'node:events';
import { connect } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { startGateway, stopEverything, type Gateway } from '../support/index.js';

let gateway: Gateway;
beforeAll(async () => {
  gateway = await startGateway();
});
afterAll(stopEverything);

/** Sends a request that offers another protocol, on a connection of its own. */
function offer(path: string, protocol: string) {
  const { hostname, port } = new URL(gateway.url);
  const socket = connect(Number(port), hostname);
  socket.write(`GET ${path} HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: ${protocol}\r\n\r\n`);
  return socket;
}

async function statusOf(path: string, protocol: string): Promise<string> {
  const socket = offer(path, protocol);
  const [answer] = (await once(socket, 'data')) as [Buffer];
  socket.destroy();
  return answer.toString('latin1').slice(9, 12);
}

describe('a request that offers another protocol', () => {
  it('is answered as any other', async () => {
    expect(await statusOf('/health/live', 'h2c')).toBe('200');
    expect(await statusOf('/health/live', 'websocket')).toBe('200');
    expect(await statusOf('/nowhere', 'websocket')).toBe('404');
    expect(await statusOf('/chat', 'websocket')).toBe('400');
  });

  it('and breaks off ends nobody', async () => {
    for (const path of ['/nowhere', '/chat', '/health/live']) {
      for (let i = 0; i < 20; i += 1) {
        const socket = offer(path, 'websocket');
        await once(socket, 'connect');
        await new Promise((resolve) => setTimeout(resolve, i % 5));
        socket.resetAndDestroy();
      }
    }
    expect(await statusOf('/health/live', 'h2c')).toBe('200');
    expect(gateway.alive).toBe(true);
  });
});

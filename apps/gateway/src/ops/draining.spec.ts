import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, expect, it } from '@jest/globals';
import { fastify, type FastifyInstance } from 'fastify';
import { Traffic } from './draining.js';

let server: FastifyInstance;
afterEach(() => server.close());

function serving(readiness: { draining: boolean }): Traffic {
  server = fastify();
  const traffic = new Traffic(server, readiness);
  server.get('/', async () => 'ok');
  return traffic;
}

it('ends connections with the answer from the moment that the process drains', async () => {
  const readiness = { draining: false };
  serving(readiness);
  expect((await server.inject('/')).headers['connection']).not.toBe('close');
  readiness.draining = true;
  expect((await server.inject('/')).headers['connection']).toBe('close');
});

it('is quiet once nothing came for a while, and not before, or when it took too long', async () => {
  const traffic = serving({ draining: true });
  let quiet = false;
  const waited = traffic.quiet(200, 60_000).then(() => (quiet = true));
  for (let n = 0; n < 8; n += 1) {
    await delay(50);
    await server.inject('/');
    expect(quiet).toBe(false);
  }
  await waited;
  const busy = setInterval(() => void server.inject('/'), 20);
  await traffic.quiet(60_000, 100);
  clearInterval(busy);
});

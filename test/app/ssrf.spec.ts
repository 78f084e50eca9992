import { createServer, type AddressInfo, type Server } from 'node:net';
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { newSecret, startGateway, stopEverything, until, type Gateway } from '../support/index.js';

jest.setTimeout(120_000);

const METADATA = ['http://169.254.169.254/latest/meta-data/', 'http://[fd00:ec2::254]/', 'http://100.100.100.200/'];

let strict: Gateway;
let lenient: Gateway;
let trap: Server;
let port = 0;
let connections = 0;

beforeAll(async () => {
  trap = createServer((socket) => {
    connections += 1;
    socket.end('HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n');
  });
  await new Promise<void>((done) => trap.listen(0, '0.0.0.0', done));
  port = (trap.address() as AddressInfo).port;
  const account = { id: 'app', type: 'http', config: { secret: newSecret(), url: 'https://app.example/out' } };
  [strict, lenient] = await Promise.all([
    startGateway({ config: { network: { allow: [] }, accounts: [account] } }),
    startGateway({ config: { network: { allow: ['0.0.0.0/0', '::/0'] }, accounts: [account] } }),
  ]);
});
afterAll(async () => {
  await stopEverything();
  trap?.close();
});

/** Connects a destination and tests it: what the operator is told. A refusal of the address itself counts as told, too. */
async function tried(gateway: Gateway, url: string): Promise<{ ok: boolean; detail: string }> {
  const made = await gateway.api.post<{ id: string; detail: string }>('/v1/destinations', {
    type: 'webhook',
    config: { url, secret: newSecret() },
    filter: { events: ['conversation.closed'] },
  });
  if (made.status === 422) return { ok: false, detail: made.body.detail };
  expect(made.status).toBe(201);
  const path = `/v1/destinations/${made.body.id}/check`;
  return until('the check', async () => {
    const { body } = await gateway.api.post<{ ok: boolean; detail: string }>(path);
    return /not running here yet/.test(body.detail) ? null : body;
  });
}

describe('addresses that the gateway calls', () => {
  it.each([
    'http://127.0.0.1',
    'http://localhost',
    'http://localhost.',
    'http://2130706433',
    'http://0x7f.0.0.1',
    'http://0177.0.0.1',
    'http://127.1',
    'http://0',
    'http://0.0.0.0',
    'http://[::1]',
    'http://[::ffff:127.0.0.1]',
    'http://[::ffff:7f00:1]',
    'http://[64:ff9b::7f00:1]',
    'http://[2002:7f00:1::]',
    'http://１２７.０.０.１',
  ])('refuses %s where it is not on the allow list', async (origin) => {
    expect(await tried(strict, `${origin}:${port}/hook`)).toMatchObject({ ok: false });
    expect(connections).toBe(0);
  });

  it.each(METADATA)('refuses the metadata service %s although everything is allowed', async (url) => {
    expect(await tried(lenient, url)).toMatchObject({
      ok: false,
      detail: expect.stringMatching(/metadata|refused|not allowed|private/i),
    });
  });

  it('calls an address on the allow list: the trap is a trap', async () => {
    expect(await tried(lenient, `http://127.0.0.1:${port}/hook`)).toMatchObject({ ok: true });
    expect(connections).toBe(1);
  });
});

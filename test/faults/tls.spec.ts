import { createServer, type Server, type ServerOptions } from 'node:https';
import type { AddressInfo } from 'node:net';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { emptyFolder, newSecret, removeFolder, setStage, stopEverything, until, type Stage } from '../support/index.js';
import { AUTHORITY, ELSEWHERE, EXPIRED, GOOD, KEY, SELF_SIGNED } from './certificates.js';

jest.setTimeout(120_000);

let stage: Stage;
let folder: string;
const servers: Server[] = [];

beforeAll(async () => {
  folder = await emptyFolder();
  const authority = join(folder, 'authority.pem');
  await writeFile(authority, AUTHORITY);
  stage = await setStage({ env: { NODE_EXTRA_CA_CERTS: authority } });
});
afterAll(async () => {
  await stage.close();
  await stopEverything();
  for (const server of servers) server.close();
  await removeFolder(folder);
});

/** A destination behind this server; counts the requests that get through to it. */
async function destination(id: string, options: ServerOptions): Promise<{ requests: number }> {
  const seen = { requests: 0 };
  const server = createServer({ key: KEY, ...options }, (request, response) => {
    request.resume();
    seen.requests += 1;
    response.end('{}');
  });
  servers.push(server.on('tlsClientError', () => undefined));
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  const url = `https://127.0.0.1:${(server.address() as AddressInfo).port}/hook`;
  const made = await stage.gateway.api.post('/v1/destinations', {
    ...{ id, type: 'webhook', config: { url, secret: newSecret() }, filter: { events: ['message.received'] } },
  });
  expect(made.status).toBe(201);
  return seen;
}

describe('a destination behind TLS', () => {
  it('whose certificate stands gets its events', async () => {
    const seen = await destination('good', { cert: GOOD });
    await stage.write({ id: 'good-1', thread: 'room' });
    await until('the delivery', () => seen.requests === 1);
  });

  it.each<[string, ServerOptions, string]>([
    ['that has expired', { cert: EXPIRED }, 'CERT_HAS_EXPIRED'],
    ['that is its own authority', { cert: SELF_SIGNED }, 'DEPTH_ZERO_SELF_SIGNED_CERT'],
    ['for another name', { cert: ELSEWHERE }, 'ERR_TLS_CERT_ALTNAME_INVALID'],
    [
      'over TLS 1.0',
      { cert: GOOD, minVersion: 'TLSv1', maxVersion: 'TLSv1', ciphers: 'DEFAULT@SECLEVEL=0' },
      'PROTOCOL_VERSION',
    ],
  ])('with a certificate %s gets nothing, and the failure says why', async (_what, options, why) => {
    const id = `bad-${servers.length}`;
    const seen = await destination(id, options);
    await stage.write({ id: `${id}-1`, thread: id });
    const failure = await until('the attempt', async () => {
      const [pending] = await stage.gateway.api.deliveries(id, 'pending');
      return pending && pending.attempts > 0 && pending.failure;
    });
    expect(failure).toMatchObject({ code: 'unavailable', message: expect.stringContaining(why) });
    expect(seen.requests).toBe(0);
  });
});

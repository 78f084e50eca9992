import { createServer as createTcp, type AddressInfo, type Server } from 'node:net';
import { createServer as createTls } from 'node:tls';
import { afterEach, describe, expect, it } from '@jest/globals';
import { guardedDial, type DialAddress } from './dial.js';
import { addressGuard, type Resolve } from './guard.js';
import { selfSigned } from './testing/index.js';

const servers: Server[] = [];
afterEach(() => Promise.all(servers.splice(0).map((server) => new Promise((done) => server.close(done)))));

async function listening(server: Server): Promise<number> {
  servers.push(server);
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  return (server.address() as AddressInfo).port;
}

const names: Resolve = (_name, _options, done) => done(null, [{ address: '127.0.0.1', family: 4 }]);

/** What the other side says first; throws what the socket does. */
function hear(address: DialAddress, allow: string[]): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = guardedDial(addressGuard(allow), names)(address);
    socket.once('error', reject);
    socket.once('data', (chunk: Buffer) => (resolve(chunk.toString()), socket.destroy()));
  });
}

describe('guardedDial', () => {
  it('connects where the guard allows it, by address and by name', async () => {
    const port = await listening(createTcp((socket) => socket.end('hello')));
    for (const host of ['127.0.0.1', 'inside.example']) expect(await hear({ host, port }, ['127.0.0.1'])).toBe('hello');
  });

  it.each(['127.0.0.1', 'inside.example', '::ffff:127.0.0.1'])(
    'connects to %s not at all where it is refused',
    async (host) => {
      let connections = 0;
      const port = await listening(createTcp(() => (connections += 1)));
      for (const tls of [undefined, {}])
      await expect(hear({ host, port, tls }, [])).rejects.toMatchObject({ name: 'BlockedAddress', message: expect.stringContaining('network.allow') }); // prettier-ignore
      expect(connections).toBe(0);
    },
  );

  it('verifies the certificate: by the authority that is given, for the host or the name that is given', async () => {
    const own = selfSigned('sink.example');
    const port = await listening(createTls(own, (socket) => socket.end('hello')).on('tlsClientError', () => {}));
    const ca = own.cert;
    expect(await hear({ host: '127.0.0.1', port, tls: { ca } }, ['127.0.0.1'])).toBe('hello');
    expect(await hear({ host: 'sink.example', port, tls: { ca } }, ['127.0.0.1'])).toBe('hello');
    expect(await hear({ host: 'other.example', port, tls: { ca, servername: 'sink.example' } }, ['127.0.0.1'])).toBe(
      'hello',
    );
    for (const wrong of [
      { host: '127.0.0.1', tls: {} },
      { host: 'other.example', tls: { ca } },
    ])
      await expect(hear({ port, ...wrong }, ['127.0.0.1'])).rejects.toThrow(/certificate|altnames/i);
  });
});

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { startServer, type Certificate, type Sink } from '../../testing/index.js';

/** Of `user0` and `user1`. */
export const PASSWORDS = ['first-password-4711', 'other-password-0815'] as const;

/** A client of the suite's own, for what is not the connector's work. */
export async function speak<T>(port: number, use: (client: Redis) => Promise<T>): Promise<T> {
  const client = new Redis({ port, host: '127.0.0.1', password: 'suite-4711', username: 'suite', lazyConnect: true });
  client.on('error', () => {});
  await client.connect();
  return use(client).finally(() => client.disconnect());
}

/** The fields of an entry by their names. */
export function pairs(fields: readonly string[]): Record<string, string> {
  return Object.fromEntries(fields.flatMap((name, i) => (i % 2 === 0 ? [[name, fields[i + 1] ?? '']] : [])));
}

/** A real server with a user for each destination. What it took is on the disk before it says so. */
export async function startRedis(_gatePort?: number, tls?: Certificate): Promise<Sink> {
  const users = PASSWORDS.map((password, i) => ['--user', `user${i}`, 'on', `>${password}`, '~tributary*', '+@all']);
  const server = await startServer({
    name: 'redis-server',
    args: ({ port, folder }) => [
      ...(tls ? encrypted(tls, { port, folder }) : ['--port', `${port}`]),
      ...['--bind', '127.0.0.1', '--dir', folder, '--save', '', '--appendonly', 'yes'],
      ...['--appendfsync', 'always', '--user', 'default', 'off', '--user', 'suite', 'on', '>suite-4711', '~*', '+@all'],
      ...users.flat(),
    ],
  });
  const taken = () =>
    speak(server.port, async (client) => {
      const streams = (await client.keys('tributary*')).sort();
      const entries = await Promise.all(streams.map((stream) => client.xrange(stream, '-', '+')));
      return entries.flat().map(([, fields]) => {
        const { id = '', key = '', replay, event = '' } = pairs(fields);
        return { id, key, replay: replay === 'true', body: JSON.parse(event) as unknown };
      });
    });
  return { ...server, taken };
}

function encrypted(tls: Certificate, { port, folder }: { port: number; folder: string }): string[] {
  for (const [name, text] of Object.entries(tls)) writeFileSync(join(folder, name), text);
  const files = ['--tls-cert-file', join(folder, 'cert'), '--tls-key-file', join(folder, 'key')];
  return ['--port', '0', '--tls-port', `${port}`, '--tls-auth-clients', 'no', ...files];
}

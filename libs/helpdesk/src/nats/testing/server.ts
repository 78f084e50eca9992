import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { jetstreamManager, type JetStreamManager } from '@nats-io/jetstream';
import { connect, type NatsConnection } from '@nats-io/transport-node';
import { startServer, type Sink } from '../../testing/index.js';

/** Of `user0` and `user1`. */
export const PASSWORDS = ['first-password-4711', 'other-password-0815'] as const;
const SUITE = { user: 'suite', pass: 'suite-4711' };

/** Users of the destinations, one that may publish elsewhere only, and one for what is not the connector's work. */
export const settings = (more = '') => `
max_payload: 65536
jetstream { max_file_store: 50MB, store_dir: "." }
authorization { users: [
  { user: user0, password: "${PASSWORDS[0]}" }, { user: user1, password: "${PASSWORDS[1]}" },
  { user: shy, password: "shy-password-1234", permissions: { publish: ["elsewhere.>", "$JS.API.>"] } },
  { user: ${SUITE.user}, password: "${SUITE.pass}" }
] }
${more}`;

/** A client of the suite's own. */
export async function speak<T>(
  port: number,
  use: (manager: JetStreamManager, connection: NatsConnection) => Promise<T>,
): Promise<T> {
  const connection = await connect({ servers: `127.0.0.1:${port}`, ...SUITE });
  try {
    return await use(await jetstreamManager(connection), connection);
  } finally {
    await connection.close();
  }
}

/** A real server with JetStream on the disk. */
export async function startNats(): Promise<Sink> {
  const server = await startServer({
    name: 'nats-server',
    args({ port, folder }) {
      const file = join(folder, 'server.conf');
      writeFileSync(file, settings());
      return ['-c', file, '-a', '127.0.0.1', '-p', `${port}`];
    },
  });
  const taken = () =>
    speak(server.port, async (manager) => {
      const info = await manager.streams.info('TRIBUTARY').catch(() => null);
      const { first_seq: first = 1, last_seq: last = 0 } = info?.state ?? {};
      const numbers = Array.from({ length: last - first + 1 }, (_, i) => first + i);
      const messages = await Promise.all(numbers.map((seq) => manager.streams.getMessage('TRIBUTARY', { seq })));
      return messages.flatMap((message) => {
        if (!message) return [];
        const replay = message.header.get('tributary-replay') === 'true';
        const key = message.subject.split('.')[1] ?? '';
        return [{ key, id: message.header.get('tributary-id'), replay, body: message.json() as unknown }];
      });
    });
  return { ...server, taken };
}

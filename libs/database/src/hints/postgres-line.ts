import pg from 'pg';
import { FAREWELL_MS, OPEN_MS, type OpenLine } from './line.js';

const CHANNEL = 'tributary_hint';
const PUBLISH = `select pg_notify('${CHANNEL}', message) from unnest($1::text[]) as message`;
/** NOTIFY takes at most 8,000 bytes; a longer hint travels without its payload. https://www.postgresql.org/docs/current/sql-notify.html */
const LIMIT = 7_900;

/** LISTEN and NOTIFY, on a connection of their own. */
export function postgresLine(url: string): OpenLine {
  return async ({ heard, lost }) => {
    const client = new pg.Client({
      ...{ connectionString: url, application_name: 'tributary-hints' },
      ...{ connectionTimeoutMillis: OPEN_MS, query_timeout: OPEN_MS, keepAlive: true },
    });
    client.on('error', () => {});
    client.once('end', lost);
    client.on('notification', ({ payload = '' }) => heard(payload));
    try {
      await client.connect();
      await client.query(`listen ${CHANNEL}`);
    } catch (error) {
      drop(client);
      throw error;
    }
    let said: Promise<unknown> = Promise.resolve();
    return {
      // One after another: the driver takes no query while it runs one.
      async say(messages) {
        said = said.then(() => client.query(PUBLISH, [messages.map(fitting)]));
        await said;
      },
      drop: () => drop(client),
    };
  };
}

function fitting(message: string): string {
  if (Buffer.byteLength(message) <= LIMIT) return message;
  return `${message.split('\n', 2).join('\n')}\n`;
}

function drop(client: pg.Client): void {
  void client.end().catch(() => undefined);
  const { stream } = (client as unknown as { connection: { stream: { destroy(): void } } }).connection;
  setTimeout(() => stream.destroy(), FAREWELL_MS).unref();
}

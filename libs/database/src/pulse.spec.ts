import { afterEach, beforeEach, expect, it } from '@jest/globals';
import { setTimeout as delay } from 'node:timers/promises';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { describeOnPostgres } from './testing/index.js';
import { DatabaseUnavailable, openDatabase, type Database } from './index.js';

/** Far below the 35 s after which a statement without an answer is given up, far above the 0.6 s that it takes. */
const SOON_MS = 5_000;

/** A network between us and the server that can swallow everything, and forget the connections that were there. */
class Network {
  silent = false;
  private readonly links: [Socket, Socket][] = [];
  private server: Server | undefined;

  async between(url: string): Promise<string> {
    const { port, hostname } = new URL(url);
    this.server = createServer((near) => {
      const far = connect(Number(port), hostname);
      const lost = { now: false };
      this.forgets.push(() => (lost.now = true));
      for (const [from, to] of [
        [near, far],
        [far, near],
      ] as const)
        // prettier-ignore
        from.on('error', () => {}).on('data', (bytes) => this.silent || lost.now || to.write(bytes));
      this.links.push([near, far]);
    });
    await new Promise<void>((done) => this.server!.listen(0, '127.0.0.1', done));
    const near = new URL(url);
    near.host = `127.0.0.1:${(this.server.address() as AddressInfo).port}`;
    return near.href;
  }

  /** Comes back; nothing passes over the connections from before. */
  back(): void {
    for (const forget of this.forgets.splice(0)) forget();
    this.silent = false;
  }

  close(): void {
    for (const socket of this.links.flat()) socket.destroy();
    this.server?.close();
  }

  private readonly forgets: (() => void)[] = [];
}

describeOnPostgres('a server that falls silent', (_open, place) => {
  let network: Network;
  let database: Database;

  beforeEach(async () => {
    network = new Network();
    const { url = '' } = await place();
    database = await openDatabase({ url: await network.between(url), entities: [], migrations: [], poolSize: 4 });
  });
  afterEach(async () => {
    network.close();
    await database.close();
  });

  const spread = () =>
    Promise.all([1, 2, 3, 4].map((n) => database.query<{ n: number }>(`select ${n} as n, pg_sleep(0.05)`)));

  it('fails what waits for it soon, and everything after that at once, until it is back', async () => {
    await spread();
    network.silent = true;
    const began = performance.now();
    const failures = await Promise.all([
      ...Array.from({ length: 2 }, () => database.query('select 1').catch((error: unknown) => error)),
      database.transaction((sql) => sql.query('select 1')).catch((error: unknown) => error),
    ]);
    expect(failures).toEqual(Array(3).fill(expect.any(DatabaseUnavailable)));
    expect(performance.now() - began).toBeLessThan(SOON_MS);
    const refused = database.query('select 1').catch((error: unknown) => error);
    expect(await Promise.race([refused, new Promise((late) => setTimeout(late, 100, 'late'))])).toBeInstanceOf(
      DatabaseUnavailable,
    );

    network.back();
    const end = performance.now() + SOON_MS;
    let answers: unknown;
    while (answers === undefined && performance.now() < end) {
      answers = await spread().catch(() => delay(20));
    }
    expect(answers).toMatchObject([1, 2, 3, 4].map((n) => [{ n }]));
  });

  it('is not taken for silent while it is only slow', async () => {
    const slow = database.query<{ n: number }>('select 1 as n, pg_sleep(1.5)');
    const worked = database.transaction(async (sql) => {
      await sql.query('select pg_sleep(1)');
      return sql.query<{ n: number }>('select 2 as n');
    });
    expect(await Promise.all([slow, worked])).toMatchObject([[{ n: 1 }], [{ n: 2 }]]);
  });
});

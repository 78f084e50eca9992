import { afterAll, afterEach, beforeAll, expect, it } from '@jest/globals';
import { HandOver, Intake, Leases, PARTITIONS } from '#conversations';
import { type Database } from '#database';
import { describeOnPostgres } from '#database/testing';
import { Desk, postConnector } from './testing/desk.js';
import { addDestination, FakeDirectory, reset, settled, type Setup, startRelay, STORE, take, texts, until } from './testing/harness.js'; // prettier-ignore

describeOnPostgres('what is handed over while partitions are taken over', (open) => {
  let database: Database;
  let desk: Desk;
  let setup: Setup | undefined;
  beforeAll(async () => void ([database, desk] = await Promise.all([open(STORE), Desk.start()])));
  afterAll(() => desk.stop());
  afterEach(() => setup?.stop());

  it('waits for what the process before left behind', async () => {
    await reset(database);
    const directory = new FakeDirectory();
    await addDestination(database, 'hd');
    directory.addDestination('hd', postConnector as never, { url: `${desk.url}/hd` });

    // Another process has every partition, and delivers nothing any more.
    const other = new Leases(database);
    const held = await other.acquire(Array.from({ length: PARTITIONS }, (_, n) => `outbox:${n}`));
    let looksFor = (): void => undefined;
    const looking = new Promise<void>((resolve) => (looksFor = resolve));
    let go = (): void => undefined;
    const gate = new Promise<void>((resolve) => (go = resolve));
    const slow = Object.assign(Object.create(database) as Database, {
      async query(statement: { name?: string }, values?: unknown[]) {
        if (statement.name === 'outbox_targets') {
          looksFor();
          await gate;
        }
        return database.query(statement as never, values);
      },
    });
    const handOver = new HandOver();
    const here = new Intake(database, { handOver });
    setup = await startRelay(slow, directory, { handOver });
    await take(here, ['+1', 'left behind']);
    await until(() => (handOver.after ?? 0) > 0, 'the cursor to pass it');
    await other.release(held);
    await looking;
    await take(here, ['+1', 'just now']);
    await new Promise((resolve) => setTimeout(resolve, 200));
    go();
    await settled(database);
    expect(texts(desk.at('hd'))).toEqual(['left behind', 'just now']);
  });
});

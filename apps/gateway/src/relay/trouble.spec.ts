import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from '@jest/globals';
import type { Database, Statement } from '#database';
import { describeOnEveryDatabase } from '#database/testing';
import { Desk, postConnector } from './testing/desk.js';
import {
  addDestination,
  arrive,
  FakeDirectory,
  reset,
  settled,
  type Setup,
  startRelay,
  STORE,
  texts,
} from './testing/harness.js';

describeOnEveryDatabase('the relay, where the database fails now and then,', (open) => {
  let database: Database;
  let desk: Desk;
  let directory: FakeDirectory;
  let setup: Setup | undefined;

  beforeAll(async () => void ([database, desk] = await Promise.all([open(STORE), Desk.start()])));
  afterAll(() => desk.stop());
  beforeEach(async () => {
    await reset(database);
    desk.calls.length = 0;
    desk.answer = () => ({ status: 200 });
    directory = new FakeDirectory();
    await addDestination(database, 'hd');
    directory.addDestination('hd', postConnector as never, { url: `${desk.url}/hd` });
  });
  afterEach(async () => {
    await setup?.stop();
    setup = undefined;
  });

  /** The database, on which one statement fails the first time. */
  function failingOnce(name: string): Database {
    let failed = false;
    const query = (statement: Statement | string, values?: readonly unknown[]): Promise<never[]> => {
      if (failed || typeof statement === 'string' || statement.name !== name) return database.query(statement, values);
      failed = true;
      return Promise.reject(new Error('the connection was lost'));
    };
    return Object.assign(Object.create(database) as Database, { query });
  }

  it.each(['outbox_targets', 'lease_acquire', 'stream_front'])(
    'delivers what lay in the outbox, in order, also when %s fails as it takes over',
    async (statement) => {
      await arrive(database, ['+1', 'a'], ['+1', 'b']);
      setup = await startRelay(failingOnce(statement), directory);
      await settled(database);
      await arrive(database, ['+1', 'c']);
      await settled(database);
      expect(texts(desk.at('hd'))).toEqual(['a', 'b', 'c']);
    },
  );
});

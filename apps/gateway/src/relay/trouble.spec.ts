import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from '@jest/globals';
import { Deliveries } from '#conversations';
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
  until,
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

  /** From now on the database refuses to write such rows. */
  const refuse = (table: string, condition: string): Promise<unknown> =>
    database.query(`alter table ${table} add constraint refused check (not (${condition})) not valid`);
  const accept = (table: string): Promise<unknown> => database.query(`alter table ${table} drop constraint refused`);

  it('writes down a delivery whose answer the database refuses, and does not deliver it again', async () => {
    desk.answer = () => ({ status: 200, body: { reference: { ticketId: 'poison', url: null } } });
    await refuse('reference', `ticket_id = 'poison'`);
    setup = await startRelay(database, directory);
    await arrive(database, ['+1', 'a'], ['+1', 'b']);
    await settled(database).finally(() => accept('reference'));
    expect(texts(desk.at('hd'))).toEqual(['a', 'b']);
    expect(desk.calls).toHaveLength(2);
    expect((await new Deliveries(database).list('hd', 'delivered')).items).toHaveLength(2);
  });

  it('gives up after five times what the database refuses altogether, and goes on with the lane', async () => {
    await refuse('delivery', `state = 'delivered' and attempts = 1 and failure is null`);
    setup = await startRelay(database, directory, { settings: { refusedMs: 5 } });
    await arrive(database, ['+1', 'a']);
    await settled(database).finally(() => accept('delivery'));
    await arrive(database, ['+1', 'b']);
    await settled(database);
    expect(desk.calls).toHaveLength(6);
    expect(setup.seen.map(({ outcome }) => outcome).filter((outcome) => outcome === 'refused')).toHaveLength(4);
    const { items } = await new Deliveries(database).list('hd', 'dead');
    expect(items).toMatchObject([{ failure: { code: 'outcome-unknown', owner: expect.any(String) } }]);
  });

  it('does not deliver again and again what the database refuses', async () => {
    await refuse('delivery', 'true');
    setup = await startRelay(database, directory);
    await arrive(database, ['+1', 'a'], ['+2', 'b']);
    await until(() => setup!.seen.length === 2, 'two refusals').finally(() => accept('delivery'));
    await arrive(database, ['+1', 'c'], ['+3', 'd']);
    await until(() => texts(desk.at('hd')).includes('d'), 'another lane');
    expect(texts(desk.at('hd')).sort()).toEqual(['a', 'b', 'd']);
    expect(setup.seen.filter(({ outcome }) => outcome === 'refused')).toHaveLength(2);
  });
});

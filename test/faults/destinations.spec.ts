import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, beforeEach, expect, it, jest } from '@jest/globals';
import { Deliveries } from '#conversations';
import type { Database } from '#database';
import { describeOnPostgres } from '#database/testing';
import type { HelpdeskConnector } from '#helpdesk';
import { Desk, postConnector } from '../../apps/gateway/src/relay/testing/desk.js';
import {
  addDestination,
  arrive,
  FakeDirectory,
  reset,
  settled,
  startRelay,
  STORE,
  texts,
  until,
  type Setup,
} from '../../apps/gateway/src/relay/testing/harness.js';

jest.setTimeout(120_000);

type PostConnector = HelpdeskConnector<{ url: string }>;

/** Most requests under way at once to one destination. */
const SLOTS = 32;

describeOnPostgres('destinations in trouble', (open) => {
  let database: Database;
  let desk: Desk;
  let directory: FakeDirectory;
  let setup: Setup | undefined;

  beforeAll(async () => void ([database, desk] = await Promise.all([open(STORE), Desk.start()])));
  afterAll(async () => {
    await desk.stop();
    await database.close();
  });
  beforeEach(async () => {
    await reset(database);
    desk.calls.length = 0;
    desk.answer = () => ({ status: 200 });
    directory = new FakeDirectory();
    directory.follow(database);
  });
  afterEach(async () => {
    desk.release();
    await setup?.stop();
    setup = undefined;
  });

  async function destination(id: string, connector: PostConnector = postConnector): Promise<void> {
    await addDestination(database, id);
    directory.addDestination(id, connector as never, { url: `${desk.url}/${id}` });
  }
  const lines = (customers: number, each: number) =>
    Array.from({ length: customers * each }, (_, n) => [`+${n % customers}`, `${n % customers}-${n}`] as const);
  /** Texts of one customer, in the order in which a destination got them. */
  const of = (id: string, customer: string) => texts(desk.at(id)).filter((text) => text.startsWith(`${customer}-`));
  const inOrder = (id: string, customers: number, each: number): void => {
    for (let customer = 0; customer < customers; customer += 1) {
      const expected = Array.from({ length: each }, (_, n) => `${customer}-${customer + n * customers}`);
      expect([id, of(id, String(customer))]).toEqual([id, expected]);
    }
  };

  it('one that hangs holds up none of ninety-nine others, and has its own slots only', async () => {
    const healthy = Array.from({ length: 99 }, (_, n) => `d${n}`);
    await destination('dead');
    await arrive(database, ...Array.from({ length: 100 }, (_, n) => [`+9${n}`, 'for the dead'] as const));
    for (const id of healthy) await destination(id);
    desk.answer = ({ path }) => (path === '/dead' ? 'hang' : { status: 200 });
    setup = await startRelay(database, directory);
    await until(() => desk.at('dead').length === SLOTS, 'the dead one to have its slots');
    await arrive(database, ...lines(3, 2));
    await until(() => desk.calls.length >= SLOTS + 99 * 6, 'the healthy ones');
    for (const id of healthy) inOrder(id, 3, 2);
    expect(desk.at('dead')).toHaveLength(SLOTS);
  });

  it('one that fails every other time gets everything in order, each repeated under its id; the others do not notice', async () => {
    for (const id of ['flapping', 'steady']) await destination(id);
    let turn = 0;
    const failed: string[] = [];
    desk.answer = ({ path, id }) => {
      if (path === '/steady' || (turn += 1) % 2 === 0) return { status: 200 };
      failed.push(id);
      return { status: 500 };
    };
    setup = await startRelay(database, directory);
    await arrive(database, ...lines(12, 5));
    await until(() => desk.at('steady').length === 60, 'the steady one');
    await settled(database);
    inOrder('flapping', 12, 5);
    inOrder('steady', 12, 5);
    expect(desk.at('steady')).toHaveLength(60);
    const taken = desk.at('flapping').map(({ id }) => id);
    for (const id of failed) taken.splice(taken.indexOf(id), 1);
    expect(new Set(taken).size).toBe(60);
    expect(taken).toHaveLength(60);
  });

  it('an event on which our own code stumbles is parked after five attempts, its lane goes on, and a replay delivers it', async () => {
    let broken = true;
    await destination('hd', {
      ...postConnector,
      async deliver(events, ctx) {
        if (broken && JSON.stringify(events[0]!.data).includes('0-1')) throw new TypeError('cannot be serialised');
        return postConnector.deliver(events, ctx);
      },
    });
    setup = await startRelay(database, directory);
    await arrive(database, ...lines(1, 3));
    await settled(database);
    expect(texts(desk.at('hd'))).toEqual(['0-0', '0-2']);
    const deliveries = new Deliveries(database);
    expect((await deliveries.list('hd', 'dead')).items).toMatchObject([{ attempts: 5 }]);

    broken = false;
    expect(await deliveries.replay('hd', { state: 'dead' })).toBe(1);
    await settled(database);
    expect(texts(desk.at('hd'))).toEqual(['0-0', '0-2', '0-1']);
  });

  it('one busy conversation keeps its order and does not delay the many quiet ones', async () => {
    const last: string[] = [];
    await destination('hd', {
      ...postConnector,
      async deliver(events) {
        const { text } = (events[0]!.data as { message: { text: string } }).message;
        if (text.startsWith('0-')) await delay(10);
        last.push(text);
        return {};
      },
    });
    setup = await startRelay(database, directory);
    const busy = Array.from({ length: 300 }, (_, n) => ['+0', `0-${n}`] as const);
    const quiet = Array.from({ length: 300 }, (_, n) => [`+${n + 1}`, `quiet-${n}`] as const);
    await arrive(database, ...busy.flatMap((line, n) => [line, quiet[n]!]));
    const isQuiet = (text: string) => text.startsWith('quiet-');
    await until(() => last.filter(isQuiet).length === 300, 'the quiet ones');
    expect(last.length).toBeLessThan(550);
    await settled(database);
    expect(last.filter((text) => !isQuiet(text))).toEqual(busy.map(([, text]) => text));
  });
});

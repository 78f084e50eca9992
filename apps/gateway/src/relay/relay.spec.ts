import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from '@jest/globals';
import { Deliveries } from '#conversations';
import { type Database } from '#database';
import { describeOnEveryDatabase } from '#database/testing';
import { Desk, postConnector } from './testing/desk.js';
import {
  addDestination,
  arrive,
  FakeDirectory,
  HASTY,
  outboxCount,
  reset,
  settled,
  type Setup,
  startRelay,
  STORE,
  texts,
  until,
} from './testing/harness.js';

const LATER = { kind: 'retry' as const, delayMs: 3_600_000, run: { course: 'outage', made: 1 } };

describeOnEveryDatabase('the relay delivers events', (open) => {
  let database: Database;
  let desk: Desk;
  let directory: FakeDirectory;
  let setup: Setup | undefined;

  beforeAll(async () => void ([database, desk] = await Promise.all([open(STORE), Desk.start()])));
  afterAll(() => desk.stop());
  beforeEach(async () => {
    await reset(database);
    desk.calls.length = 0;
    desk.most = 0;
    desk.answer = () => ({ status: 200 });
    directory = new FakeDirectory();
    directory.follow(database);
    await destination('hd');
  });
  afterEach(async () => {
    desk.release();
    await setup?.stop();
    setup = undefined;
  });

  async function destination(id: string, events?: string[] | null): Promise<void> {
    await addDestination(database, id, events);
    directory.addDestination(id, postConnector as never, { url: `${desk.url}/${id}` });
  }
  const start = async (...options: Parameters<typeof startRelay> extends [unknown, unknown, ...infer R] ? R : never) =>
    (setup = await startRelay(database, directory, ...options));

  it('in order, to every destination, and notes them as delivered', async () => {
    await destination('crm');
    await start();
    await arrive(database, ['+1', 'a'], ['+2', 'b'], ['+1', 'c']);
    await settled(database);
    for (const id of ['hd', 'crm']) {
      expect(texts(desk.at(id)).sort()).toEqual(['a', 'b', 'c']);
      expect(texts(desk.at(id)).filter((text) => text !== 'b')).toEqual(['a', 'c']);
    }
    const { items } = await new Deliveries(database).list('crm', 'delivered');
    expect(items).toHaveLength(3);
    expect(items.every(({ attempts, state }) => attempts === 1 && state === 'delivered')).toBe(true);
    expect(setup!.seen).toContainEqual(
      expect.objectContaining({ kind: 'event', targetId: 'crm', outcome: 'delivered' }),
    );
  });

  it('what lay in the outbox before it started, and what comes while it runs', async () => {
    await arrive(database, ['+1', 'a'], ['+1', 'b']);
    await start();
    await arrive(database, ['+1', 'c']);
    await settled(database);
    expect(texts(desk.at('hd'))).toEqual(['a', 'b', 'c']);
    expect(desk.calls).toHaveLength(3);
  });

  it('hands what waits of one conversation over in a run, which is settled together', async () => {
    await arrive(database, ...['a', 'b', 'c', 'd', 'e'].map((text): [string, string] => ['+1', text]));
    desk.answer = () => (desk.calls.length === 4 ? 'hang' : { status: 200 });
    await start();
    await until(() => desk.calls.length === 4, 'the fourth is on its way');
    expect(await outboxCount(database)).toBe(5);
    desk.release();
    await settled(database);
    expect(texts(desk.at('hd'))).toEqual(['a', 'b', 'c', 'd', 'e']);
  });

  it('settles what was taken of a run before one is refused, and repeats only that one', async () => {
    await arrive(database, ...['a', 'b', 'c', 'd'].map((text): [string, string] => ['+1', text]));
    desk.answer = () => ({ status: desk.calls.length === 3 ? 500 : 200 });
    await start();
    await settled(database);
    expect(texts(desk.at('hd'))).toEqual(['a', 'b', 'c', 'd']);
    expect(desk.calls.map(({ id }) => id === desk.calls[2]!.id)).toEqual([false, false, true, true, false]);
    const { items } = await new Deliveries(database).list('hd', 'delivered');
    expect(items.map(({ attempts }) => attempts).sort()).toEqual([1, 1, 1, 2]);
  });

  it('keeps the order of a lane under failures, and does not hold up the others', async () => {
    let left = 4;
    desk.answer = ({ event }) => {
      const bad = JSON.stringify(event.data).includes('"stuck"');
      return { status: bad && (left -= 1) >= 0 ? 500 : 200 };
    };
    await start();
    await arrive(database, ['+1', 'stuck'], ['+1', 'after'], ['+2', 'x'], ['+3', 'y']);
    await until(() => desk.at('hd').length >= 3, 'the others');
    expect(texts(desk.at('hd'))).not.toContain('after');
    await settled(database);
    const lane = desk.at('hd').filter(({ event }) => /stuck|after/.test(JSON.stringify(event.data)));
    expect(lane.map(({ id }) => id)).toEqual([...Array(5).fill(lane[0]!.id), lane[5]!.id]);
  });

  it('does not take a destination that refuses some conversations for one that is down', async () => {
    const refused = Array.from({ length: 12 }, (_, n) => `+9${n}`);
    desk.answer = ({ event }) => ({ status: JSON.stringify(event.data).includes('"refused"') ? 503 : 200 });
    await start();
    await arrive(database, ...refused.map((from) => [from, 'refused'] as const), ['+1', 'a']);
    await until(() => desk.at('hd').length > 60, 'they fail again and again');
    for (let n = 0; n < 5; n += 1) {
      const before = desk.calls.length;
      await arrive(database, [`+2${n}`, `other ${n}`]);
      await until(() => texts(desk.at('hd')).includes(`other ${n}`), 'another conversation');
      expect(desk.calls.length - before).toBeLessThan(80);
    }
  });

  it('does not take a destination that fails now and then for one that is down, however long its runs are', async () => {
    const lines = Array.from({ length: 160 }, (_, n): [string, string] => ['+1', `line ${n}`]);
    await arrive(database, ...lines);
    desk.answer = () => ({ status: desk.calls.length % 8 === 0 ? 503 : 200 });
    await start();
    await settled(database);
    expect(texts(desk.at('hd'))).toEqual(lines.map(([, text]) => text));
  });

  it('finds out by the newest that a destination which refuses a long backlog takes others', async () => {
    const refused = Array.from({ length: 40 }, (_, n) => `+9${n}`);
    desk.answer = ({ event }) => ({ status: JSON.stringify(event.data).includes('"refused"') ? 503 : 200 });
    await start();
    for (let n = 0; n < 3; n += 1) await arrive(database, ...refused.map((from) => [from, 'refused'] as const));
    await until(() => desk.calls.length >= 6, 'nothing gets through, and it is taken for dead');
    await arrive(database, ['+1', 'other']);
    await until(() => texts(desk.at('hd')).includes('other'), 'another conversation');
    expect(new Set(desk.calls.map(({ id }) => id)).size).toBeLessThan(40);
  });

  it('parks what the destination refuses, with the reason, and goes on; a replay delivers it marked as such', async () => {
    let refuse = true;
    desk.answer = ({ event }) => ({ status: refuse && JSON.stringify(event.data).includes('"bad"') ? 422 : 200 });
    await start();
    await arrive(database, ['+1', 'bad'], ['+1', 'good']);
    await settled(database);
    expect(texts(desk.at('hd'))).toEqual(['bad', 'good']);
    const deliveries = new Deliveries(database);
    const { items } = await deliveries.list('hd', 'dead');
    expect(items).toMatchObject([
      { attempts: 5, failure: { code: 'content-refused', providerCode: '422', owner: 'agent' } },
    ]);

    refuse = false;
    desk.calls.length = 0;
    expect(await deliveries.replay('hd', { state: 'dead' })).toBe(1);
    await settled(database);
    expect(desk.calls).toMatchObject([{ id: items[0]!.eventId, replay: true }]);
    expect((await deliveries.list('hd', 'dead')).items).toEqual([]);
  });

  it.each([
    [410, 1],
    [401, 4],
    [404, 4],
  ])(
    'pauses a destination that answers %d after %d attempts, and goes on in order when it is resumed',
    async (status, attempts) => {
      await destination('other');
      desk.answer = ({ path }) => ({ status: path === '/hd' ? status : 200 });
      await start();
      await arrive(database, ['+1', 'a'], ['+1', 'b']);
      await until(async () => {
        const [row] = await database.query<{ state: string }>(`select state from destination where id = 'hd'`);
        return row!.state === 'paused';
      }, 'the pause');
      expect(desk.at('hd')).toHaveLength(attempts);
      await arrive(database, ['+2', 'c']);
      await until(() => desk.at('other').length === 3, 'the other destination');
      expect(desk.at('hd')).toHaveLength(attempts);
      const [row] = await database.query<{ paused_reason: string }>(
        `select paused_reason from destination where id = 'hd'`,
      );
      expect(row!.paused_reason).toContain(String(status));

      desk.answer = () => ({ status: 200 });
      desk.calls.length = 0;
      await new Deliveries(database).resume('hd');
      await settled(database);
      expect(texts(desk.at('hd')).filter((text) => text !== 'c')).toEqual(['a', 'b']);
      expect(texts(desk.at('hd'))).toContain('c');
    },
  );

  it.each([
    [404, 'pauses'],
    [400, 'parks'],
  ])('counts an outage neither before nor between answers %d, of which a few in a row %s', async (status, does) => {
    const answers = [503, 503, 503, 503, status, 503, status, 200];
    desk.answer = () => ({ status: answers.shift() ?? 200 });
    await start();
    await arrive(database, ['+1', 'a']);
    await settled(database);
    const { items } = await new Deliveries(database).list('hd', 'delivered');
    expect([does, items]).toMatchObject([does, [{ attempts: 8 }]]);
  });

  it('holds the whole destination at 429 for as long as it asks, and no other', async () => {
    await destination('other');
    let throttled = 0;
    desk.answer = ({ path }) =>
      path === '/hd' && (throttled += 1) === 1 ? { status: 429, headers: { 'retry-after': '3600' } } : { status: 200 };
    const rules = {
      ...HASTY,
      afterDelivery: () => ({ ...LATER, scope: 'target' as const }),
    };
    await start({ rules });
    await arrive(database, ['+1', 'a']);
    await until(() => desk.at('hd').length === 1, 'the first attempt');
    await arrive(database, ['+2', 'b'], ['+3', 'c'], ['+1', 'd']);
    await until(() => desk.at('other').length === 4, 'the other destination');
    expect(desk.at('hd')).toHaveLength(1);
    expect(setup!.relay.board.rows).toBe(0);
    await until(async () => (await outboxCount(database)) === 4, 'only its own entries wait');
    expect(desk.at('hd')).toHaveLength(1);
  });

  it('delivers at once what waited because the destination was down, when it is back', async () => {
    desk.answer = () => ({ status: 503 });
    const rules = {
      ...HASTY,
      afterDelivery: () => ({ ...LATER, scope: 'item' as const }),
    };
    await start({ rules });
    await arrive(database, ...Array.from({ length: 8 }, (_, n) => [`+${n}`, `m${n}`] as const));
    await until(() => setup!.seen.filter(({ outcome }) => outcome === 'retry').length === 8, 'all have failed');
    desk.answer = () => ({ status: 200 });
    await arrive(database, ['+9', 'm9']);
    await settled(database);
    expect(desk.calls).toHaveLength(17);
  });

  it('leaves no more than the front of a backlog in memory, and none of a destination that is down', async () => {
    const room = { lane: 4, target: 10 };
    desk.answer = () => ({ status: 503 });
    await start({ room });
    const lines = Array.from({ length: 60 }, (_, n) => [`+${n % 20}`, `m${n}`] as const);
    await arrive(database, ...lines);
    await until(() => setup!.seen.filter(({ outcome }) => outcome === 'retry').length >= 5, 'five failures');
    await until(() => setup!.relay.board.rows <= room.target, 'little in memory');
    expect(desk.most).toBeLessThanOrEqual(32);

    desk.answer = () => ({ status: 200 });
    let most = 0;
    await until(async () => {
      most = Math.max(most, setup!.relay.board.rows);
      return (await outboxCount(database)) === 0;
    }, 'the backlog is gone');
    expect(most).toBeLessThanOrEqual(room.target + 20 * room.lane);
    for (let n = 0; n < 20; n += 1) {
      const own = texts(desk.at('hd')).filter((text) => Number(text.slice(1)) % 20 === n);
      expect(own).toEqual([`m${n}`, `m${n + 20}`, `m${n + 40}`]);
    }
  });

  it('reads a long lane in pieces, in order, without doubling anything', async () => {
    await start({ room: { lane: 4, target: 8 } });
    await arrive(database, ...Array.from({ length: 50 }, (_, n) => ['+1', `m${n}`] as const));
    await arrive(database, ...Array.from({ length: 50 }, (_, n) => ['+2', `n${n}`] as const));
    await settled(database);
    expect(desk.at('hd')).toHaveLength(100);
    for (const letter of ['m', 'n']) {
      const own = texts(desk.at('hd')).filter((text) => text.startsWith(letter));
      expect(own).toEqual(Array.from({ length: 50 }, (_, n) => `${letter}${n}`));
    }
  });

  it('keeps the ticket that an answer names, for that destination only, without an event', async () => {
    await destination('crm');
    desk.answer = ({ path }) => ({
      status: 200,
      body: path === '/hd' ? { reference: { ticketId: '4711', url: 'https://t/1' } } : {},
    });
    await start();
    await arrive(database, ['+1', 'a']);
    await settled(database);
    const [before] = await database.query<{ n: number }>('select count(*)::int as n from event');
    expect(await database.query('select destination_id, ticket_id, url from reference')).toEqual([
      { destination_id: 'hd', ticket_id: '4711', url: 'https://t/1' },
    ]);
    desk.answer = () => ({ status: 200, body: { reference: { ticketId: '4712' } } });
    await arrive(database, ['+1', 'b']);
    await settled(database);
    const references = await database.query('select destination_id, ticket_id from reference order by 1');
    expect(references).toEqual([
      { destination_id: 'crm', ticket_id: '4712' },
      { destination_id: 'hd', ticket_id: '4712' },
    ]);
    const [after] = await database.query<{ n: number }>('select count(*)::int as n from event');
    expect(after!.n - before!.n).toBe(1);
    const seen = desk.at('crm').at(-1)!.event.data?.conversation?.references;
    expect(seen).toEqual([]);
  });

  it('waits for what is under way when it is drained, and gives its partitions back', async () => {
    desk.answer = () => 'hang';
    await start();
    await arrive(database, ['+1', 'a'], ['+1', 'b']);
    await until(() => desk.calls.length === 1, 'the delivery begins');
    const drained = setup!.stop();
    setTimeout(() => desk.release(), 50);
    await drained;
    setup = undefined;
    expect(texts(desk.at('hd'))).toEqual(['a']);
    expect(await outboxCount(database)).toBe(1);
    const held = await database.query('select name from lease where expires_at > clock_timestamp()');
    expect(held).toEqual([]);
  });
});

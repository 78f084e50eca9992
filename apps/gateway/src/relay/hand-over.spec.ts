import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { HandOver, Intake } from '#conversations';
import { type Database } from '#database';
import { describeOnPostgres } from '#database/testing';
import { Desk, postConnector } from './testing/desk.js';
import {
  addDestination,
  FakeDirectory,
  type Line,
  reset,
  settled,
  type Setup,
  startRelay,
  STORE,
  take,
  texts,
  until,
} from './testing/harness.js';

const PEOPLE = ['+1', '+2', '+3', '+4'];

describeOnPostgres('what intake hands over to the relay of its process', (open) => {
  let database: Database;
  let desk: Desk;
  let directory: FakeDirectory;
  let setup: Setup | undefined;
  /** In the relay's process, and in another one that tells nobody. */
  let here: Intake;
  let elsewhere: Intake;

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
  afterEach(() => setup?.stop());

  /** Starts the relay; everybody has written once before. */
  const start = async (room = { lane: 64, target: 2_000 }): Promise<void> => {
    const handOver = new HandOver();
    [here, elsewhere] = [new Intake(database, { handOver }), new Intake(database)];
    await take(elsewhere, ...PEOPLE.map((from): Line => [from, 'hello']));
    setup = await startRelay(database, directory, { handOver, room });
    await settled(database);
    desk.calls.length = 0;
  };
  const arrived = (): string[] => texts(desk.at('hd'));

  /** While it works a writer is under way that has told nobody what it wrote: nothing behind it can be read in order. */
  const whileSomebodyWrites = (work: () => Promise<void>): Promise<void> =>
    database.transaction(async (sql) => {
      await sql.query('lock table outbox in row exclusive mode');
      await work();
    });

  it('goes out without being read from the outbox', async () => {
    await start();
    await whileSomebodyWrites(async () => {
      for (let n = 0; n < 3; n += 1) await take(here, ...PEOPLE.map((from): Line => [from, `${from} ${n}`]));
      await until(() => arrived().length === 12, 'everything arrived');
    });
    await settled(database);
    for (const from of PEOPLE)
      expect(arrived().filter((text) => text.startsWith(from))).toEqual([0, 1, 2].map((n) => `${from} ${n}`));
  });

  it('waits for what another process put into the same lane before', async () => {
    await start();
    await whileSomebodyWrites(async () => {
      await take(elsewhere, ['+1', 'first']);
      await take(here, ['+1', 'second'], ['+2', 'of another']);
      await until(() => arrived().includes('of another'), 'the other lane goes on');
      expect(arrived()).toEqual(['of another']);
    });
    await settled(database);
    expect(arrived().filter((text) => text !== 'of another')).toEqual(['first', 'second']);
  });

  it('is read again after its destination failed, and nothing is lost or overtaken', async () => {
    await start();
    let failures = 3;
    desk.answer = () => ({ status: (failures -= 1) >= 0 ? 500 : 200 });
    await whileSomebodyWrites(async () => {
      await take(here, ['+1', 'a'], ['+1', 'b'], ['+1', 'c']);
      await until(() => desk.calls.length > 0, 'an attempt');
    });
    await settled(database);
    expect(arrived()).toEqual(['a', 'b', 'c']);
  });

  it('does not hide what another process wrote while there was no room', async () => {
    await start({ lane: 64, target: 4 });
    desk.answer = () => 'hang';
    await whileSomebodyWrites(async () => {
      await take(here, ...PEOPLE.map((from): Line => [from, `${from} a`]));
      await until(() => desk.calls.length === 4, 'all lanes are under way');
      await take(here, ['+1', '+1 b'], ['+1', '+1 c'], ['+2', '+2 b'], ['+2', '+2 c']);
      await take(elsewhere, ['+3', '+3 b']);
      await take(here, ['+4', '+4 b'], ['+3', '+3 c']);
    });
    desk.answer = () => ({ status: 200 });
    desk.release();
    await settled(database);
    const of = (from: string): string[] => arrived().filter((text) => text.startsWith(from));
    expect(PEOPLE.map(of)).toEqual([
      ['+1 a', '+1 b', '+1 c'],
      ['+2 a', '+2 b', '+2 c'],
      ['+3 a', '+3 b', '+3 c'],
      ['+4 a', '+4 b'],
    ]);
  });

  it('leaves to the reader what no lock keeps in order: events of a contact alone', async () => {
    await start();
    await database.query(`update destination set filter_events = null`);
    const sender = { handles: [{ scheme: 'phone', scope: '', value: '+1', proof: 'channel' as const }] };
    await whileSomebodyWrites(async () => {
      await here.accept('sms', [{ kind: 'opted-out', dedupeKey: 'stop', thread: '+1', sender }]);
      await take(here, ['+2', 'a']);
      await until(() => desk.calls.length > 0, 'the other');
    });
    await settled(database);
    expect(desk.calls.map(({ event }) => event.type)).toEqual(['message.received', 'contact.opted-out']);
  });

  it('arrives in order, whoever stores what, whatever fails, however little room there is', async () => {
    const one = fc.record({ here: fc.boolean(), from: fc.nat(3), many: fc.integer({ min: 1, max: 4 }) });
    const shape = { steps: fc.array(one, { minLength: 20, maxLength: 60 }), failing: fc.infiniteStream(fc.nat(9)) };
    await fc.assert(
      fc.asyncProperty(fc.record({ ...shape, lane: fc.constantFrom(1, 2, 64) }), async ({ steps, failing, lane }) => {
        await start({ lane, target: lane * 3 });
        desk.answer = () => ({ status: failing.next().value! > 7 ? 503 : 200 });
        let count = 0;
        const sent: Line[] = [];
        for (const step of steps) {
          const lines = Array.from({ length: step.many }, (): Line => [PEOPLE[step.from]!, `m${(count += 1)}`]);
          sent.push(...lines);
          await take(step.here ? here : elsewhere, ...lines);
        }
        database.hint('outbox');
        await settled(database);
        await setup?.stop();
        for (const from of PEOPLE) {
          const theirs = sent.flatMap(([who, text]) => (who === from ? text : []));
          expect(arrived().filter((text) => theirs.includes(text))).toEqual(theirs);
        }
        await reset(database);
        await addDestination(database, 'hd');
      }),
      { numRuns: 12 },
    );
  }, 120_000);
});

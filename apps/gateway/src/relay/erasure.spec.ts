import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from '@jest/globals';
import { eraseContact, HandOver, heeded, Intake, Replies } from '#conversations';
import type { Database, Sql } from '#database';
import { describeOnEveryDatabase } from '#database/testing';
import { Desk, post, postConnector } from './testing/desk.js';
import {
  addDestination,
  FakeDirectory,
  outboxCount,
  reset,
  settled,
  type Setup,
  startRelay,
  STORE,
  take,
  texts,
  until,
} from './testing/harness.js';

describeOnEveryDatabase('what an erasure finds on its way out', (open) => {
  let database: Database;
  let desk: Desk;
  let directory: FakeDirectory;
  let setup: Setup | undefined;
  let intake: Intake;

  beforeAll(async () => void ([database, desk] = await Promise.all([open(STORE), Desk.start()])));
  afterAll(() => desk.stop());
  beforeEach(async () => {
    await reset(database);
    await database.query('truncate erasure, erasure_seen');
    desk.calls.length = 0;
    desk.answer = () => ({ status: 200 });
    directory = new FakeDirectory();
    await addDestination(database, 'hd');
    directory.addDestination('hd', postConnector as never, { url: `${desk.url}/hd` });
    directory.addAccount('sms', {
      type: 'fake',
      capabilities: { idempotentSend: false } as never,
      ingress: {} as never,
      send: async (unit: { id: string; text: string }, { signal }: { signal: AbortSignal }) => {
        await post(`${desk.url}/out`, { id: unit.id, body: { data: { message: { text: unit.text } } }, signal });
        return { externalIds: [] };
      },
    } as never);
  });
  afterEach(async () => {
    desk.release();
    await setup?.stop();
  });

  const start = async (relayOn: Database = database): Promise<void> => {
    const handOver = new HandOver();
    intake = new Intake(database, { handOver });
    setup = await startRelay(relayOn, directory, { handOver });
    await until(() => handOver.after !== null, 'the relay to read');
  };
  const contactOf = async (phone: string): Promise<string> => {
    const [row] = await database.query<{ id: string }>('select contact_id as id from handle where value = $1', [phone]);
    return row!.id;
  };
  const erase = async (phone: string): Promise<number> => {
    const id = await contactOf(phone);
    const erased = await database.transaction((sql) => eraseContact(sql, id, { by: 'k' }));
    return erased!.position;
  };
  const arrived = (at = 'hd'): string[] => texts(desk.at(at));
  const answer = (conversationId: string, text: string) => {
    const channels = {
      fit: () => [{ index: 0, count: 1, parts: [{ type: 'text', text }], text }],
      rules: () => ({ type: 'fake', enabled: true, hosted: false, window: null, initiate: [], parts: ['text'], limits: {} }),
      accountsOf: () => [],
    }; // prettier-ignore
    return database.transaction((sql: Sql) =>
      new Replies(database, channels as never).reply(sql, conversationId, { text } as never),
    );
  };

  it('is not delivered: neither what waits behind a delivery, nor what a run under way had before it', async () => {
    await start();
    desk.answer = () => 'hang';
    await take(intake, ['+1', 'one'], ['+1', 'two'], ['+1', 'three']);
    await take(intake, ['+2', 'of another']);
    await until(() => desk.calls.length === 2, 'both lanes are under way');
    await take(intake, ['+1', 'four']);
    const position = await erase('+1');
    database.hint('outbox');
    expect(await heeded(database, position, 20_000)).toBe(true);
    desk.answer = () => ({ status: 200 });
    desk.release();
    await take(intake, ['+2', 'later']);
    await until(() => arrived().includes('later'), 'the others go on');
    await settled(database);
    expect(arrived().sort()).toEqual(['later', 'of another', 'one']);
  });

  it('is not tried again: neither an event nor a message to the customer', async () => {
    await start();
    const failing = { status: 500 };
    desk.answer = ({ event }) => ((event.data as { message: { text: string } }).message.text === 'fine' ? { status: 200 } : failing); // prettier-ignore
    await take(intake, ['+1', 'one']);
    const [conversation] = await database.query<{ id: string }>('select id from conversation');
    await answer(conversation!.id, 'answer');
    await answer(conversation!.id, 'answer, too');
    database.hint('outbox');
    await until(() => desk.at('out').length > 0 && desk.at('hd').length > 0, 'both were tried');
    const position = await erase('+1');
    database.hint('outbox');
    expect(await heeded(database, position, 20_000)).toBe(true);
    desk.answer = () => ({ status: 200 });
    const tried = desk.calls.length;
    await take(intake, ['+2', 'fine']);
    await until(() => arrived().includes('fine'), 'the others go on');
    await settled(database);
    expect(desk.calls.slice(tried).map(({ event }) => (event.data as { message: { text: string } }).message.text)).toEqual(['fine']); // prettier-ignore
    expect(await outboxCount(database)).toBe(0);
  });

  it('is learned of without any hint, by the next look', async () => {
    const deaf = Object.assign(Object.create(database) as Database, { onHint: () => () => undefined });
    await start(deaf);
    desk.answer = () => 'hang';
    await take(intake, ['+1', 'one'], ['+1', 'two']);
    await until(() => desk.calls.length === 1, 'it is under way');
    expect(await heeded(database, await erase('+1'), 20_000)).toBe(true);
    desk.answer = () => ({ status: 200 });
    desk.release();
    await settled(database);
    expect(arrived()).toEqual(['one']);
  });

  it('waits for a relay that is alive, and not for one that is not', async () => {
    await start();
    await take(intake, ['+1', 'one']);
    await settled(database);
    await database.query(
      `insert into lease (name, holder, expires_at) values ('relay:mute', 'mute', now() + interval '1 hour')`,
    );
    const position = await erase('+1');
    database.hint('outbox');
    expect(await heeded(database, position, 300)).toBe(false);
    await database.query(`update lease set expires_at = now() where name = 'relay:mute'`);
    expect(await heeded(database, position, 20_000)).toBe(true);
  });

  it('is not handed over after the relay has heeded the erasure', async () => {
    if (database.kind === 'embedded') return; // one connection: nobody writes beside it
    const handOver = new HandOver();
    const late: (() => void)[] = [];
    const slow = Object.assign(Object.create(handOver) as HandOver, {
      give: (...given: Parameters<HandOver['give']>) => {
        late.push(() => void handOver.give(...given));
        return true;
      },
    });
    intake = new Intake(database, { handOver: slow });
    setup = await startRelay(database, directory, { handOver });
    await until(() => handOver.after !== null, 'the relay to read');
    // Behind a writer that has told nobody what it wrote the relay reads nothing: it must be handed over, or wait.
    await database.transaction(async (sql) => {
      await sql.query('lock table outbox in row exclusive mode');
      await take(intake, ['+1', 'late']);
      await until(() => late.length > 0, 'it was stored');
      expect(await heeded(database, await erase('+1'), 20_000)).toBe(true);
      late.forEach((give) => give());
      await new Promise((resolve) => setTimeout(resolve, 50));
    });
    expect(desk.calls).toEqual([]);
  });
});

import { afterAll, beforeAll, beforeEach, expect, it } from '@jest/globals';
import type { Database } from '#database';
import { describeOnEveryDatabase } from '#database/testing';
import type { FirstMessageInput, Message, ProviderFailure, ReplyInput } from '#normalizer';
import { Intake } from '../intake/intake.js';
import { prune } from '../outbox/retention.js';
import type { StoredItem } from '../ports.js';
import { addAccount, FakeChannels, message, STORE } from '../testing/store.js';
import { Replies } from './replies.js';
import { Schedule } from './schedule.js';

const mail = { namesLast: true, subject: true, automaticPerHour: 1 };
const channels = new FakeChannels({ mail, twice: { ...mail, automaticPerHour: 2 }, chat: {} });
const author = { name: 'Bot', kind: 'bot' as const };

describeOnEveryDatabase('answers of bots, where programs answer each other', (open) => {
  let database: Database;
  let intake: Intake;
  let replies: Replies;
  let person: string;
  let phone = 13_800_000_000;

  beforeAll(async () => {
    database = await open(STORE);
    for (const id of ['mail', 'twice']) await addAccount(database, { id, continuity: 'thread' });
    await addAccount(database, { id: 'chat' });
    [intake, replies] = [new Intake(database), new Replies(database, channels)];
  });
  beforeEach(() => {
    phone += 1;
    person = `+86${phone}`;
  });
  afterAll(() => database.close());

  /** Each in a thread, and so a conversation, of its own. */
  const write = async (thread: string, { account = 'mail', from = person, ...more } = {}): Promise<StoredItem> =>
    (await intake.accept(account, [
      { ...message(from, 'hi'), thread: `${thread} of ${from}`, externalIds: [`${account} ${thread} ${from}`], ...more },
    ]))[0]!; // prettier-ignore
  const reply = ({ conversationId, threadId }: StoredItem, input: Partial<ReplyInput> = { author }): Promise<Message> =>
    database.transaction((sql) =>
      replies.reply(sql, conversationId!, { text: 'answer', via: { threadId: threadId! }, ...input }),
    );
  const hoursAgo = (hours: number) =>
    database.query(
      `update automatic_answer set at = array(select x - make_interval(mins => $1) from unnest(at) x), last = last - make_interval(mins => $1)`,
      [hours * 60],
    );

  it('never go to what a machine wrote, whatever it is called; those of people do', async () => {
    const { conversationId, threadId } = await write('a', { automated: true } as object);
    const answered = { conversationId, threadId } as StoredItem;
    await expect(reply(answered)).rejects.toMatchObject({ code: 'content-refused' });
    expect((await reply(answered, {})).status).toBe('queued');
    await write('a');
    await write('a', { automated: true, externalIds: [] } as object);
    await expect(reply(answered)).rejects.toMatchObject({ code: 'content-refused' });
    await write('a');
    expect((await reply(answered)).status).toBe('queued');
  });

  it('go to a person once an hour, over all of their threads; people answer as often as they like', async () => {
    const [one, two] = [await write('a'), await write('b')];
    expect((await reply(one)).status).toBe('queued');
    for (const again of [one, two]) {
      const refused = (await reply(again).catch((error: unknown) => error)) as ProviderFailure;
      expect(refused).toMatchObject({ code: 'throttled', message: expect.stringContaining('within the hour') });
      expect(refused.retryAfterMs).toBeGreaterThan(3_500_000);
      expect(refused.retryAfterMs).toBeLessThanOrEqual(3_600_000);
    }
    expect((await reply(two, {})).status).toBe('queued');
    expect((await reply(await write('a', { from: `${person}1` }))).status).toBe('queued');
    await hoursAgo(1.1);
    expect((await reply(two)).status).toBe('queued');
    await expect(reply(one)).rejects.toMatchObject({ code: 'throttled' });
  });

  it('are counted by account, as often as it says, and nowhere else', async () => {
    const twice = await write('a', { account: 'twice' });
    expect((await reply(await write('a'))).status).toBe('queued');
    expect([(await reply(twice)).status, (await reply(twice)).status]).toEqual(['queued', 'queued']);
    await expect(reply(twice)).rejects.toMatchObject({ code: 'throttled' });
    const chat = await write('a', { account: 'chat', automated: true } as object);
    expect([(await reply(chat)).status, (await reply(chat)).status]).toEqual(['queued', 'queued']);
  });

  it('take one turn, however many ask for it at once', async () => {
    const items = [await write('a'), await write('b'), await write('c'), await write('d')];
    await reply(items[0]!);
    await hoursAgo(1.1);
    const asked = await Promise.allSettled(items.map((item) => reply(item)));
    expect(asked.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    await hoursAgo(1.1);
    const turns = await Promise.all(
      Array.from({ length: 8 }, (_, i) =>
        database.transaction((sql) => sql.query('select count_automatic($1, 1) as next', [items[i % 4]!.threadId])),
      ),
    );
    expect(turns.flat().filter(({ next }) => next === null)).toHaveLength(1);
  });

  it('that were not stored took no turn, and those that are to go later take it then', async () => {
    const item = await write('a');
    const undone = database.transaction(async (sql) => {
      await replies.reply(sql, item.conversationId!, { text: 'answer', author });
      throw new Error('undone');
    });
    await expect(undone).rejects.toThrow('undone');
    const later = await reply(item, { author, sendAt: new Date(Date.now() + 60_000).toISOString() });
    expect((await reply(item)).status).toBe('queued');
    await database.query(`update message set send_at = now() where id = $1`, [later.id]);
    await new Schedule(database, channels).enqueueDue();
    const [stored] = await database.query(`select status, failure->>'code' as code from message where id = $1`, [
      later.id,
    ]);
    expect(stored).toEqual({ status: 'failed', code: 'throttled' });
  });

  it('are no news: what a program begins with a subject of its own goes as often as it likes', async () => {
    await reply(await write('a'));
    const first = { accountId: 'mail', to: { handle: { scheme: 'phone', value: person } }, text: 'sent', author };
    const begin = () =>
      database.transaction((sql) => replies.writeFirst(sql, { ...first, subject: 'Order 1' } as FirstMessageInput));
    expect([(await begin()).status, (await begin()).status]).toEqual(['queued', 'queued']);
    // Who answers each mail with a new one answers all the same.
    await write('b', { automated: true } as object);
    await expect(begin()).rejects.toMatchObject({ code: 'throttled' });
    await hoursAgo(1.1);
    expect((await begin()).status).toBe('queued');
  });

  it('are forgotten after the hour for which they count', async () => {
    await reply(await write('a'));
    const rows = () => database.query('select person from automatic_answer');
    await prune(database);
    const kept = await rows();
    expect(kept.length).toBeGreaterThan(0);
    expect(JSON.stringify(kept)).not.toContain(person);
    await hoursAgo(2);
    await prune(database);
    expect(await rows()).toEqual([]);
  });
});

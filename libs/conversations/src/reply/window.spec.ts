import { afterAll, beforeAll, expect, it } from '@jest/globals';
import type { Database } from '#database';
import { describeOnEveryDatabase } from '#database/testing';
import type { Message, ReplyInput } from '#normalizer';
import { Intake } from '../intake/intake.js';
import { addAccount, FakeChannels, message, STORE } from '../testing/store.js';
import { Replies } from './replies.js';

const channels = new FakeChannels({ windowed: { window: { hours: 48, messages: 2 } } });
const template = { type: 'template' as const, name: 'order', values: {} };

describeOnEveryDatabase('the reply window', (open) => {
  let database: Database;
  let intake: Intake;
  let replies: Replies;

  beforeAll(async () => {
    database = await open(STORE);
    await addAccount(database, { id: 'windowed' });
    [intake, replies] = [new Intake(database), new Replies(database, channels)];
  });
  afterAll(() => database.close());

  const arrive = async (person: string, over: object = {}): Promise<string> => {
    const [stored] = await intake.accept('windowed', [{ ...message(person, 'hi'), ...over }]);
    return stored!.conversationId!;
  };
  const reply = (conversationId: string, input: Partial<ReplyInput>): Promise<Message> =>
    database.transaction((sql) => replies.reply(sql, conversationId, input as ReplyInput));
  const left = async (conversationId: string): Promise<unknown> => {
    const [state] = await database.transaction((sql) => replies.sendability(sql, conversationId));
    return [state!.canSend, state!.remaining];
  };

  it('is neither needed nor used up by templates', async () => {
    const conversation = await arrive('+8613900001001');
    await reply(conversation, { parts: [template, template, template] });
    expect(await left(conversation)).toEqual([true, 2]);
    await reply(conversation, { parts: [{ type: 'text', text: 'one' }, template] });
    expect(await left(conversation)).toEqual([true, 1]);
    await reply(conversation, { text: 'two' });
    expect(await left(conversation)).toEqual([false, 0]);
    await expect(reply(conversation, { parts: [{ type: 'text', text: 'three' }, template] })).rejects.toMatchObject({
      code: 'window-closed',
    });
    expect((await reply(conversation, { parts: [template] })).status).toBe('queued');
    await database.query(`update thread set last_inbound_at = now() - interval '49 h'`);
    expect((await reply(conversation, { parts: [template] })).status).toBe('queued');
  });

  it('is not opened by what nobody wrote', async () => {
    const person = '+8613900001002';
    const conversation = await arrive(person, { automated: true });
    expect(await left(conversation)).toEqual([false, 2]);
    await arrive(person);
    await reply(conversation, { text: 'one' });
    await arrive(person, { automated: true });
    expect(await left(conversation)).toEqual([true, 1]);
    await arrive(person);
    expect(await left(conversation)).toEqual([true, 2]);
  });
});

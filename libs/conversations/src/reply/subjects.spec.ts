import { afterAll, beforeAll, expect, it } from '@jest/globals';
import type { Database } from '#database';
import { describeOnEveryDatabase } from '#database/testing';
import type { FirstMessageInput, FittedUnit, ReplyInput } from '#normalizer';
import { Intake } from '../intake/intake.js';
import { addAccount, FakeChannels, message, STORE } from '../testing/store.js';
import { Replies } from './replies.js';
import { Schedule } from './schedule.js';

class Subjects extends FakeChannels {
  override fit(accountId: string, given: Parameters<FakeChannels['fit']>[1] & { subject?: string }): FittedUnit[] {
    const { subject } = given;
    return super.fit(accountId, given).map((unit) => ({ ...unit, ...(subject !== undefined && { subject }) }));
  }
}
const channels = new Subjects({ mail: { namesLast: true, subject: true }, sms: {} });

describeOnEveryDatabase('subjects', (open) => {
  let database: Database;
  let intake: Intake;
  let replies: Replies;

  beforeAll(async () => {
    database = await open(STORE);
    for (const id of ['mail', 'sms']) await addAccount(database, { id, continuity: 'thread' });
    [intake, replies] = [new Intake(database), new Replies(database, channels)];
  });
  afterAll(() => database.close());

  const begin = (person: string, more: object = {}) =>
    database.transaction((sql) =>
      replies.writeFirst(sql, { accountId: 'mail', to: { handle: { scheme: 'phone', value: person } }, text: 'hi', ...more } as FirstMessageInput),
    ); // prettier-ignore
  const sent = async (messageId: string) => {
    const [unit] = await database.query<{ content: { subject?: string; replyTo?: string } }>(
      'select content from unit where message_id = $1',
      [messageId],
    );
    return { subject: unit?.content.subject, replyTo: unit?.content.replyTo };
  };

  it('of a first message are those of its conversation, and of all that follows', async () => {
    const first = await begin('+8613700000001', { subject: 'Your order' });
    expect(first.subject).toBe('Your order');
    expect(await sent(first.id)).toEqual({ subject: 'Your order', replyTo: undefined });
    const [conversation] = await database.query('select subject from conversation where id = $1', [
      first.conversationId,
    ]);
    expect(conversation).toEqual({ subject: 'Your order' });
    const later = await database.transaction((sql) =>
      replies.reply(sql, first.conversationId, { text: 'and', sendAt: new Date(Date.now() + 60_000).toISOString() } as ReplyInput),
    ); // prettier-ignore
    await database.query('update message set send_at = now() where id = $1', [later.id]);
    await new Schedule(database, channels).enqueueDue();
    expect(await sent(later.id)).toEqual({ subject: 'Your order', replyTo: undefined });
  });

  it('of their own begin something, and answer nothing', async () => {
    const person = '+8613700000002';
    await intake.accept('mail', [{ ...message(person, 'hi'), subject: 'Help', externalIds: ['m-1'] }]);
    expect(await sent((await begin(person)).id)).toEqual({ subject: 'Help', replyTo: 'm-1' });
    expect(await sent((await begin(person, { subject: 'News' })).id)).toEqual({ subject: 'News', replyTo: undefined });
    expect(await sent((await begin(person)).id)).toEqual({ subject: 'Help', replyTo: 'm-1' });
  });

  it('are refused where a channel has none', async () => {
    const asked = begin('+8613700000003', { accountId: 'sms', subject: 'News' });
    await expect(asked).rejects.toMatchObject({
      code: 'content-refused',
      message: expect.stringContaining('no subject'),
    });
  });
});

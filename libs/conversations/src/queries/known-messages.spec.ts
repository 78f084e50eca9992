import { afterAll, beforeAll, expect, it } from '@jest/globals';
import type { Database } from '#database';
import { describeOnEveryDatabase } from '#database/testing';
import type { ReplyInput } from '#normalizer';
import { Intake } from '../intake/intake.js';
import { Replies } from '../reply/replies.js';
import { addAccount, FakeChannels, message, STORE } from '../testing/store.js';
import { knownMessages } from './known-messages.js';

describeOnEveryDatabase('messages by the names that their provider gave them', (open) => {
  let database: Database;

  beforeAll(async () => {
    database = await open(STORE);
    for (const id of ['mail', 'other']) await addAccount(database, { id });
  });
  afterAll(() => database.close());

  it('are those of this account, which came or went, with whose they are', async () => {
    const person = '+8613700000009';
    const came = { ...message(person, 'hi'), thread: 'thread-1', externalIds: ['came', 'also'] };
    const [stored] = await new Intake(database).accept('mail', [came]);
    await new Intake(database).accept('other', [{ ...message(person, 'hi'), externalIds: ['theirs'] }]);
    const replies = new Replies(database, new FakeChannels({ mail: {} }));
    const answer = await database.transaction((sql) =>
      replies.reply(sql, stored!.conversationId!, { text: 'yes', via: { accountId: 'mail' } } as ReplyInput),
    );
    await database.query(
      `select settle_unit(id, 'sent', array['went'], null, clock_timestamp()) from unit where message_id = $1`,
      [answer.id],
    );
    const found = await knownMessages(database, 'mail', ['went', 'came', 'theirs', 'nobody', 'came', 'a\0b']);
    const handles = [{ scheme: 'phone', scope: '', value: person, proof: 'channel' }];
    const at = expect.any(Number);
    expect(found.sort((a, b) => a.direction.localeCompare(b.direction))).toEqual([
      { externalId: 'came', direction: 'inbound', thread: 'thread-1', handles, at },
      { externalId: 'went', direction: 'outbound', thread: 'thread-1', handles, at },
    ]);
    expect(Math.abs(found[0]!.at - Date.now())).toBeLessThan(600_000);
    expect(await knownMessages(database, 'mail', [])).toEqual([]);
  });
});

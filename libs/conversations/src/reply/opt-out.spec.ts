import { afterAll, beforeAll, expect, it } from '@jest/globals';
import type { Database } from '#database';
import { describeOnEveryDatabase } from '#database/testing';
import type { Message, ReplyInput } from '#normalizer';
import { Intake } from '../intake/intake.js';
import { addAccount, eventsOf, FakeChannels, message, receipt, STORE } from '../testing/store.js';
import { layNotice } from './notice.js';
import { Replies } from './replies.js';

const channels = new FakeChannels({ sms: {} });
const SAID = { code: 'opted-out', providerCode: '21610', message: 'Twilio 21610: the recipient replied STOP' };

describeOnEveryDatabase('a refusal that the provider knows of and we do not', (open) => {
  let database: Database;
  let intake: Intake;
  let replies: Replies;

  beforeAll(async () => {
    database = await open(STORE);
    await addAccount(database, { id: 'sms' });
    [intake, replies] = [new Intake(database), new Replies(database, channels)];
  });
  afterAll(() => database.close());

  const arrive = async (person: string): Promise<string> => {
    const [stored] = await intake.accept('sms', [message(person, 'hi')]);
    return stored!.conversationId!;
  };
  const reply = (conversationId: string): Promise<Message> =>
    database.transaction((sql) => replies.reply(sql, conversationId, { text: 'hello' } as ReplyInput));
  const settle = (messageId: string, failure: object, ids: readonly string[] = []) =>
    database.query(
      `select settle_unit(id, 'failed', $2::text[], $3::jsonb, clock_timestamp()) from unit where message_id = $1`,
      [messageId, ids, JSON.stringify(failure)],
    );
  const codeOf = async (conversationId: string) =>
    (await database.transaction((sql) => replies.sendability(sql, conversationId)))[0]?.code;
  /** What the relay is told when it begins with a message. */
  const verdictOf = async (messageId: string) => {
    await database.query(
      `insert into lease (name, holder, expires_at) values ('lane', 'us', now() + interval '1 h') on conflict do nothing`,
    );
    const [verdict] = await database.query(
      `select v.* from outbox o join unit u on u.id = o.item_id, lateral start_units('us', jsonb_build_array(jsonb_build_object(
         'position', o.position, 'lease', 'lane', 'token', 1, 'told', true))) v where u.message_id = $1`,
      [messageId],
    );
    return verdict;
  };
  const told = async (person: string) =>
    (await eventsOf(database)).filter(
      ({ type, data }) => type === 'contact.opted-out' && JSON.stringify(data['contact']).includes(person),
    );

  it('ends all answers until the person takes them again, and is told of once', async () => {
    const person = '+14155550201';
    const conversation = await arrive(person);
    const [first, second] = [await reply(conversation), await reply(conversation)];
    await settle(first.id, SAID);
    await settle(second.id, SAID);
    expect(await codeOf(conversation)).toBe('opted-out');
    await expect(reply(conversation)).rejects.toMatchObject({ code: 'opted-out' });
    expect(await told(person)).toMatchObject([{ data: { account: { id: 'sms' }, reason: SAID.message } }]);
    const { thread, sender } = message(person, 'START');
    await intake.accept('sms', [{ kind: 'opted-in', dedupeKey: 'start-1', thread, sender }]);
    expect(await codeOf(conversation)).toBeUndefined();
  });

  it('is asked for anew once the person has written: nobody tells when a block list forgets them', async () => {
    const person = '+14155550205';
    const conversation = await arrive(person);
    await settle((await reply(conversation)).id, SAID);
    expect(await codeOf(conversation)).toBe('opted-out');
    await arrive(person);
    expect(await codeOf(conversation)).toBeUndefined();
    await settle((await reply(conversation)).id, SAID);
    expect([await codeOf(conversation), (await told(person)).length]).toEqual(['opted-out', 2]);
  });

  it('ends all answers, too, where it lasts that there is no such person, until they write', async () => {
    const person = '+14155550207';
    const gone = { code: 'recipient-gone', providerCode: '5.1.1', message: 'there is no such recipient' };
    const conversation = await arrive(person);
    await settle((await reply(conversation)).id, gone);
    expect(await codeOf(conversation)).toBeUndefined();
    const [failing, waiting] = [await reply(conversation), await reply(conversation)];
    await settle(failing.id, { ...gone, lasting: true });
    expect(await codeOf(conversation)).toBe('recipient-gone');
    await expect(reply(conversation)).rejects.toMatchObject({ code: 'recipient-gone' });
    expect(await told(person)).toEqual([]);
    expect(await verdictOf(waiting.id)).toMatchObject({ verdict: 'skip', failure: { code: 'recipient-gone' } });
    await arrive(person);
    expect(await codeOf(conversation)).toBeUndefined();
    // What was sent before they wrote says nothing of them now.
    await settle(waiting.id, { ...gone, lasting: true });
    expect(await codeOf(conversation)).toBeUndefined();
  });

  it('not where they wrote by a clock that is slow, nor where they have read what is said to have come back', async () => {
    const person = '+14155550208';
    const gone = {
      code: 'recipient-gone',
      providerCode: '5.1.1',
      message: 'there is no such recipient',
      lasting: true,
    };
    const conversation = await arrive(person);
    await settle((await reply(conversation)).id, gone);
    expect(await codeOf(conversation)).toBe('recipient-gone');
    const occurredAt = new Date(Date.now() - 600_000).toISOString();
    await intake.accept('sms', [{ ...message(person, 'I am here'), occurredAt }]);
    expect(await codeOf(conversation)).toBeUndefined();
    const { id } = await reply(conversation);
    await database.query(
      `select settle_unit(id, 'read', '{}', null, clock_timestamp()) from unit where message_id = $1`,
      [id],
    );
    await settle(id, gone);
    expect(await codeOf(conversation)).toBeUndefined();
  });

  it.each([
    ['for good where it was their word', {}, 'opted-out'],
    ['until they write where nobody else can', { untilWritten: true }, undefined],
  ] as const)('that they told themselves holds %s', async (_what, more, code) => {
    const person = `+14155550206${code ? 1 : 2}`;
    const conversation = await arrive(person);
    const { thread, sender } = message(person, 'x');
    // Of the second in which they wrote.
    const occurredAt = `${new Date().toISOString().slice(0, 19)}Z`;
    await database.query(`update thread set last_inbound_at = $2 where external_id = $1`, [person, occurredAt]);
    await intake.accept('sms', [
      { kind: 'opted-out', dedupeKey: `out ${person}`, thread, sender, occurredAt, ...more },
    ]);
    expect(await codeOf(conversation)).toBe('opted-out');
    await arrive(person);
    expect(await codeOf(conversation)).toBe(code);
  });

  it('may come with a report', async () => {
    const person = '+14155550202';
    const conversation = await arrive(person);
    const { id } = await reply(conversation);
    await database.query(
      `select settle_unit(id, 'sent', '{SM-late}', null, clock_timestamp()) from unit where message_id = $1`,
      [id],
    );
    await intake.accept('sms', [receipt('SM-late', 'failed', { failure: SAID })]);
    expect([await codeOf(conversation), (await told(person)).length]).toEqual(['opted-out', 1]);
  });

  it('is none of now where the person has written since it was sent: they may have written START', async () => {
    const person = '+14155550216';
    const conversation = await arrive(person);
    const { id } = await reply(conversation);
    await database.query(
      `select settle_unit(id, 'sent', '{SM-before}', null, clock_timestamp()) from unit where message_id = $1`,
      [id],
    );
    await arrive(person);
    await intake.accept('sms', [receipt('SM-before', 'failed', { failure: SAID })]);
    expect([await codeOf(conversation), await told(person)]).toEqual([undefined, []]);
  });

  it('is asked about anew after a month: who cannot write back is not left out for ever', async () => {
    const person = '+14155550217';
    const conversation = await arrive(person);
    await settle((await reply(conversation)).id, SAID);
    const refusedFor = async (days: number) => {
      await database.query(
        `update thread set last_inbound_at = now() - interval '90 days', refused_at = now() - make_interval(days => $2)
         where external_id = $1`,
        [person, days],
      );
      const [thread] = await database.query<{ refused: boolean }>(
        'select is_refused(t) as refused from thread t where external_id = $1',
        [person],
      );
      return [thread!.refused, await codeOf(conversation)];
    };
    expect(await refusedFor(29)).toEqual([true, 'opted-out']);
    expect(await refusedFor(31)).toEqual([false, undefined]);
  });

  it('is none where it was we who refused: the person may have written START since', async () => {
    const person = '+14155550203';
    const conversation = await arrive(person);
    const { id } = await reply(conversation);
    await settle(id, { code: 'opted-out', message: 'the recipient asked not to be written to' });
    expect([await codeOf(conversation), await told(person)]).toEqual([undefined, []]);
  });

  it('may come with a code that was asked for, which leaves nothing else behind', async () => {
    const person = '+14155550204';
    const conversation = await arrive(person);
    const { sender } = message(person, 'x');
    await database.transaction((sql) =>
      layNotice(sql, channels, {
        ...{ accountId: 'sms', to: sender.handles[0]!, parts: [{ type: 'text', text: '4711' }], wanted: true },
        expiresAt: new Date(Date.now() + 60_000),
      }),
    );
    const [unit] = await database.query<{ message_id: string }>('select message_id from unit where expires_at > now()');
    await settle(unit!.message_id, { code: 'opted-out', message: 'a notice was not sent: opted-out' });
    expect([await codeOf(conversation), (await told(person)).length]).toEqual(['opted-out', 1]);
  });
});

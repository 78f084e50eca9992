import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { Database } from '#database';
import { describeOnEveryDatabase } from '#database/testing';
import type { Message, ReplyInput } from '#normalizer';
import { Intake } from '../intake/intake.js';
import { addAccount, FakeChannels, message, STORE } from '../testing/store.js';
import { Replies } from './replies.js';
import { Schedule } from './schedule.js';

const channels = new FakeChannels({ windowed: { window: { hours: 48, messages: 2 } }, other: {} });
const template = { type: 'template' as const, name: 'order', values: {} };

describeOnEveryDatabase('the reply window', (open) => {
  let database: Database;
  let intake: Intake;
  let replies: Replies;

  beforeAll(async () => {
    database = await open(STORE);
    for (const id of ['windowed', 'other']) await addAccount(database, { id });
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

  const settle = async (messageId: string, status: string, code?: string): Promise<void> => {
    const failure = code === undefined ? null : JSON.stringify({ code, message: code });
    await database.query(
      `select settle_unit(id, $2, '{}', $3::jsonb, clock_timestamp()) from unit where message_id = $1`,
      [messageId, status, failure],
    );
  };

  /** What the relay of a process that took over does with the first entry of a message. */
  const relay = async (messageId: string): Promise<void> => {
    await database.query(
      `insert into lease (name, holder, token, expires_at) values ('outbox:0', 'me', 1, now() + interval '1 min') on conflict do nothing`,
    );
    const [entry] = await database.query<{ position: number }>(
      `select position from outbox where item_id in (select id from unit where message_id = $1) order by position limit 1`,
      [messageId],
    );
    const item = { ...entry, lease: 'outbox:0', token: 1, told: false };
    const [start] = await database.query<{ verdict: string; failure: unknown }>(
      `select * from start_units('me', $1::jsonb)`,
      [JSON.stringify([item])],
    );
    const { verdict, failure } = start!;
    const result = verdict === 'skip' ? { result: 'unit', status: 'failed', failure } : { result: 'dropped' };
    await database.query(`select settle_outbox('me', $1::jsonb)`, [
      JSON.stringify([{ ...item, ...result, externalIds: [] }]),
    ]);
  };
  const unitsOf = async (messageId: string): Promise<unknown[]> => {
    const units = await database.query<{ unit: string }>(
      `select status || ' ' || coalesce(failure->>'code', 'null') as unit from unit where message_id = $1 order by superseded desc`,
      [messageId],
    );
    return units.map(({ unit }) => unit);
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
  });

  it('counts what is still on its way against the message that it will be taken to answer', async () => {
    const person = '+8613900001003';
    const conversation = await arrive(person);
    const { id } = await reply(conversation, { text: 'one' });
    await arrive(person);
    expect(await left(conversation)).toEqual([true, 1]);
    await settle(id, 'sent');
    expect(await left(conversation)).toEqual([true, 1]);
    await arrive(person);
    expect(await left(conversation)).toEqual([true, 2]);
  });

  it.each([
    ['content-refused', 2],
    ['throttled', 2],
    ['outcome-unknown', 1],
  ] as const)('gives back a place that the provider did not take: %s', async (code, remaining) => {
    const conversation = await arrive(`+86139000020${remaining}${code.length}`);
    const { id } = await reply(conversation, { text: 'one' });
    await settle(id, 'failed', code);
    expect(await left(conversation)).toEqual([true, remaining]);
    await settle(id, 'delivered');
    expect(await left(conversation)).toEqual([true, remaining]);
  });

  it('keeps the place of what was sent and failed afterwards, and gives back what was cancelled', async () => {
    const conversation = await arrive('+8613900001004');
    const sent = await reply(conversation, { text: 'one' });
    await settle(sent.id, 'sent');
    await settle(sent.id, 'failed', 'recipient-gone');
    expect(await left(conversation)).toEqual([true, 1]);
    const { id } = await reply(conversation, { text: 'two' });
    expect(await left(conversation)).toEqual([false, 0]);
    await database.transaction((sql) => replies.cancel(sql, id));
    expect(await left(conversation)).toEqual([true, 1]);
  });

  it('waits for nothing that was being sent when its process died and its message took another way', async () => {
    const person = '+8613900001008';
    const conversation = await arrive(person);
    const { id } = await reply(conversation, { text: 'one', fallback: [{ accountId: 'other', after: 60 }] });
    await database.query(`update unit set status = 'started', started_token = 0 where message_id = $1`, [id]);
    await database.query(`update message set fallback_at = now() where id = $1`, [id]);
    await new Schedule(database, channels).fallbackDue();
    await arrive(person);
    expect(await left(conversation)).toEqual([true, 1]);
    await relay(id);
    expect(await left(conversation)).toEqual([true, 1]);
    await arrive(person);
    expect(await left(conversation)).toEqual([true, 2]);
    expect(await unitsOf(id)).toEqual(['failed outcome-unknown', 'queued null']);
  });

  describe('that an event was granted', () => {
    const window = { seconds: 60, messages: 2 };
    const tap = { window, occurredAt: new Date().toISOString() };

    it('is open for so long and so much, and no longer', async () => {
      const person = '+8613900001005';
      const conversation = await arrive(person, tap);
      expect(await left(conversation)).toEqual([true, 2]);
      await reply(conversation, { text: 'one' });
      const { id } = await reply(conversation, { text: 'two' });
      expect(await left(conversation)).toEqual([false, 0]);
      await settle(id, 'failed', 'content-refused');
      expect(await left(conversation)).toEqual([true, 1]);
      await database.query(`update thread set granted_until = now() where external_id = $1`, [person]);
      expect(await left(conversation)).toEqual([false, 2]);
      await arrive(person, { ...tap, occurredAt: new Date(Date.now() - 61_000).toISOString() });
      expect((await left(conversation)) as unknown[]).toContain(false);
    });

    it('is used before that of the last message, and takes nothing away from it', async () => {
      const person = '+8613900001006';
      const conversation = await arrive(person);
      await arrive(person, tap);
      expect(await left(conversation)).toEqual([true, 4]);
      await reply(conversation, { parts: ['one', 'two', 'three'].map((text) => ({ type: 'text' as const, text })) });
      expect(await left(conversation)).toEqual([true, 1]);
      await database.query(`update thread set granted_until = now() where external_id = $1`, [person]);
      expect(await left(conversation)).toEqual([true, 1]);
    });

    it('is opened by who follows, as well', async () => {
      const person = '+8613900001007';
      const conversation = await arrive(person, { automated: true });
      const { thread, sender } = message(person, 'x');
      await intake.accept('windowed', [{ kind: 'opted-in', dedupeKey: `follow ${person}`, thread, sender, window }]);
      expect(await left(conversation)).toEqual([true, 2]);
    });
  });
});

import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import type { Database } from '#database';
import { describeOnEveryDatabase } from '#database/testing';
import type { FirstMessageInput, Message, ReplyInput } from '#normalizer';
import { Intake } from '../intake/intake.js';
import type { StoredItem } from '../ports.js';
import { addAccount, addDestination, eventsOf, FakeChannels, message, receipt, STORE } from '../testing/store.js';
import { Replies } from './replies.js';
import { Schedule } from './schedule.js';

const channels = new FakeChannels({
  sms: {},
  sms2: { type: 'sms-twilio' },
  buttons: {},
  web: { type: 'webchat', hosted: true, initiate: [] },
  windowed: { window: { hours: 48, messages: 2 }, initiate: [] },
  off: { enabled: false },
  mail: { namesLast: true },
});

describeOnEveryDatabase('replies', (open) => {
  let database: Database;
  let intake: Intake;
  let replies: Replies;
  let schedule: Schedule;
  let person: string;
  let phone = 13_900_000_000;

  beforeAll(async () => {
    database = await open(STORE);
    for (const id of ['sms', 'buttons', 'windowed', 'off', 'mail']) await addAccount(database, { id });
    await addAccount(database, { id: 'sms2', type: 'sms-twilio' });
    await addAccount(database, { id: 'web', type: 'webchat', hosted: true });
    await addDestination(database, { id: 'all' });
  });
  beforeEach(() => {
    intake = new Intake(database);
    replies = new Replies(database, channels);
    schedule = new Schedule(database, channels);
    phone += 1;
    person = `+86${phone}`;
  });
  afterAll(() => database.close());

  const arrive = async (account: string, text = 'hi'): Promise<StoredItem> =>
    (await intake.accept(account, [message(person, text)]))[0]!;
  const reply = (conversationId: string | null, input: Partial<ReplyInput>): Promise<Message> =>
    database.transaction((sql) =>
      replies.reply(sql, conversationId!, { ...(!input.parts && { text: 'answer' }), ...input } as ReplyInput),
    );
  const first = (input: FirstMessageInput): Promise<Message> =>
    database.transaction((sql) => replies.writeFirst(sql, input));
  const units = (messageId: string) =>
    database.query<{ id: string; account_id: string; status: string; content: { text: string } }>(
      `select u.id, u.account_id, u.status, u.content from unit u join outbox o on o.item_id = u.id and o.kind = 'unit' where u.message_id = $1 order by o.position`,
      [messageId],
    );
  const settle = (
    unitId: string,
    status: string,
    { failure, externalIds = [] }: { failure?: object; externalIds?: string[] } = {},
  ) =>
    database.query('select settle_unit($1, $2, $3, $4::jsonb, clock_timestamp())', [
      unitId,
      status,
      externalIds,
      failure ? JSON.stringify(failure) : null,
    ]);
  const statusOf = async (id: string) =>
    (
      await database.query<{ status: string; failure: { code: string } | null }>(
        'select status, failure from message where id = $1',
        [id],
      )
    )[0]!;
  const tell = async (conversationId: string | null) =>
    (await eventsOf(database, conversationId)).map(({ type }) => type);

  it('queues one unit and one outbox row per provider message, in one lane, in order', async () => {
    const { conversationId } = await arrive('sms');
    const answer = await reply(conversationId, {
      parts: [
        { type: 'text', text: 'one' },
        { type: 'text', text: 'two' },
      ],
      author: { kind: 'agent', name: 'Wang' },
    });
    expect(answer).toMatchObject({
      conversationId,
      sequence: 2,
      direction: 'outbound',
      status: 'queued',
      text: 'one\ntwo',
      author: { kind: 'agent', name: 'Wang' },
    });
    expect((await units(answer.id)).map(({ content }) => content.text)).toEqual(['one', 'two']);
    const lanes = await database.query<{ lane: string }>(
      `select distinct lane from outbox o join unit u on u.id = o.item_id where u.message_id = $1`,
      [answer.id],
    );
    expect(lanes).toHaveLength(1);
    expect(await tell(conversationId)).toEqual(['conversation.opened', 'message.received', 'message.queued']);
  });

  it('sends on a hosted channel when it commits', async () => {
    const { conversationId } = await arrive('web');
    const answer = await reply(conversationId, {});
    expect(answer.status).toBe('sent');
    expect(await units(answer.id)).toEqual([]);
    expect((await tell(conversationId)).slice(2)).toEqual(['message.queued', 'message.sent']);
  });

  it('answers a closed conversation without reopening it, on the thread used last', async () => {
    const { conversationId } = await arrive('sms');
    await arrive('buttons');
    await database.query(`update conversation set status = 'closed', closed_at = now() where id = $1`, [
      conversationId,
    ]);
    const answer = await reply(conversationId, {});
    expect((await units(answer.id))[0]!.account_id).toBe('buttons');
    expect(await database.query('select status from conversation where id = $1', [conversationId])).toEqual([
      { status: 'closed' },
    ]);
  });

  it('answers over the thread or account that is named, also one that the contact did not use yet', async () => {
    const { conversationId, threadId } = await arrive('sms');
    await arrive('buttons');
    expect((await units((await reply(conversationId, { via: { threadId: threadId! } })).id))[0]!.account_id).toBe(
      'sms',
    );
    expect((await units((await reply(conversationId, { via: { accountId: 'sms2' } })).id))[0]!.account_id).toBe('sms2');
    await expect(reply(conversationId, { via: { threadId: 'thr_none' } })).rejects.toMatchObject({ code: 'no-thread' });
    await expect(reply(conversationId, { via: { accountId: 'web' } })).rejects.toMatchObject({
      code: 'recipient-gone',
    });
    await expect(reply('cnv_none', {})).rejects.toMatchObject({ name: 'NotFound' });
  });

  it('names the last message that came over the thread, where the channel always names one', async () => {
    const write = async (id: string, over: object = {}): Promise<StoredItem> =>
      (await intake.accept('mail', [{ ...message(person, id), externalIds: [`${id}-${person}`], ...over }]))[0]!;
    const named = async (input: Partial<ReplyInput>): Promise<unknown> => {
      const [unit] = await units((await reply(first.conversationId, input)).id);
      return (unit!.content as { replyTo?: string }).replyTo;
    };
    const first = await write('m1');
    await write('m2');
    await intake.accept('mail', [{ ...message(person, 'other'), thread: 'another', externalIds: [`m3-${person}`] }]);
    const via = { threadId: first.threadId! };
    expect(await named({ via })).toBe(`m2-${person}`);
    expect(await named({ via, replyTo: first.id! })).toBe(`m1-${person}`);
    await write('m4', { externalIds: [] });
    expect(await named({ via })).toBe(`m2-${person}`);
  });

  it('refuses before anything is stored: window, quota, opt-out, account off', async () => {
    const { conversationId, threadId } = await arrive('windowed');
    const sendability = () => database.transaction((sql) => replies.sendability(sql, conversationId!));
    expect(await sendability()).toMatchObject([{ accountId: 'windowed', canSend: true, remaining: 2 }]);
    await reply(conversationId, {});
    await expect(
      reply(conversationId, {
        parts: [
          { type: 'text', text: '1' },
          { type: 'text', text: '2' },
        ],
      }),
    ).rejects.toMatchObject({ code: 'window-closed' });
    await reply(conversationId, {});
    expect(await sendability()).toMatchObject([{ canSend: false, code: 'window-closed', remaining: 0 }]);
    await database.query(`update unit set status = 'sent' where thread_id = $1`, [threadId]);
    await arrive('windowed');
    expect(await sendability()).toMatchObject([{ canSend: true, remaining: 2 }]);
    await database.query(`update thread set last_inbound_at = now() - interval '49 h' where id = $1`, [threadId]);
    await expect(reply(conversationId, {})).rejects.toMatchObject({ code: 'window-closed' });

    const sms = await arrive('sms');
    await intake.accept('sms', [
      { kind: 'opted-out', dedupeKey: `stop ${person}`, thread: person, sender: message(person, '').sender },
    ]);
    const before = await tell(sms.conversationId);
    await expect(reply(sms.conversationId, { via: { accountId: 'sms' } })).rejects.toMatchObject({ code: 'opted-out' });
    expect(await tell(sms.conversationId)).toEqual(before);
    const off = await arrive('off');
    await expect(reply(off.conversationId, { via: { accountId: 'off' } })).rejects.toMatchObject({
      code: 'config-invalid',
    });
  });

  it('says what SMS will bill, before and with the answer', async () => {
    const { conversationId } = await arrive('sms2');
    const needs = async (text: string) =>
      (await database.transaction((sql) => replies.sendability(sql, conversationId!, text)))[0]!.needs;
    expect(await needs('a'.repeat(161))).toEqual({ messages: 1, segments: { count: 2, encoding: 'gsm7' } });
    expect(await needs('你好')).toEqual({ messages: 1, segments: { count: 1, encoding: 'ucs2' } });
    const parts = ['a'.repeat(161), '你好'].map((text) => ({ type: 'text' as const, text }));
    const billed = { count: 3, encoding: 'ucs2' };
    expect(await reply(conversationId, { parts })).toMatchObject({ segments: billed });
    const later = new Date(Date.now() + 3_600_000).toISOString();
    expect(await reply(conversationId, { parts, sendAt: later })).toMatchObject({ segments: billed });
    await arrive('buttons');
    expect(await reply(conversationId, { via: { accountId: 'buttons' } })).not.toHaveProperty('segments');
  });

  it.each(['sms', 'buttons'])('maps the typed answer to choices back, also after a restart: %s', async (account) => {
    const { conversationId } = await arrive(account);
    const options = [
      { id: 'a', label: 'Invoice' },
      { id: 'b', label: '发票' },
    ];
    const question = await reply(conversationId, { parts: [{ type: 'choices', text: 'Which?', options }] });
    const restarted = new Intake(database);
    for (const typed of ['2', '２', '发票']) {
      const [stored] = await restarted.accept(account, [message(person, typed)]);
      const [row] = await database.query<{ parts: unknown; text: string }>(
        'select parts, text from message where id = $1',
        [stored!.id],
      );
      expect(row).toEqual({
        parts: [{ type: 'choice', optionId: 'b', label: '发票', messageId: question.id, typed }],
        text: '发票',
      });
    }
    const [other] = await restarted.accept(account, [message(person, 'neither')]);
    expect(await database.query('select text from message where id = $1', [other!.id])).toEqual([{ text: 'neither' }]);
  });

  it('moves a message of several units to its lowest, and to failed when one failed', async () => {
    const { conversationId } = await arrive('sms');
    const parts = [
      { type: 'text' as const, text: '1' },
      { type: 'text' as const, text: '2' },
    ];
    const good = await reply(conversationId, { parts });
    const [a, b] = await units(good.id);
    await settle(a!.id, 'sent', { externalIds: [`${good.id}-1`] });
    expect((await statusOf(good.id)).status).toBe('queued');
    await settle(b!.id, 'sent', { externalIds: [`${good.id}-2`] });
    await intake.accept('sms', [receipt(`${good.id}-1`, 'delivered')]);
    expect((await statusOf(good.id)).status).toBe('sent');
    await intake.accept('sms', [receipt(`${good.id}-2`, 'read')]);
    expect((await statusOf(good.id)).status).toBe('delivered');
    const bad = await reply(conversationId, { parts });
    const [c] = await units(bad.id);
    await settle(c!.id, 'failed', { failure: { code: 'content-refused', message: 'no' } });
    expect(await statusOf(bad.id)).toMatchObject({ status: 'failed', failure: { code: 'content-refused' } });
  });

  it('takes a receipt that came before its message was known', async () => {
    const { conversationId } = await arrive('sms');
    const answer = await reply(conversationId, {});
    await intake.accept('sms', [receipt(`early-${answer.id}`, 'delivered')]);
    const [unit] = await units(answer.id);
    await settle(unit!.id, 'sent', { externalIds: [`early-${answer.id}`] });
    expect((await statusOf(answer.id)).status).toBe('delivered');
  });

  describe('whatever order receipts come in', () => {
    const steps = ['sent', 'delivered', 'read', 'failed'] as const;
    const orders = steps.flatMap((a) =>
      steps
        .filter((b) => b !== a)
        .flatMap((b) =>
          steps.filter((c) => c !== a && c !== b).map((c) => [a, b, c, steps.find((d) => ![a, b, c].includes(d))!]),
        ),
    );

    it('the status only rises and ends at the highest', async () => {
      const { conversationId } = await arrive('sms');
      for (const order of orders) {
        const answer = await reply(conversationId, {});
        const [unit] = await units(answer.id);
        await settle(unit!.id, 'sent', { externalIds: [answer.id] });
        for (const status of [...order, ...order]) {
          await intake.accept('sms', [
            receipt(
              answer.id,
              status,
              status === 'failed' ? { failure: { code: 'recipient-gone', message: 'gone' } } : {},
            ),
          ]);
        }
        expect((await statusOf(answer.id)).status).toBe('read');
        const told = (await eventsOf(database, conversationId))
          .filter(({ data }) => data.message?.id === answer.id)
          .map(({ data }) => data.message!.status);
        const rank = ['queued', 'sent', 'delivered', 'failed', 'read'];
        expect(told).toEqual([...told].sort((x, y) => rank.indexOf(x) - rank.indexOf(y)));
        expect(new Set(told).size).toBe(told.length);
      }
    });

    it('an unknown outcome ranks below delivered, a failure above it', async () => {
      const { conversationId } = await arrive('sms');
      const answer = await reply(conversationId, {});
      const [unit] = await units(answer.id);
      await settle(unit!.id, 'failed', {
        failure: { code: 'outcome-unknown', message: '?' },
        externalIds: [answer.id],
      });
      expect((await statusOf(answer.id)).status).toBe('failed');
      await intake.accept('sms', [receipt(answer.id, 'delivered')]);
      expect(await statusOf(answer.id)).toEqual({ status: 'delivered', failure: null });
    });
  });

  it('takes the browser of a hosted channel at its word, once and upwards only', async () => {
    const { conversationId, threadId } = await arrive('web');
    const one = await reply(conversationId, {});
    const two = await reply(conversationId, {});
    await replies.acknowledge(threadId!, { delivered: 3, read: 2 });
    await replies.acknowledge(threadId!, { delivered: 3 });
    expect([(await statusOf(one.id)).status, (await statusOf(two.id)).status]).toEqual(['read', 'delivered']);
    await replies.acknowledge(threadId!, { read: 99 });
    expect((await statusOf(two.id)).status).toBe('read');
    expect((await tell(conversationId)).filter((type) => type === 'message.read')).toHaveLength(2);
  });

  it('sends later what has a time, and not what was cancelled before', async () => {
    const { conversationId } = await arrive('sms');
    const sendAt = new Date(Date.now() + 3_600_000).toISOString();
    const later = await reply(conversationId, { sendAt });
    const never = await reply(conversationId, { sendAt });
    expect(later).toMatchObject({ status: 'queued', sendAt });
    expect(await schedule.enqueueDue()).toBe(0);
    const cancelled = await database.transaction((sql) => replies.cancel(sql, never.id));
    expect(cancelled).toMatchObject({ status: 'failed', failure: { code: 'cancelled' } });
    await database.query('update message set send_at = now() where id = any ($1)', [[later.id, never.id]]);
    expect(await schedule.enqueueDue()).toBe(1);
    expect(await schedule.enqueueDue()).toBe(0);
    expect(await units(later.id)).toHaveLength(1);
    expect(await units(never.id)).toEqual([]);
  });

  it('cancels what waits in the outbox, and not what is being sent', async () => {
    const { conversationId } = await arrive('sms');
    const waiting = await reply(conversationId, {});
    await database.transaction((sql) => replies.cancel(sql, waiting.id));
    expect(await units(waiting.id)).toEqual([]);
    const started = await reply(conversationId, {});
    await database.query(`update unit set status = 'started' where message_id = $1`, [started.id]);
    await expect(database.transaction((sql) => replies.cancel(sql, started.id))).rejects.toMatchObject({
      code: 'already-sent',
    });
    await expect(database.transaction((sql) => replies.cancel(sql, 'msg_none'))).rejects.toMatchObject({
      name: 'NotFound',
    });
  });

  it('falls back to another channel when sending failed for good, and fails when no way is left', async () => {
    const { conversationId } = await arrive('sms');
    const answer = await reply(conversationId, { fallback: [{ channel: 'sms-twilio' }, { accountId: 'off' }] });
    const [unit] = await units(answer.id);
    await settle(unit!.id, 'failed', { failure: { code: 'recipient-gone', message: 'gone' } });
    await database.query(`delete from outbox where item_id = $1`, [unit!.id]);
    expect((await statusOf(answer.id)).status).toBe('queued');
    expect(await schedule.fallbackDue()).toBe(1);
    const [second] = await units(answer.id);
    expect(second!.account_id).toBe('sms2');
    await settle(second!.id, 'failed', { failure: { code: 'unavailable', message: 'down' } });
    await schedule.fallbackDue();
    await schedule.fallbackDue();
    expect(await statusOf(answer.id)).toMatchObject({ status: 'failed', failure: { code: 'config-invalid' } });
  });

  it('falls back when nothing was delivered in time, and not when it was', async () => {
    const { conversationId } = await arrive('sms');
    const slow = await reply(conversationId, { fallback: [{ accountId: 'sms2', after: 60 }] });
    const fine = await reply(conversationId, { fallback: [{ accountId: 'sms2', after: 60 }] });
    for (const answer of [slow, fine]) {
      const [unit] = await units(answer.id);
      await settle(unit!.id, 'sent', { externalIds: [answer.id] });
      await database.query('delete from outbox where item_id = $1', [unit!.id]);
    }
    await intake.accept('sms', [receipt(fine.id, 'delivered')]);
    expect(await schedule.fallbackDue()).toBe(0);
    await database.query(`update message set fallback_at = now() where id = any ($1)`, [[slow.id, fine.id]]);
    await schedule.fallbackDue();
    expect((await units(slow.id)).map(({ account_id }) => account_id)).toEqual(['sms2']);
    expect(await units(fine.id)).toEqual([]);
  });

  it('takes a number for an answer only until the next message to the customer', async () => {
    const { conversationId } = await arrive('sms');
    await reply(conversationId, {
      parts: [
        {
          type: 'choices',
          text: 'Which?',
          options: [
            { id: 'a', label: 'Invoice' },
            { id: 'b', label: 'Refund' },
          ],
        },
      ],
    });
    await reply(conversationId, { text: 'And how many copies?' });
    const [stored] = await intake.accept('sms', [message(person, '2')]);
    expect(await database.query('select text from message where id = $1', [stored!.id])).toEqual([{ text: '2' }]);
  });

  it('joins what the customer answers over a channel that we began', async () => {
    const { conversationId } = await arrive('buttons');
    await reply(conversationId, { via: { accountId: 'sms2' } });
    await database.query(`update conversation set continuity = 'thread' where id = $1`, [conversationId]);
    const [answer] = await intake.accept('sms2', [message(person, 'hi')]);
    expect(answer!.conversationId).toBe(conversationId);
  });

  it('does not send by a fallback what was cancelled', async () => {
    const { conversationId } = await arrive('sms');
    const answer = await reply(conversationId, { fallback: [{ accountId: 'sms2', after: 0 }] });
    await database.transaction((sql) => replies.cancel(sql, answer.id));
    await schedule.fallbackDue();
    expect(await units(answer.id)).toEqual([]);
  });

  it('keeps a hosted message in the history of the visitor when it goes on over another channel', async () => {
    const { conversationId, threadId } = await arrive('web');
    await arrive('sms');
    const answer = await reply(conversationId, {
      via: { threadId: threadId! },
      fallback: [{ accountId: 'sms', after: 0 }],
    });
    await schedule.fallbackDue();
    expect((await units(answer.id)).map(({ account_id }) => account_id)).toEqual(['sms']);
    expect(await database.query('select thread_id from message where id = $1', [answer.id])).toEqual([
      { thread_id: threadId },
    ]);
  });

  it('believes a way left behind that it has delivered, and withdraws the next one', async () => {
    const { conversationId } = await arrive('sms');
    const answer = await reply(conversationId, { fallback: [{ accountId: 'sms2', after: 0 }] });
    const [unit] = await units(answer.id);
    await settle(unit!.id, 'sent', { externalIds: [answer.id] });
    await database.query('delete from outbox where item_id = $1', [unit!.id]);
    await schedule.fallbackDue();
    expect(await units(answer.id)).toHaveLength(1);
    await intake.accept('sms', [receipt(answer.id, 'read')]);
    expect(await units(answer.id)).toEqual([]);
    expect((await statusOf(answer.id)).status).toBe('read');
  });

  it('matches a receipt that names our unit, and ignores one that names a message of the customer', async () => {
    const { conversationId } = await arrive('sms');
    const answer = await reply(conversationId, {});
    const [unit] = await units(answer.id);
    await settle(unit!.id, 'failed', { failure: { code: 'outcome-unknown', message: '?' } });
    await intake.accept('sms', [receipt(unit!.id, 'delivered')]);
    expect((await statusOf(answer.id)).status).toBe('delivered');
    const [inbound] = await intake.accept('sms', [message(person, 'x', { externalIds: [`IN-${person}`] })]);
    await intake.accept('sms', [receipt(`IN-${person}`, 'read')]);
    expect((await statusOf(inbound!.id!)).status).toBe('received');
  });

  /** As the settler does: a deadlock with a batch of receipts is no end. */
  const stubbornly = async (work: () => Promise<unknown>): Promise<unknown> =>
    work().catch((error: { code?: string }) => {
      if (error.code === '40P01') return stubbornly(work);
      throw error as Error;
    });

  it('loses no receipt that comes while its message is being settled', async () => {
    const { conversationId } = await arrive('sms');
    const answers = await Promise.all(Array.from({ length: 10 }, () => reply(conversationId, {})));
    await Promise.all(
      answers.flatMap((answer) => [
        units(answer.id).then(([unit]) =>
          stubbornly(() => settle(unit!.id, 'sent', { externalIds: [`race-${answer.id}`] })),
        ),
        intake.accept('sms', [receipt(`race-${answer.id}`, 'delivered')]),
      ]),
    );
    for (const answer of answers) expect((await statusOf(answer.id)).status).toBe('delivered');
  });

  it('refuses at once what cannot be sent later either, and media without bytes', async () => {
    const { conversationId } = await arrive('sms');
    const media = {
      type: 'media' as const,
      kind: 'image' as const,
      mimeType: 'image/png',
      bytes: null,
      state: 'ready' as const,
    };
    await expect(reply(conversationId, { parts: [media] })).rejects.toMatchObject({ name: 'InvalidInput' });
    await expect(reply(conversationId, { parts: [{ ...media, url: 'javascript:alert(1)' }] })).rejects.toMatchObject({
      name: 'InvalidInput',
    });
  });

  it('writes first to a handle or a contact, and the answer joins that conversation', async () => {
    const hello = await first({ to: { handle: { scheme: 'phone', value: person } }, accountId: 'sms', text: 'hello' });
    expect(await tell(hello.conversationId)).toEqual(['conversation.opened', 'message.queued']);
    const answer = await arrive('sms');
    expect(answer.conversationId).toBe(hello.conversationId);
    const again = await first({ to: { contactId: answer.contactId! }, accountId: 'sms', text: 'again' });
    expect(again.conversationId).toBe(hello.conversationId);
    await expect(
      first({ to: { handle: { scheme: 'email', value: 'a@b.example' } }, accountId: 'sms', text: 'x' }),
    ).rejects.toMatchObject({ code: 'content-refused' });
    await expect(first({ to: { contactId: 'con_none' }, accountId: 'sms', text: 'x' })).rejects.toMatchObject({
      name: 'NotFound',
    });
    await expect(first({ to: { contactId: answer.contactId! }, accountId: 'none', text: 'x' })).rejects.toMatchObject({
      name: 'NotFound',
    });
  });

  it('replaces what no database can hold in an answer', async () => {
    const { conversationId } = await arrive('sms');
    expect((await reply(conversationId, { text: 'a\u0000b\ud800c' })).text).toBe('a\ufffdb\ufffdc');
  });
});

import { afterAll, beforeAll, beforeEach, expect, it } from '@jest/globals';
import type { Database } from '#database';
import { describeOnEveryDatabase } from '#database/testing';
import { addAccount, addDestination, eventsOf, ids, message, receipt, STORE } from '../testing/store.js';
import { type InboundEvent, newId } from '#normalizer';
import { Intake } from './intake.js';
import { prune } from '../outbox/retention.js';
import { park } from './park.js';
import { storedKey } from './item.js';
import { Parked } from './parked.js';

describeOnEveryDatabase('intake', (open) => {
  let database: Database;
  let intake: Intake;
  let person: string;
  let phone = 13_800_000_000;

  beforeAll(async () => {
    database = await open(STORE);
    await addAccount(database, { id: 'sms' });
    await addAccount(database, { id: 'chat' });
    await addAccount(database, { id: 'mail', continuity: 'thread' });
    await addAccount(database, { id: 'short', reopenWithinS: 0 });
    await addDestination(database, { id: 'all' });
    await addDestination(database, { id: 'sms-messages', events: ['message.*'], accounts: ['sms'] });
  });
  beforeEach(() => {
    intake = new Intake(database);
    phone += 1;
    person = `+86${phone}`;
  });
  afterAll(() => database.close());

  const close = (id: string | null, ago = '0 s') =>
    database.query(`update conversation set status = 'closed', closed_at = now() - $2::interval where id = $1`, [
      id,
      ago,
    ]);

  it('makes contact, thread and conversation of a first message, and tells the stream in order', async () => {
    const [stored] = await intake.accept('sms', [message(person, '你好', { externalIds: [`SM-${person}`] })]);
    expect(stored).toMatchObject({ duplicate: false, threadSequence: 1 });
    const events = await eventsOf(database, stored!.conversationId);
    expect(events.map(({ type, sequence }) => [type, sequence])).toEqual([
      ['conversation.opened', 1],
      ['message.received', 2],
    ]);
    expect(events[1]!.data).toMatchObject({
      conversation: { id: stored!.conversationId, status: 'open', threads: [{ accountId: 'sms', channel: 'http' }] },
      contact: { id: stored!.contactId, handles: [{ scheme: 'phone', value: person, proof: 'channel' }] },
      account: { id: 'sms', channel: 'http' },
      message: {
        id: stored!.id,
        sequence: 1,
        direction: 'inbound',
        text: '你好',
        status: 'received',
        externalIds: [`SM-${person}`],
      },
    });
  });

  it('lays outbox rows for the destinations whose filters admit the event, and no others', async () => {
    const [bySms] = await intake.accept('sms', [message(person, 'a')]);
    const [byMail] = await intake.accept('mail', [message(person, 'b')]);
    const rows = await database.query<{ target_id: string; type: string; id: string }>(
      `select o.target_id, e.type, e.conversation_id as id from outbox o join event e on e.id = o.item_id where e.conversation_id = any ($1) order by o.position`,
      [[bySms!.conversationId, byMail!.conversationId]],
    );
    const of = (id: string | null | undefined) =>
      rows.filter((row) => row.id === id).map((row) => `${row.target_id} ${row.type}`);
    expect(of(bySms!.conversationId)).toEqual([
      'all conversation.opened',
      'all message.received',
      'sms-messages message.received',
    ]);
    expect(of(byMail!.conversationId)).toEqual(['all conversation.opened', 'all message.received']);
  });

  it('stores a provider event once, however often and at once it is delivered', async () => {
    const event = message(person, 'once');
    const other = new Intake(database);
    const stored = await Promise.all(
      Array.from({ length: 100 }, (_, i) => (i % 2 ? other : intake).accept('sms', [event])),
    );
    expect(new Set(ids(stored.flat())).size).toBe(1);
    expect(stored.flat().filter(({ duplicate }) => !duplicate)).toHaveLength(1);
    const [{ n }] = (await database.query<{ n: number }>('select count(*) as n from message where id = $1', [
      stored[0]![0]!.id,
    ])) as [{ n: number }];
    expect(n).toBe(1);
  });

  it('keeps the same text sent twice as two messages', async () => {
    const stored = await intake.accept('sms', [message(person, 'same'), message(person, 'same')]);
    expect(new Set(ids(stored)).size).toBe(2);
  });

  it('never makes two contacts or conversations of messages that arrive together, and numbers without a gap', async () => {
    const other = new Intake(database);
    const stored = (
      await Promise.all(
        Array.from({ length: 60 }, (_, i) =>
          (i % 3 ? intake : other).accept(i % 2 ? 'sms' : 'chat', [message(person, `m${i}`)]),
        ),
      )
    ).flat();
    expect(new Set(stored.map(({ conversationId }) => conversationId)).size).toBe(1);
    expect(new Set(stored.map(({ contactId }) => contactId)).size).toBe(1);
    const events = await eventsOf(database, stored[0]!.conversationId);
    expect(events.map(({ sequence }) => sequence)).toEqual(events.map((_, i) => i + 1));
    const numbers = events.flatMap(({ data }) => (data.message ? [data.message.sequence] : []));
    expect(numbers).toEqual(numbers.map((_, i) => i + 1));
    expect(numbers).toHaveLength(60);
  });

  it('keeps the order of arrival within a thread', async () => {
    const calls = Array.from({ length: 50 }, (_, i) => intake.accept('sms', [message(person, `n${i}`)]));
    const [first] = (await Promise.all(calls)).flat();
    const events = await eventsOf(database, first!.conversationId);
    expect(events.flatMap(({ data }) => (data.message ? [data.message.text] : []))).toEqual(
      Array.from({ length: 50 }, (_, i) => `n${i}`),
    );
  });

  it('keeps the order of arrival within a conversation, whichever way its messages take into the store', async () => {
    const [first] = await intake.accept('sms', [message(person, 'm0')]);
    const accounts = ['sms', 'sms', 'chat', 'sms', 'chat', 'sms'];
    await Promise.all(accounts.map((account, i) => intake.accept(account, [message(person, `m${i + 1}`)])));
    const events = await eventsOf(database, first!.conversationId);
    const told = events.flatMap(({ data }) => (data.message ? [data.message] : []));
    expect(told.map(({ text }) => text)).toEqual(['m0', 'm1', 'm2', 'm3', 'm4', 'm5', 'm6']);
    expect(told.map(({ sequence }) => sequence)).toEqual([1, 2, 3, 4, 5, 6, 7]);
    expect(events.map(({ sequence }) => sequence)).toEqual(events.map((_, i) => i + 1));
    const threads = await database.query<{ n: number[] }>(
      'select array_agg(thread_sequence order by sequence) as n from message where conversation_id = $1 group by thread_id order by 1',
      [first!.conversationId],
    );
    expect(threads.map(({ n }) => n)).toEqual([
      [1, 2],
      [1, 2, 3, 4, 5],
    ]);
  });

  it('joins the contact on another channel where continuity is contact, and not where it is thread', async () => {
    const [sms] = await intake.accept('sms', [message(person, 'a')]);
    const [chat] = await intake.accept('chat', [message(person, 'b')]);
    const [mail] = await intake.accept('mail', [message(person, 'c')]);
    expect(chat!.conversationId).toBe(sms!.conversationId);
    expect(mail!.conversationId).not.toBe(sms!.conversationId);
    expect(mail!.contactId).toBe(sms!.contactId);
  });

  it('reopens a closed conversation within the time of the account, and opens a new one after it', async () => {
    const [first] = await intake.accept('sms', [message(person, 'a')]);
    await close(first!.conversationId, '71 h');
    const [second] = await intake.accept('sms', [message(person, 'b')]);
    expect(second!.conversationId).toBe(first!.conversationId);
    await close(first!.conversationId, '73 h');
    const [third] = await intake.accept('sms', [message(person, 'c')]);
    expect(third!.conversationId).not.toBe(first!.conversationId);
    const types = (await eventsOf(database, first!.conversationId)).map(({ type }) => type);
    expect(types).toEqual(['conversation.opened', 'message.received', 'conversation.reopened', 'message.received']);
  });

  it('treats a sender without proof as a separate person of that account', async () => {
    const [proven] = await intake.accept('sms', [message(person, 'a')]);
    const claim = { handles: [{ scheme: 'phone', scope: '', value: person, proof: 'claimed' as const }] };
    const [claimed] = await intake.accept('mail', [message(person, 'b', { sender: claim, thread: `claim ${person}` })]);
    const [again] = await intake.accept('mail', [message(person, 'c', { sender: claim, thread: `claim ${person}` })]);
    expect(claimed!.contactId).not.toBe(proven!.contactId);
    expect(again!.contactId).toBe(claimed!.contactId);
  });

  it('stores the messages of a blocked contact and forwards none', async () => {
    const [first] = await intake.accept('sms', [message(person, 'a')]);
    await database.query('update contact set blocked = true where id = $1', [first!.contactId]);
    const [second] = await intake.accept('sms', [message(person, 'b')]);
    expect(second!.id).not.toBeNull();
    const events = await eventsOf(database, first!.conversationId);
    expect(events.map(({ data }) => data.message?.text)).toEqual([undefined, 'a']);
  });

  it('commits a poll cursor with its events', async () => {
    await intake.accept('mail', [message(person, 'a')], { name: `poll:${person}`, value: '17' });
    expect(await database.query('select value from cursor where name = $1', [`poll:${person}`])).toEqual([
      { value: '17' },
    ]);
  });

  it('parks the event that the store refuses, and stores everything around it', async () => {
    const parked: string[] = [];
    intake = new Intake(database, { onPoison: (_, dedupeKey) => parked.push(dedupeKey) });
    const poison = message(person, 'x', { occurredAt: 'not a time' });
    const stored = await Promise.all([
      intake.accept('sms', [message(person, 'before')]),
      intake.accept('sms', [message(person, 'in front'), poison, message(person, 'behind')]),
      intake.accept('sms', [message(person, 'after')]),
    ]);
    expect(parked).toEqual([storedKey(poison.dedupeKey)]);
    expect(ids(stored.flat()).map((id) => id !== null)).toEqual([true, true, false, true, true]);
    expect(
      await database.query('select dedupe_key from poison where dedupe_key = $1', [storedKey(poison.dedupeKey)]),
    ).toHaveLength(1);
    await intake.accept('sms', [poison]);
    const waiting = (await new Parked(database, intake).list({ limit: 100 })).filter(
      ({ dedupeKey }) => dedupeKey === storedKey(poison.dedupeKey),
    );
    expect(waiting).toMatchObject([{ accountId: 'sms', stage: 'store' }]);
    const [mended] = await intake.accept('sms', [{ ...poison, occurredAt: undefined }]);
    expect(mended).toMatchObject({ duplicate: false, id: expect.any(String) });
  });

  it('parks a change of a message that it does not know, and does not tell one of a blocked person', async () => {
    const change = {
      thread: person,
      sender: message(person, '').sender,
      kind: 'edited' as const,
      parts: [{ type: 'text' as const, text: 'new' }],
    };
    const [unknown] = await intake.accept('sms', [
      { ...change, dedupeKey: `u${person}`, externalId: `none-${person}` },
    ]);
    expect(unknown).toMatchObject({ id: null });
    const parked = await new Parked(database, intake).list({ limit: 100 });
    expect(parked.map(({ dedupeKey }) => dedupeKey)).toContain(storedKey(`u${person}`));
    const [stored] = await intake.accept('sms', [message(person, 'old', { externalIds: [`B-${person}`] })]);
    await database.query('update contact set blocked = true where id = $1', [stored!.contactId]);
    await intake.accept('sms', [{ ...change, dedupeKey: `b${person}`, externalId: `B-${person}` }]);
    expect((await eventsOf(database, stored!.conversationId)).map(({ type }) => type)).not.toContain('message.edited');
  });

  it('keeps a parked change as long as its message is not known', async () => {
    const change = { thread: person, sender: message(person, '').sender, kind: 'deleted' as const };
    await intake.accept('sms', [{ ...change, dedupeKey: `d${person}`, externalId: `late-${person}` }]);
    const parked = new Parked(database, intake);
    const ours = async () =>
      (await parked.list({ limit: 100 })).find(({ dedupeKey }) => dedupeKey === storedKey(`d${person}`));
    await expect(parked.retry((await ours())!.id)).rejects.toMatchObject({ code: 'not-replayable' });
    const [stored] = await intake.accept('sms', [message(person, 'old', { externalIds: [`late-${person}`] })]);
    await parked.retry((await ours())!.id);
    expect(await ours()).toBeUndefined();
    expect((await eventsOf(database, stored!.conversationId)).map(({ type }) => type)).toContain('message.deleted');
  });

  it('keeps the order of a message and the change of an earlier one in one batch, and quotes within it', async () => {
    const [first] = await intake.accept('sms', [message(person, 'teh', { externalIds: [`O-${person}`] })]);
    const edit = {
      kind: 'edited' as const,
      dedupeKey: `oe${person}`,
      thread: person,
      sender: message(person, '').sender,
      externalId: `O-${person}`,
      parts: [{ type: 'text' as const, text: 'the' }],
    };
    const stored = await intake.accept('sms', [
      edit,
      message(person, 'next', { externalIds: [`N-${person}`] }),
      message(person, 'quote', { replyTo: `N-${person}` }),
    ]);
    expect((await eventsOf(database, first!.conversationId)).map(({ type }) => type).slice(2)).toEqual([
      'message.edited',
      'message.received',
      'message.received',
    ]);
    expect(await database.query('select reply_to from message where id = $1', [stored[2]!.id])).toEqual([
      { reply_to: stored[1]!.id },
    ]);
  });

  it('keeps what was quoted beside what was written, on whichever way the message is stored', async () => {
    const quoting = { quoted: 'On Monday you wrote: hello', subject: 'Re: hello' };
    await intake.accept('sms', [message(person, 'hello')]);
    const [alone] = await intake.accept('sms', [message(person, 'yes', quoting)]);
    await intake.accept('sms', [message(person, 'a'), message(person, 'b', quoting), message(person, 'c')]);
    const told = (await eventsOf(database, alone!.conversationId)).flatMap(({ data }) => data.message ?? []);
    expect(told.map(({ text, quoted }) => [text, quoted])).toEqual([
      ...[['hello', null], ['yes', quoting.quoted]],
      ...[['a', null], ['b', quoting.quoted], ['c', null]],
    ]); // prettier-ignore
  });

  it('stores a parked event when a person tries it again', async () => {
    const parked = new Parked(database, intake);
    await park(database, {
      id: newId('evt'),
      accountId: 'sms',
      dedupeKey: `later ${person}`,
      stage: 'parse',
      input: JSON.stringify(message(person, 'late')),
      error: 'x',
    });
    const [waiting] = (await parked.list({ limit: 100 })).filter(({ dedupeKey }) => dedupeKey === `later ${person}`);
    await parked.retry(waiting!.id);
    await expect(parked.retry(waiting!.id)).rejects.toMatchObject({ name: 'NotFound' });
    const [stored] = await intake.accept('sms', [message(person, 'next')]);
    expect((await eventsOf(database, stored!.conversationId)).map(({ data }) => data.message?.text)).toEqual([
      undefined,
      'late',
      'next',
    ]);
  });

  it('never joins two identified people by something that they share', async () => {
    const client = (value: string) => ({ scheme: 'client', scope: 'chat', value, proof: 'verified' as const });
    const office = { scheme: 'email', scope: '', value: `office-${person}@firm.example`, proof: 'verified' as const };
    const write = async (value: string) =>
      (
        await intake.accept('chat', [
          message(`client:${value}`, 'hi', { sender: { handles: [client(value), office] } }),
        ])
      )[0]!;
    const bob = await write(`bob-${person}`);
    const carol = await write(`carol-${person}`);
    expect(carol.contactId).not.toBe(bob.contactId);
    expect(carol.conversationId).not.toBe(bob.conversationId);
    expect((await write(`carol-${person}`)).contactId).toBe(carol.contactId);
    const [mail] = await intake.accept('mail', [
      message(office.value, 'hi', { sender: { handles: [{ ...office, proof: 'channel' }] } }),
    ]);
    expect(mail!.contactId).toBe(bob.contactId);
    const conflicts = (await eventsOf(database))
      .filter(({ type }) => type === 'contact.conflict')
      .map(({ data }) => data['conflict']);
    expect(conflicts).toContainEqual(expect.objectContaining({ contactIds: [bob.contactId, carol.contactId].sort() }));
  });

  it('gives media that the provider still holds a pending file of ours', async () => {
    const media = {
      type: 'media' as const,
      kind: 'image' as const,
      ref: 'media-77',
      mimeType: 'image/png',
      bytes: null,
      state: 'ready' as const,
    };
    const [stored] = await intake.accept('sms', [message(person, '', { parts: [media] })]);
    const [file] = await database.query<{ id: string; state: string; ref: string; account_id: string }>(
      'select * from file where message_id = $1',
      [stored!.id],
    );
    expect(file).toMatchObject({ state: 'pending', ref: 'media-77', account_id: 'sms' });
    const events = await eventsOf(database, stored!.conversationId);
    expect(events.at(-1)!.data.message!.parts).toEqual([
      { type: 'media', kind: 'image', mimeType: 'image/png', bytes: null, state: 'pending', fileId: file!.id },
    ]);
  });

  it('stores edits, recalls and reactions of messages that it knows', async () => {
    const externalId = `SM-${person}`;
    const [stored] = await intake.accept('sms', [message(person, 'teh', { externalIds: [externalId] })]);
    const change = { thread: person, sender: message(person, '').sender, externalId };
    await intake.accept('sms', [
      { ...change, kind: 'edited', dedupeKey: `e${person}`, parts: [{ type: 'text', text: 'the' }] },
      { ...change, kind: 'reaction', dedupeKey: `r${person}`, reaction: { emoji: '👍', removed: false } },
      { ...change, kind: 'deleted', dedupeKey: `d${person}` },
    ]);
    const events = (await eventsOf(database, stored!.conversationId)).slice(2);
    expect(events.map(({ type }) => type)).toEqual(['message.edited', 'message.reaction', 'message.deleted']);
    expect(events[0]!.data.message!.text).toBe('the');
    expect(events[1]!.data['reaction']).toEqual({ emoji: '👍', removed: false });
  });

  it('sets a receipt aside whose message never came, and takes its repeat again', async () => {
    const late = receipt(`never-${person}`, 'delivered') as { dedupeKey: string } & InboundEvent;
    await intake.accept('sms', [late]);
    await database.query(`update early_receipt set received_at = now() - interval '73 h' where external_id = $1`, [
      `never-${person}`,
    ]);
    await prune(database);
    const parked = await new Parked(database, intake).list({ limit: 100 });
    expect(parked.filter(({ dedupeKey }) => dedupeKey === storedKey(late.dedupeKey))).toMatchObject([
      { stage: 'store', error: expect.stringContaining(`never-${person}`) },
    ]);
    const { id } = parked.find(({ dedupeKey }) => dedupeKey === storedKey(late.dedupeKey))!;
    await new Parked(database, intake).retry(id);
    await database.query(`update early_receipt set received_at = now() - interval '73 h' where external_id = $1`, [
      `never-${person}`,
    ]);
    await prune(database);
    const waiting = () => database.query('select 1 from early_receipt where external_id = $1', [`never-${person}`]);
    expect(await waiting()).toHaveLength(0);
    expect(await intake.accept('sms', [late])).toMatchObject([{ duplicate: false }]);
    expect(await waiting()).toHaveLength(1);
  });

  it('keeps a receipt that comes before its message is known', async () => {
    await intake.accept('sms', [receipt(`early-${person}`, 'delivered')]);
    expect(
      await database.query('select 1 from early_receipt where external_id = $1', [`early-${person}`]),
    ).toHaveLength(1);
  });

  it('takes the echo of what we sent for what it is, and what an agent wrote elsewhere for theirs', async () => {
    const [first] = await intake.accept('sms', [message(person, 'hello')]);
    const sent = `sent-${person}`;
    const agent = (dedupe: string, externalId: string) =>
      ({
        ...message(person, 'hi', { externalIds: [externalId] }),
        from: 'agent',
        dedupeKey: `${person}:${dedupe}`,
      }) as InboundEvent;
    const [own] = await intake.accept('sms', [agent('phone', sent)]);
    const [echo] = await intake.accept('sms', [agent('echo', sent)]);
    expect(echo!.id).toBe(own!.id);
    const [again] = await intake.accept('sms', [agent('echo', sent)]);
    expect(again).toMatchObject({ id: own!.id, duplicate: true });
    const events = await eventsOf(database, first!.conversationId);
    expect(events.filter(({ type }) => type === 'message.sent')).toHaveLength(1);
    const [other] = await intake.accept('chat', [agent('other', sent)]);
    expect(other!.id).not.toBe(own!.id);
  });

  it('names a group by its name, and each message by who of it wrote', async () => {
    const from = (name: string) => {
      const event = message(person, `from ${name}`) as Extract<InboundEvent, { kind: 'message' }>;
      const member = { scheme: 'wechat-wxid', scope: '', value: `wxid_${name}` };
      return { ...event, dedupeKey: `${person}:${name}`, sender: { ...event.sender, name, group: '采购群', member } };
    };
    const [one] = await intake.accept('chat', [from('Alice')]);
    await intake.accept('chat', [from('Bob')]);
    const events = (await eventsOf(database, one!.conversationId)).filter(({ type }) => type === 'message.received');
    expect(events.map(({ data }) => data)).toMatchObject([
      { contact: { name: '采购群' }, message: { author: { name: 'Alice', member: { value: 'wxid_Alice' } } } },
      { contact: { name: '采购群' }, message: { author: { name: 'Bob', member: { value: 'wxid_Bob' } } } },
    ]);
  });
});

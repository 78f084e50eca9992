import { afterAll, beforeAll, beforeEach, expect, it } from '@jest/globals';
import type { Database, Sql } from '#database';
import { describeOnEveryDatabase } from '#database/testing';
import { mergeContacts, moveHandle, prove, undoMerge } from '#identity';
import { parseHandleKey, type Handle } from '#normalizer';
import { writePolicy } from '../settings/policy.js';
import { Replies } from '../reply/replies.js';
import { Schedule } from '../reply/schedule.js';
import { addAccount, addDestination, eventsOf, FakeChannels, message, STORE } from '../testing/store.js';
import { Intake } from './intake.js';

describeOnEveryDatabase('who a message is from', (open) => {
  let database: Database;
  let intake: Intake;
  let count = 0;
  let person: string;
  let other: string;

  beforeAll(async () => {
    database = await open(STORE);
    for (const id of ['sms', 'wechat', 'app']) await addAccount(database, { id });
    intake = new Intake(database);
  });
  beforeEach(async () => {
    count += 1;
    person = `+8613900${String(count).padStart(6, '0')}`;
    other = `+8613700${String(count).padStart(6, '0')}`;
    await writePolicy(database, 'identity', { merge: 'channel' });
  });
  afterAll(() => database.close());

  const phone = (value: string, proof: Handle['proof'] = 'channel'): Handle => ({
    scheme: 'phone',
    scope: '',
    value,
    proof,
  });
  /** `scheme/scope:value`. */
  const handle = (key: string, proof: Handle['proof'] = 'channel'): Handle => ({ ...parseHandleKey(key), proof });
  const write = async (handles: Handle[], more: { thread?: string; account?: string } = {}) => {
    const { thread = handles[0]!.value, account = 'sms' } = more;
    return (await intake.accept(account, [message(thread, 'hello', { thread, sender: { handles } })]))[0]!;
  };
  const told = async (type: string) =>
    (await eventsOf(database)).filter((event) => event.type === type).map(({ data }) => data);
  const contactOf = async (table: 'thread' | 'conversation', id: string | null) =>
    (await database.query<{ contact_id: string }>(`select contact_id from ${table} where id = $1`, [id]))[0]!
      .contact_id;
  const merge = (into: string | null, from: string | null) =>
    database.transaction((sql) =>
      mergeContacts(sql, { into: into!, from: from!, reason: 'the same person', by: 'key:test' }),
    );
  const undo = (id: string | null) => database.transaction((sql) => undoMerge(sql, id!, 'key:test'));

  it('joins two contacts whom one event proves to be one, and says what moved', async () => {
    const a = await write([phone(person)]);
    const b = await write([phone(other)]);
    const c = await write([phone(other), phone(person)]);
    expect(c.contactId).toBe(a.contactId); // the older one stays
    expect(await contactOf('conversation', b.conversationId)).toBe(a.contactId);
    const [{ merge: moved, contact }] = (await told('contact.merged')).slice(-1) as [
      Record<string, Record<string, unknown>>,
    ];
    expect(moved).toMatchObject({
      ...{ survivorId: a.contactId, mergedId: b.contactId, reason: 'proven' },
      ...{ handles: [phone(other)], threadIds: [b.threadId], conversationIds: [b.conversationId] },
    });
    expect(contact!['handles']).toEqual([phone(person), phone(other)]);
  });

  it.each([['never', 'verified'] as const, ['verified', 'channel'] as const])(
    'leaves it to a person under the policy %s with the proof %s',
    async (policy, proof) => {
      await writePolicy(database, 'identity', { merge: policy });
      const a = await write([phone(person)]);
      const b = await write([phone(other)]);
      const c = await write([phone(person, proof), phone(other, proof)]);
      expect(c.contactId).toBe(a.contactId);
      expect(await contactOf('thread', b.threadId)).toBe(b.contactId);
      const conflicts = (await told('contact.conflict')).map(({ conflict }) => conflict);
      expect(conflicts).toContainEqual(
        expect.objectContaining({ contactIds: [a.contactId, b.contactId].sort(), handle: phone(other, proof) }),
      );
    },
  );

  it('joins by verified handles where the policy asks for no less', async () => {
    await writePolicy(database, 'identity', { merge: 'verified' });
    const a = await write([phone(person)]);
    await write([phone(other)]);
    const c = await write([phone(person, 'verified'), phone(other, 'verified')]);
    expect(await contactOf('thread', c.threadId)).toBe(a.contactId);
    expect(await told('contact.merged')).toContainEqual(
      expect.objectContaining({ merge: expect.objectContaining({ survivorId: a.contactId }) }),
    );
  });

  it('never joins two whom the software of the company names differently', async () => {
    const a = await write([handle(`client/app:a${count}`, 'verified'), phone(person, 'verified')], {
      account: 'app',
    });
    const b = await write([handle(`client/app:b${count}`, 'verified'), phone(other, 'verified')], {
      account: 'app',
    });
    await write([phone(person, 'verified'), phone(other, 'verified')]);
    expect(await contactOf('thread', a.threadId)).not.toBe(await contactOf('thread', b.threadId));
    const proven = await database.transaction((sql) =>
      prove(sql, a.contactId!, { handle: phone(other, 'verified'), source: 'code:sms' }),
    );
    expect(proven).toEqual({ outcome: 'conflict', contactId: a.contactId });
  });

  it('knows one person behind the openids of several apps of one operator', async () => {
    const union = handle(`wechat-unionid/operator:u${count}`);
    const a = await write([handle(`wechat-openid/wx1:o1-${count}`), union], { account: 'wechat' });
    const b = await write([handle(`wechat-openid/wx2:o2-${count}`), union], { account: 'wechat' });
    expect(b.contactId).toBe(a.contactId);
    // Whoever was known by openid alone is joined when the union id comes to light.
    const c = await write([handle(`wechat-openid/wx3:o3-${count}`)], { account: 'wechat' });
    const d = await write([handle(`wechat-openid/wx3:o3-${count}`), union], { account: 'wechat' });
    expect([c.contactId === a.contactId, d.contactId]).toEqual([false, a.contactId]);
  });

  it('keeps who vouches for a handle, and when', async () => {
    const { contactId } = await write([phone(person)]);
    const rows = () =>
      database.query<Record<string, unknown>>(
        'select proof, source, proven_at is not null as timed from handle where contact_id = $1',
        [contactId],
      );
    expect(await rows()).toEqual([{ proof: 'channel', source: 'account:sms', timed: true }]);
    const proven = await database.transaction((sql) =>
      prove(sql, contactId!, { handle: phone(person, 'verified'), source: 'code:sms' }),
    );
    expect(proven.outcome).toBe('raised');
    expect(await rows()).toEqual([{ proof: 'verified', source: 'code:sms', timed: true }]);
  });

  it('joins by a proof that comes later, and turns a claim into it', async () => {
    const a = await write([phone(person)]);
    const claimed = await write([handle(`visitor/web:v${count}`), phone(person, 'claimed')], { account: 'app' });
    expect(claimed.contactId).not.toBe(a.contactId);
    const proven = await database.transaction((sql) =>
      prove(sql, claimed.contactId!, { handle: phone(person, 'verified'), source: 'code:sms', accountId: 'sms' }),
    );
    expect(proven).toEqual({ outcome: 'merged', contactId: a.contactId });
    const [last] = (await told('contact.merged')).slice(-1);
    expect((last!['contact'] as { handles: Handle[] }).handles.filter(({ scheme }) => scheme === 'phone')).toHaveLength(
      1,
    );
  });

  it('restores both sides of a merge, with what came in between where its thread goes', async () => {
    const a = await write([phone(person)]);
    const b = await write([phone(other)]);
    await database.query(`update contact set name = 'Bea', metadata = '{"shoe": 38}' where id = $1`, [b.contactId]);
    const id = await merge(a.contactId, b.contactId);
    const [filled] = await database.query<{ name: string; metadata: object }>(
      'select name, metadata from contact where id = $1',
      [a.contactId],
    );
    expect(filled).toEqual({ name: 'Bea', metadata: { shoe: 38 } });
    await database.query(
      `update conversation set status = 'closed', closed_at = now() - interval '1 year' where id = $1`,
      [b.conversationId],
    );
    const between = await write([phone(other)]); // joins the survivor's open conversation
    expect(between.conversationId).toBe(a.conversationId);
    expect(await undo(id)).toBe(b.contactId);
    const rows = await database.query<Record<string, unknown>>(
      'select id, name, metadata, merged_into from contact where id = any ($1) order by id',
      [[a.contactId, b.contactId]],
    );
    expect(rows).toEqual([
      { id: a.contactId, name: null, metadata: {}, merged_into: null },
      { id: b.contactId, name: 'Bea', metadata: { shoe: 38 }, merged_into: null },
    ]);
    const again = await write([phone(other)]);
    expect(again).toMatchObject({ contactId: b.contactId, threadId: b.threadId });
    expect(again.conversationId).not.toBe(a.conversationId);
    expect(await contactOf('conversation', again.conversationId)).toBe(b.contactId);
    expect(await write([phone(person)])).toMatchObject({ contactId: a.contactId, conversationId: a.conversationId });
    const [event] = (await told('contact.unmerged')).slice(-1);
    expect(event).toMatchObject({
      merge: { id, survivorId: a.contactId, mergedId: b.contactId },
      restored: { id: b.contactId, name: 'Bea', handles: [phone(other)] },
    });
    await expect(undo(id)).rejects.toMatchObject({ name: 'MergeRefused', code: 'undone' });
  });

  it('leaves no conversation with a thread of somebody else, nor an answer on its way to one', async () => {
    const a = await write([phone(person)]);
    const b = await write([phone(other)]);
    const id = await merge(a.contactId, b.contactId);
    await database.query(
      `update conversation set status = 'closed', closed_at = now() - interval '1 year' where id = $1`,
      [b.conversationId],
    );
    await write([phone(other)]);
    await undo(id);
    const [row] = await database.query<{ threads: string[]; last: string }>(
      `select array(select thread_id from conversation_thread where conversation_id = c.id) as threads, last_thread_id as last from conversation c where id = $1`, [a.conversationId]); // prettier-ignore
    expect(row).toEqual({ threads: [a.threadId], last: a.threadId });
  });

  it('undoes merges of merges in any order', async () => {
    const third = `${person}3`;
    const [a, b, c] = [await write([phone(person)]), await write([phone(other)]), await write([phone(third)])];
    const first = await merge(a.contactId, b.contactId);
    const second = await merge(c.contactId, a.contactId);
    expect(await contactOf('thread', b.threadId)).toBe(c.contactId);
    await undo(first);
    expect(await contactOf('thread', b.threadId)).toBe(b.contactId);
    expect(await contactOf('thread', a.threadId)).toBe(c.contactId);
    await undo(second);
    expect(await contactOf('thread', a.threadId)).toBe(a.contactId);
    expect(await contactOf('thread', b.threadId)).toBe(b.contactId);
  });

  it('merges once, whoever asks at the same moment', async () => {
    const a = await write([phone(person)]);
    const b = await write([phone(other)]);
    const outcomes = await Promise.all([
      merge(a.contactId, b.contactId),
      merge(b.contactId, a.contactId),
      merge(a.contactId, b.contactId),
    ]);
    expect(outcomes.filter((id) => id !== null)).toHaveLength(1);
    await expect(merge('con_nobody', a.contactId)).rejects.toMatchObject({ code: 'not-found' });
  });

  it('joins nobody by claims, whatever the policy', async () => {
    const claim = (value: string) => ({
      ...parseHandleKey(`email:${value}${count}@x.example`),
      proof: 'claimed' as const,
    });
    const a = await write([claim('a')]);
    const b = await write([claim('b')]);
    expect(await write([claim('a'), claim('b')])).toMatchObject({ contactId: a.contactId });
    expect(await contactOf('thread', b.threadId)).toBe(b.contactId);
    expect((await write([claim('b')])).contactId).toBe(b.contactId);
    // Not even with a contact that has proofs: whoever claims the address that an agent once gave to somebody is a stranger.
    const proven = await write([phone(person)]);
    await merge(proven.contactId, b.contactId);
    const evil = await write([claim('evil'), claim('b')], { thread: `evil ${count}` });
    expect(evil.contactId).not.toBe(proven.contactId);
    expect(await contactOf('thread', a.threadId)).toBe(a.contactId);
  });

  it('takes whoever claims an address for a stranger once it belongs to somebody with proofs, and for themselves after undoing', async () => {
    const claim = { ...parseHandleKey(`email:spoof${count}@x.example`), proof: 'claimed' as const };
    const known = await write([phone(person)]);
    const unproven = await write([claim]);
    const id = await merge(known.contactId, unproven.contactId);
    await undo(id);
    expect((await write([claim])).contactId).toBe(unproven.contactId);
    await merge(known.contactId, unproven.contactId);
    expect([known.contactId, unproven.contactId]).not.toContain(
      (await write([claim], { thread: `other ${count}` })).contactId,
    );
  });

  it('lets a person decide for good: what was parted is not joined again by the same proofs', async () => {
    const a = await write([phone(person)]);
    const b = await write([phone(other)]);
    await write([phone(person), phone(other)]);
    const [made] = await database.query<{ id: string }>(
      'select id from merge where survivor_id = $1 and undone_at is null',
      [a.contactId],
    );
    await undo(made!.id);
    await write([phone(person), phone(other)]);
    expect(await contactOf('thread', b.threadId)).toBe(b.contactId);
    const conflicts = (await told('contact.conflict')).map(({ conflict }) => conflict);
    expect(conflicts).toContainEqual(expect.objectContaining({ contactIds: [a.contactId, b.contactId].sort() }));
  });

  it('leaves with its new owner what a merge before knew as another’s', async () => {
    const third = `${person}7`;
    const [a, b, x] = [await write([phone(person)]), await write([phone(other)]), await write([phone(third)])];
    await undo(await merge(a.contactId, b.contactId));
    await database.transaction((sql) =>
      moveHandle(sql, phone(other), { from: b.contactId!, to: x.contactId!, source: 'key:test' }),
    );
    const theirs = await write([phone(other)]);
    expect(theirs.contactId).toBe(x.contactId);
    await undo(await merge(x.contactId, b.contactId));
    expect(await contactOf('thread', theirs.threadId)).toBe(x.contactId);
    expect(await contactOf('conversation', theirs.conversationId)).toBe(x.contactId);
    expect((await write([phone(other)])).contactId).toBe(x.contactId);
  });

  it('sends no answer to whoever has the thread after them', async () => {
    const a = await write([phone(person)]);
    const b = await write([phone(other)]);
    const replies = new Replies(database, new FakeChannels({ sms: {} }));
    const later = await database.transaction((sql) =>
      replies.reply(sql, a.conversationId!, {
        parts: [{ type: 'text', text: 'for a' }],
        sendAt: new Date(Date.now() + 60_000).toISOString(),
      }),
    );
    await database.transaction((sql) =>
      moveHandle(sql, phone(person), { from: a.contactId!, to: b.contactId!, source: 'key:test' }),
    );
    expect((await write([phone(person)])).contactId).toBe(b.contactId);
    await expect(
      database.transaction((sql) =>
        replies.reply(sql, a.conversationId!, { parts: [{ type: 'text', text: 'for a' }] }),
      ),
    ).rejects.toMatchObject({ code: 'no-thread' });
    await database.query(`update message set send_at = now() - interval '1 s' where id = $1`, [later.id]);
    await new Schedule(database, new FakeChannels({ sms: {} })).enqueueDue();
    expect(
      await database.query("select status, failure->>'code' as code from message where id = $1", [later.id]),
    ).toEqual([{ status: 'failed', code: 'recipient-gone' }]);
    expect(await database.query('select 1 from unit where message_id = $1', [later.id])).toEqual([]);
  });

  it('tells of a parting whoever was told of the joining', async () => {
    await addDestination(database, { id: `only${count}`, accounts: ['wechat'], events: ['contact.*'] });
    const a = await write([phone(person)]);
    const b = await write([handle(`wechat-openid/wx:only${count}`)], { account: 'wechat' });
    await undo(await merge(a.contactId, b.contactId));
    const rows = await database.query<{ type: string }>(
      `select e.type from outbox o join event e on e.id = o.item_id where o.target_id = $1 and e.type like 'contact.%merged' order by o.position`, [`only${count}`]); // prettier-ignore
    expect(rows.map(({ type }) => type)).toEqual(['contact.merged', 'contact.unmerged']);
    await database.query(`update destination set removed_at = now() where id = $1`, [`only${count}`]);
  });

  it('opens a conversation before the eyes of the helpdesk, also of somebody who was blocked', async () => {
    const a = await write([phone(person)]);
    const block = (blocked: boolean) =>
      database.query('update contact set blocked = $2 where id = $1', [a.contactId, blocked]);
    const types = async (id: string | null) => (await eventsOf(database, id)).map(({ type }) => type);
    await database.query(`update conversation set status = 'closed', closed_at = now() where id = $1`, [
      a.conversationId,
    ]);
    await block(true);
    await write([phone(person)]);
    const fresh = await write([handle(`app/x:${count}`), phone(person)], { account: 'app' });
    await block(false);
    await write([phone(person)]);
    expect((await types(a.conversationId)).slice(-2)).toEqual(['conversation.reopened', 'message.received']);
    await database.query(
      `update conversation set status = 'closed', closed_at = now() - interval '1 year' where id = $1`,
      [a.conversationId],
    );
    await block(true);
    const unseen = await write([phone(person)]);
    await block(false);
    await write([phone(person)]);
    expect(await types(unseen.conversationId)).toEqual(['conversation.opened', 'message.received']);
    expect(fresh.contactId).toBe(a.contactId);
  });

  it('tells of a contact without reading the threads of all others', async () => {
    const read = async (sql: Sql) => {
      const [row] = await sql.query<{ n: number }>(
        `select (seq_tup_read + coalesce(idx_tup_fetch, 0))::int as n from pg_stat_xact_user_tables where relname = 'thread'`,
      );
      return row!.n;
    };
    for (let n = 0; n < 20; n += 1) await write([phone(`${person.slice(0, -2)}${n + 10}`)]);
    const rows = await database.transaction(async (sql) => {
      for (const set of ['enable_seqscan = off', 'plan_cache_mode = force_generic_plan'])
        await sql.query(`set local ${set}`); // as in intake
      const before = await read(sql);
      await sql.query(
        `select emit('contact.updated', null, id, null, null, now()) from (select id from contact limit 1) c`,
      );
      return (await read(sql)) - before;
    });
    expect(rows).toBeLessThan(10);
  });
});

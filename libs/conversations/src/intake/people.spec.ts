import { afterAll, beforeAll, beforeEach, expect, it } from '@jest/globals';
import type { Database } from '#database';
import { describeOnEveryDatabase } from '#database/testing';
import { mergeContacts, prove, undoMerge } from '#identity';
import { parseHandleKey, type Handle } from '#normalizer';
import { writePolicy } from '../settings/policy.js';
import { addAccount, eventsOf, message, STORE } from '../testing/store.js';
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
});

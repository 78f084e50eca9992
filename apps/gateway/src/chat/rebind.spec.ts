import { beforeAll, expect, it } from '@jest/globals';
import { Intake, Store1700000000002, writePolicy } from '#conversations';
import { type Database } from '#database';
import { describeOnEveryDatabase } from '#database/testing';
import { Identity1700000000001, rebindVisitor } from '#identity';
import { parseInbound, type Handle } from '#normalizer';

describeOnEveryDatabase('rebinding a visitor', (open) => {
  let db: Database;
  let intake: Intake;
  let count = 0;

  beforeAll(async () => {
    db = await open({ entities: [], migrations: [Identity1700000000001, Store1700000000002] });
    await db.query(
      `insert into account (id, type, config, continuity, hosted) values ('web', 'webchat', '{}', 'contact', true), ('web2', 'webchat', '{}', 'contact', true)`,
    );
    intake = new Intake(db);
  });

  const visitorHandle = (visitor: string, account = 'web'): Handle => ({
    scheme: 'visitor',
    scope: account,
    value: visitor,
    proof: 'channel',
  });
  const client = (sub: string, account = 'web'): Handle => ({
    scheme: 'client',
    scope: account,
    value: sub,
    proof: 'verified',
  });
  const email = (value: string): Handle => ({ scheme: 'email', scope: '', value, proof: 'verified' });

  /** `at` is the thread, with the account before a slash where it is not `web`. */
  async function write(at: string, text: string, handles: Handle[]) {
    const [thread, account = 'web'] = at.split('/').reverse() as [string, string?];
    const event = parseInbound({
      kind: 'message',
      dedupeKey: `k${(count += 1)}`,
      thread,
      sender: { handles },
      parts: [{ type: 'text', text }],
    });
    return (await intake.accept(account, [event]))[0]!;
  }
  const identify = (visitorId: string, handles: Handle[], name?: string) =>
    db.transaction((sql) =>
      rebindVisitor(sql, {
        accountId: handles[0]!.scope,
        visitorId,
        handles,
        name,
        thread: `client:${handles[0]!.value}`,
      }),
    );
  const contactOf = async (conversationId: string) =>
    (await db.query<{ contact_id: string }>('select contact_id from conversation where id = $1', [conversationId]))[0]!
      .contact_id;
  const messagesOf = async (external: string) =>
    (await db.query<{ text: string; n: number }>(
      `select m.text, m.thread_sequence as n from message m join thread t on t.id = m.thread_id where t.external_id = $1 order by n`, [external],
    )).map(({ text, n }) => `${n}:${text}`); // prettier-ignore
  const events = (type: string) =>
    db.query<{ data: { merge: Record<string, unknown>; changes: string[] } }>(
      `select data from event where type = $1 order by position`,
      [type],
    );

  it('moves nothing for a visitor who never wrote', async () => {
    expect(await identify('vis_silent', [client('silent')])).toEqual({ outcome: 'nobody', threadIds: [] });
    expect(await db.query(`select 1 from handle where value = 'silent'`)).toEqual([]);
  });

  it('makes the visitor the person that nobody knew before', async () => {
    const first = await write('vis_a', 'hello', [visitorHandle('vis_a')]);
    expect(await identify('vis_a', [client('alice'), email('alice@example.com')], 'Alice')).toEqual({
      outcome: 'attached',
      threadIds: [first.threadId],
    });
    expect(await messagesOf('client:alice')).toEqual(['1:hello']);
    const next = await write('client:alice', 'again', [client('alice')]);
    expect([next.threadId, next.conversationId, next.threadSequence]).toEqual([
      first.threadId,
      first.conversationId,
      2,
    ]);
    expect(await identify('vis_a', [client('alice'), email('alice@example.com')])).toMatchObject({ outcome: 'known' });
    expect((await events('contact.updated')).map((e) => e.data.changes)).toEqual([['handles']]);
    const [contact] = await db.query<{ name: string }>(`select name from contact where id = $1`, [
      await contactOf(first.conversationId!),
    ]);
    expect(contact!.name).toBe('Alice');
  });

  it('moves an anonymous visitor to the person who is known, journalled and announced', async () => {
    const known = await write('client:bob', 'old', [client('bob')]);
    const first = await write('vis_b', 'new 1', [visitorHandle('vis_b')]);
    await write('vis_b', 'new 2', [visitorHandle('vis_b')]);
    const anonymous = await contactOf(first.conversationId!);
    const bob = await contactOf(known.conversationId!);
    expect(await identify('vis_b', [client('bob')])).toMatchObject({ outcome: 'merged' });
    expect(await messagesOf('client:bob')).toEqual(['1:old', '2:new 1', '3:new 2']);
    expect(await contactOf(first.conversationId!)).toBe(bob);
    expect(first.conversationId).not.toBe(known.conversationId);
    const [{ data } = { data: undefined }] = await events('contact.merged');
    expect(data!.merge).toMatchObject({
      survivorId: bob,
      mergedId: anonymous,
      threadIds: [first.threadId],
      conversationIds: [first.conversationId],
      reason: 'identify',
    });
    expect(data!.merge['handles']).toEqual([visitorHandle('vis_b')]);
    const [journal] = await db.query<{ survivor_id: string; moved: object }>(
      'select survivor_id, moved from merge where merged_id = $1',
      [anonymous],
    );
    expect(journal).toMatchObject({
      survivor_id: bob,
      moved: { conversations: [first.conversationId], threads: [first.threadId] },
    });
    const threads = await db.query(`select thread_id from conversation_thread where conversation_id = $1`, [
      first.conversationId,
    ]);
    expect(threads).toEqual([{ thread_id: known.threadId }]);
    expect((await write('client:bob', 'after', [client('bob')])).threadSequence).toBe(4);
  });

  it('finds the person by a proven address as well', async () => {
    const mail = await write('web2/mail-1', 'by mail', [{ ...email('carol@example.com'), proof: 'channel' }]);
    const chat = await write('vis_c', 'by chat', [visitorHandle('vis_c')]);
    expect(await identify('vis_c', [client('carol'), email('carol@example.com')])).toMatchObject({ outcome: 'merged' });
    expect(await contactOf(chat.conversationId!)).toBe(await contactOf(mail.conversationId!));
  });

  it('never trusts a claimed address', async () => {
    const mail = await write('web2/mail-2', 'spoofed', [{ ...email('dave@example.com'), proof: 'claimed' }]);
    const chat = await write('vis_d', 'hi', [visitorHandle('vis_d')]);
    expect(await identify('vis_d', [client('dave'), email('dave@example.com')])).toMatchObject({ outcome: 'attached' });
    expect(await contactOf(chat.conversationId!)).not.toBe(await contactOf(mail.conversationId!));
  });

  it('never joins two people who are identified', async () => {
    const erin = await write('vis_e', 'I am Erin', [visitorHandle('vis_e')]);
    await identify('vis_e', [client('erin')]);
    await write('client:frank', 'I am Frank', [client('frank')]);
    expect(await identify('vis_e', [client('frank')])).toEqual({ outcome: 'another', threadIds: [] });
    expect(await identify('vis_e', [client('nobody-yet')])).toEqual({ outcome: 'another', threadIds: [] });
    expect(await messagesOf('client:erin')).toEqual(['1:I am Erin']);
    expect(await messagesOf('client:frank')).toEqual(['1:I am Frank']);
    expect(erin.contactId).toBe(await contactOf(erin.conversationId!));
  });

  it('keeps the same visitor id of two accounts apart', async () => {
    const other = await write('web2/vis_g', 'elsewhere', [visitorHandle('vis_g', 'web2')]);
    await write('vis_g', 'here', [visitorHandle('vis_g')]);
    await identify('vis_g', [client('grace')]);
    expect(await messagesOf('client:grace')).toEqual(['1:here']);
    expect((await write('web2/vis_g', 'still elsewhere', [visitorHandle('vis_g', 'web2')])).threadId).toBe(
      other.threadId,
    );
  });

  it('serves the same identification any number of times at once', async () => {
    await write('client:heidi', 'old', [client('heidi')]);
    await write('vis_h', 'new', [visitorHandle('vis_h')]);
    const outcomes = await Promise.all(Array.from({ length: 5 }, () => identify('vis_h', [client('heidi')])));
    expect(outcomes.map((o) => o.outcome).sort()).toEqual(['known', 'known', 'known', 'known', 'merged']);
    expect(await messagesOf('client:heidi')).toEqual(['1:old', '2:new']);
  });

  it('follows the policy for whatever else the token proves: only its own id names the person', async () => {
    await writePolicy(db, 'identity', { merge: 'never' });
    const known = await write('sms-li', 'by mail', [{ ...email('li@example.com'), proof: 'channel' }]);
    const asked = await write('vis_li', 'hello', [visitorHandle('vis_li')]);
    expect((await identify('vis_li', [client('li'), email('li@example.com')])).outcome).toBe('attached');
    expect(await contactOf(asked.conversationId!)).not.toBe(await contactOf(known.conversationId!));
    expect((await events('contact.conflict')).length).toBeGreaterThan(0);
    await writePolicy(db, 'identity', { merge: 'channel' });
  });
});

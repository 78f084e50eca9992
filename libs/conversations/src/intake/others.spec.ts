import { afterAll, beforeAll, expect, it } from '@jest/globals';
import type { Database } from '#database';
import { describeOnEveryDatabase } from '#database/testing';
import type { InboundMessage } from '#normalizer';
import { Replies } from '../reply/replies.js';
import { addAccount, eventsOf, FakeChannels, message, STORE } from '../testing/store.js';
import { Intake } from './intake.js';

describeOnEveryDatabase('what others say of somebody', (open) => {
  let database: Database;
  let intake: Intake;
  let replies: Replies;

  beforeAll(async () => {
    database = await open(STORE);
    await addAccount(database, { id: 'mail', continuity: 'thread' });
    [intake, replies] = [new Intake(database), new Replies(database, new FakeChannels({ mail: {} }))];
  });
  afterAll(() => database.close());

  const by = (value: string, proof: 'channel' | 'claimed') => ({
    handles: [{ scheme: 'email', scope: '', value, proof }],
  });
  const write = async (thread: string, from: string, more: Partial<InboundMessage> = {}) => {
    const [stored] = await intake.accept('mail', [
      { ...message(from, 'hi'), thread, sender: by(from, 'channel'), ...more },
    ]);
    return stored!;
  };
  const threadOf = async (externalId: string) => {
    const [thread] = await database.query<{ contact: string; handles: unknown; conversation: string; out: boolean }>(
      `select contact_id as contact, handles, conversation_id as conversation, opted_out_at is not null as out from thread where external_id = $1`,
      [externalId],
    );
    return thread!;
  };

  it.each(['opted-out', 'opted-in'] as const)('(%s) leaves their thread theirs', async (kind) => {
    const anna = `anna.${kind}@mail.example`;
    const { conversationId } = await write(kind, anna);
    const before = await threadOf(kind);
    const told = (await eventsOf(database)).length;
    await intake.accept('mail', [{ kind, dedupeKey: kind, thread: kind, sender: by(anna, 'claimed') }]);
    expect(await threadOf(kind)).toEqual({ ...before, out: kind === 'opted-out' });
    const contact = expect.objectContaining({ id: before.contact });
    expect((await eventsOf(database)).slice(told)).toMatchObject([{ type: `contact.${kind}`, data: { contact } }]);
    const next = await write(kind, anna);
    expect(next).toMatchObject({ contactId: before.contact, conversationId });
    const answer = database.transaction((sql) => replies.reply(sql, conversationId!, { text: 'hello' }));
    if (kind === 'opted-in') expect(await answer).toMatchObject({ status: 'queued' });
    else await expect(answer).rejects.toMatchObject({ code: 'opted-out' });
  });

  it('makes a thread where there is none: it is told before they write', async () => {
    const anna = 'anna.first@mail.example';
    const sender = by(anna, 'channel');
    await intake.accept('mail', [{ kind: 'opted-out', dedupeKey: 'first', thread: 'first', sender }]);
    const { contact, handles, out } = await threadOf('first');
    expect({ handles, out }).toEqual({ handles: sender.handles, out: true });
    expect(await write('first', anna)).toMatchObject({ contactId: contact });
  });

  it('is no answer to what was written to somebody else', async () => {
    const own = await write('own', 'anna@mail.example', { externalIds: ['own@mail.example'] });
    await write('eves', 'eve@mail.example', { replyTo: 'own@mail.example' });
    await write('own', 'anna@mail.example', { replyTo: 'own@mail.example' });
    const told = (await eventsOf(database)).flatMap(({ type, data }) => (type === 'message.received' ? data : []));
    expect(told.slice(-2)).toMatchObject([{ message: { replyTo: null } }, { message: { replyTo: own.id } }]);
  });
});

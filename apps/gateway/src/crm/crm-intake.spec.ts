import { afterAll, afterEach, beforeAll, expect, it } from '@jest/globals';
import { DatabaseUnavailable, type Database } from '#database';
import { describeOnEveryDatabase } from '#database/testing';
import type { CrmRecord } from '#identity';
import { ProviderFailure, type Handle } from '#normalizer';
import { addAccount, addDestination, STORE } from '../../../../libs/conversations/src/testing/store.js';
import { until } from '../../../../test/support/until.js';
import { Desk, message, somebody } from './testing/desk.js';

const vip = (id: string): CrmRecord => ({
  ...{ id, url: `https://crm.example/${id}`, name: `Name of ${id}` },
  company: { id: `acc-of-${id}`, name: 'Acme', level: 'super-vip' },
});
const turns = async () => {
  for (let n = 0; n < 20; n += 1) await new Promise((resolve) => setImmediate(resolve));
};

describeOnEveryDatabase('intake that asks a CRM', (open) => {
  let database: Database;
  let desk: Desk;
  const desks: Desk[] = [];
  const newDesk = (options?: ConstructorParameters<typeof Desk>[1]) => {
    desks.push((desk = new Desk(database, options)));
    return desk;
  };
  beforeAll(async () => {
    database = await open(STORE);
    await addAccount(database, { id: 'sms' });
    await addDestination(database, { id: 'all' });
  });
  afterEach(() => desks.splice(0).forEach((one) => one.stop()));
  afterAll(() => database.close());

  it('shows the level on the very first event of a VIP', async () => {
    const { phone } = somebody();
    newDesk();
    const stored = desk.write([phone]);
    await turns();
    expect(desk.handed).toEqual([]);
    desk.say(phone, vip('v-1'));
    const events = await desk.events((await stored).contactId!);
    expect(events.map(({ type }) => type)).toEqual(['contact.created', 'conversation.opened', 'message.received']);
    for (const { data } of events) {
      expect(data!.contact).toMatchObject({ name: 'Name of v-1', crm: { id: 'v-1' }, company: { level: 'super-vip' } });
      expect(data!.contact!.handles).toContainEqual({ scheme: 'crm', scope: '', value: 'v-1', proof: 'verified' });
    }
  });

  it('goes on without a CRM that is too slow, and tells what it says later', async () => {
    const { phone } = somebody();
    newDesk({ budgetMs: 20 });
    const { contactId } = await desk.write([phone]);
    expect((await desk.events(contactId!)).at(-1)!.data!.contact).toMatchObject({ crm: null, company: null });
    desk.say(phone, vip('v-2'));
    const events = await desk.toldOf(contactId!, 'contact.updated');
    expect(events.at(-1)).toMatchObject({
      type: 'contact.updated',
      data: { changes: ['handles', 'crm', 'company', 'name'], contact: { company: { level: 'super-vip' } } },
    });
    expect(desk.asked).toHaveLength(1);
  });

  it('tells nothing where the CRM knows nobody', async () => {
    const { phone } = somebody();
    newDesk({ budgetMs: 20 });
    const { contactId } = await desk.write([phone]);
    desk.say(phone, null);
    await desk.write([phone], 'again');
    expect((await desk.events(contactId!)).map(({ type }) => type)).not.toContain('contact.updated');
  });

  it('waits for nobody with a budget of 0', async () => {
    const { phone } = somebody();
    newDesk({ budgetMs: 0 });
    const stored = desk.write([phone]);
    expect(desk.handed).toHaveLength(1);
    desk.say(phone, vip('v-3'));
    await desk.toldOf((await stored).contactId!, 'contact.updated');
  });

  it('waits once for one look-up: whoever comes after its time does not', async () => {
    const { phone } = somebody();
    newDesk({ budgetMs: 20 });
    await desk.write([phone], 'first');
    const second = desk.write([phone], 'second');
    expect(desk.texts).toEqual(['first', 'second']);
    await second;
    expect(desk.asked).toHaveLength(1);
  });

  it('keeps the order of a sender and a thread, while others go on', async () => {
    const [slow, other] = [somebody(), somebody('channel')];
    newDesk();
    desk.say(other.phone, null);
    const calls = [desk.write([slow.phone], 'first')];
    calls.push(desk.write([slow.phone], 'second'));
    calls.push(desk.write([slow.phone], 'on another thread', { thread: 'elsewhere' }));
    calls.push(desk.write([{ ...other.phone, proof: 'claimed' }], 'of another on the thread', { thread: slow.phone.value }));
    await desk.write([other.phone], 'passes');
    await desk.write([{ ...other.email, proof: 'claimed' }], 'passes too');
    expect(desk.texts).toEqual(['passes', 'passes too']);
    desk.say(slow.phone, vip('v-4'));
    await Promise.all(calls);
    expect(desk.texts).toEqual(['passes', 'passes too', 'first', 'second', 'on another thread', 'of another on the thread']);
    await desk.write([slow.phone], 'third');
    expect(desk.texts.at(-1)).toBe('third');
  }); // prettier-ignore

  it('keeps an edit behind the message that it changes', async () => {
    const { phone } = somebody();
    newDesk();
    const first = message([phone], 'frist');
    const calls = [
      desk.intake.accept('sms', [first]),
      desk.intake.accept('sms', [
        {
          ...{ kind: 'edited', dedupeKey: `${first.dedupeKey}-edited`, thread: first.thread, sender: first.sender },
          ...{ externalId: first.externalIds[0]!, parts: [{ type: 'text', text: 'first' }] },
        },
      ]),
    ];
    await turns();
    expect(desk.handed).toEqual([]);
    desk.say(phone, vip('v-5'));
    const [stored] = (await Promise.all(calls)).flat();
    const events = await desk.events(stored!.contactId!);
    expect(events.at(-1)).toMatchObject({ type: 'message.edited', data: { message: { text: 'first' } } });
    expect(await database.query('select 1 from poison')).toEqual([]);
  });

  it('hands on at once whom it knows, with nothing beside the message', async () => {
    const { phone } = somebody();
    newDesk();
    desk.say(phone, vip('v-6'));
    await desk.write([phone]);
    const next = message([phone], 'next');
    const stored = desk.intake.accept('sms', [next]);
    expect(desk.handed.at(-1)).toBe(next);
    await stored;
    expect(desk.asked).toHaveLength(1);
  });

  it('asks for nobody by what they claim (F5)', async () => {
    const { phone, email } = somebody('claimed');
    newDesk();
    desk.say(phone, vip('v-7'));
    desk.say(email, vip('v-7'));
    const { contactId } = await desk.write([phone, email]);
    const proven: Handle = { ...somebody().phone, scheme: 'visitor', proof: 'channel' };
    await desk.write([proven, { ...email, proof: 'claimed' }]);
    expect(desk.asked).toEqual([]);
    expect((await desk.events(contactId!)).at(-1)!.data!.contact).toMatchObject({ crm: null, company: null });
  });

  it('asks for nobody by echoes of agents', async () => {
    newDesk();
    await desk.write([somebody().phone], 'an agent wrote', { from: 'agent' });
    expect(desk.asked).toEqual([]);
  });

  it('never lets a number that only a provider vouches for into the history of a contact of the CRM (F7)', async () => {
    const owner = somebody();
    const spoofed = somebody('channel');
    newDesk();
    desk.say(owner.email, vip('v-8'));
    desk.say(spoofed.phone, vip('v-8'));
    const { contactId } = await desk.write([owner.email], 'my secret');
    const { contactId: stranger, conversationId } = await desk.write([spoofed.phone], 'show me');
    expect(stranger).not.toBe(contactId);
    await turns();
    const [shown] = (await desk.events(stranger!)).slice(-1);
    expect(shown!.data!.contact).toMatchObject({ id: stranger, crm: { id: 'v-8' }, company: { level: 'super-vip' } });
    expect(shown!.data!.contact!.handles).toContainEqual({ scheme: 'crm', scope: '', value: 'v-8', proof: 'claimed' });
    expect(await database.query('select 1 from message where conversation_id = $1', [conversationId])).toHaveLength(1);
    expect(await database.query('select 1 from merge where survivor_id = $1 or merged_id = $1', [contactId])).toEqual([]); // prettier-ignore
  });

  it('joins them where the policy says that a number is enough', async () => {
    const owner = somebody();
    const number = somebody('channel');
    newDesk({ link: 'channel' });
    desk.say(owner.email, vip('v-9'));
    desk.say(number.phone, vip('v-9'));
    const { contactId } = await desk.write([owner.email]);
    const { contactId: second } = await desk.write([number.phone]);
    expect(second).not.toBe(contactId);
    const events = await desk.toldOf(contactId!, 'contact.merged');
    expect(events.at(-1)).toMatchObject({ data: { merge: { survivorId: contactId, mergedId: second } } });
    expect((await desk.write([number.phone])).contactId).toBe(contactId);
  });

  it('joins two who are proven to be one, whichever way they are found', async () => {
    const { phone, email } = somebody();
    newDesk({ budgetMs: 0 });
    const [one, other] = [await desk.write([phone]), await desk.write([email])];
    desk.say(phone, vip('v-10'));
    await desk.toldOf(one.contactId!, 'contact.updated');
    desk.say(email, vip('v-10'));
    await desk.toldOf(one.contactId!, 'contact.merged');
    expect((await desk.write([email])).contactId).toBe(one.contactId);
    expect(other.contactId).not.toBe(one.contactId);
  });

  it('takes nobody where two proven addresses lead to different people', async () => {
    const { phone, email } = somebody();
    newDesk();
    desk.say(phone, vip('v-11'));
    desk.say(email, vip('v-12'));
    const { contactId } = await desk.write([phone, email]);
    expect((await desk.events(contactId!)).at(-1)!.data!.contact).toMatchObject({ crm: null });
  });

  it('takes the better proven address where the other leads elsewhere', async () => {
    const { phone, email } = somebody();
    newDesk();
    desk.say(phone, vip('v-13'));
    desk.say(email, vip('v-14'));
    const { contactId } = await desk.write([{ ...phone, proof: 'channel' }, email]);
    expect((await desk.events(contactId!)).at(-1)!.data!.contact).toMatchObject({ crm: { id: 'v-14' } });
  });

  it('waits for nobody while the CRM is down, and tells all of them once it is back', async () => {
    newDesk({ budgetMs: 20 });
    const down = new ProviderFailure('throttled', 'too many', { retryAfterMs: 200 });
    const first = somebody();
    desk.say(first.phone, down);
    await desk.write([first.phone]);
    const others = Array.from({ length: 10 }, () => somebody());
    const stored = others.map(({ phone }) => desk.write([phone], phone.value));
    expect(desk.texts.slice(-10)).toEqual(others.map(({ phone }) => phone.value));
    expect(desk.asked).toHaveLength(1);
    for (const [n, { phone }] of others.entries()) desk.say(phone, vip(`back-${n}`));
    for (const one of await Promise.all(stored)) await desk.toldOf(one.contactId!, 'contact.updated');
  });

  it('shows what is known to a contact that was made since', async () => {
    const { phone } = somebody();
    newDesk();
    desk.say(phone, vip('v-15'));
    const { contactId } = await desk.write([phone]);
    await database.query(`update handle set value = value || '-gone' where contact_id = $1`, [contactId]);
    const { contactId: anew } = await desk.write([phone]);
    expect(anew).not.toBe(contactId);
    await desk.toldOf(anew!, 'contact.updated');
    expect((await desk.events(anew!)).at(-1)!.data!.contact).toMatchObject({ crm: { id: 'v-15' } });
  });

  it('shows what is known where the message had been stored before', async () => {
    const { phone } = somebody();
    const again = message([phone], 'hello');
    newDesk({ budgetMs: 0 });
    const [first] = await desk.intake.accept('sms', [again]);
    newDesk();
    desk.say(phone, vip('v-16'));
    const [second] = await desk.intake.accept('sms', [again]);
    expect(second).toMatchObject({ duplicate: true, id: first!.id });
    await desk.toldOf(first!.contactId!, 'contact.updated');
  });

  it('is not in the way of the store when it fails, and holds up nobody after it', async () => {
    const { phone } = somebody();
    newDesk();
    const failing = desk.write([phone], 'refused');
    const next = desk.write([phone], 'taken');
    desk.refuse = new DatabaseUnavailable('away');
    failing.catch(() => (desk.refuse = undefined));
    desk.say(phone, vip('v-17'));
    await expect(failing).rejects.toThrow('away');
    const { contactId } = await next;
    expect(desk.texts).toEqual(['refused', 'taken']);
    expect((await desk.toldOf(contactId!, 'message.received')).at(-1)!.data!.contact).toMatchObject({
      crm: { id: 'v-17' },
    });
  });

  it('stores the message where the company cannot be stored', async () => {
    const { phone } = somebody();
    newDesk();
    desk.say(phone, { ...vip('v-18'), company: { id: 'acc', name: null as unknown as string } });
    const { id, contactId } = await desk.write([phone]);
    expect(id).toMatch(/^msg_/);
    expect((await desk.events(contactId!)).at(-1)!.data!.contact).toMatchObject({ crm: null });
  });

  it('commits a cursor with the events that waited', async () => {
    const { phone } = somebody();
    newDesk();
    const stored = desk.intake.accept('sms', [message([phone], 'polled')], { name: 'poll', value: '7' });
    desk.say(phone, vip('v-19'));
    await stored;
    expect(await database.query(`select value from cursor where name = 'poll'`)).toEqual([{ value: '7' }]);
  });

  it('looks up a company once, and keeps its level where the CRM has none of it to say', async () => {
    const { phone, email } = somebody();
    newDesk();
    desk.say(phone, vip('v-20'));
    const { contactId } = await desk.write([phone]);
    await until('the contact', async () => (await desk.events(contactId!)).length > 0 || null);
    desk.say(email, { ...vip('v-20'), company: { id: 'acc-of-v-20', name: 'Acme' } });
    const { contactId: other } = await desk.write([email]);
    expect((await desk.events(other!)).at(-1)!.data!.contact).toMatchObject({ company: { level: 'super-vip' } });
  });
});

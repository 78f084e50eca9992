import { afterAll, beforeAll, beforeEach, expect, it } from '@jest/globals';
import type { Database } from '#database';
import { describeOnEveryDatabase, describeOnPostgres } from '#database/testing';
import { languageDetector, type InboundMessage } from '#normalizer';
import { arrange } from '../intake/arrange.js';
import { Intake } from '../intake/intake.js';
import { toItem } from '../intake/item.js';
import { changeConversation } from '../queries/change-conversation.js';
import { Replies } from '../reply/replies.js';
import { addAccount, eventsOf, FakeChannels, message, STORE } from '../testing/store.js';
import { writeRouting, type RoutingHints, type RoutingRule } from './routing.js';

const OFFICE = { zone: 'Asia/Shanghai', weekly: { mon: ['09:00-12:00', '13:00-18:00'] }, closed: ['2026-10-05'] };
const VIP: RoutingRule = {
  name: 'VIP',
  when: { level: ['vip', 'super-vip'] },
  set: { priority: 'urgent', queue: 'vip', tags: ['vip'] },
};

interface Shown extends RoutingHints {
  readonly id: string;
}

describeOnEveryDatabase('routing', (open) => {
  let database: Database;
  let intake: Intake;
  let person: string;
  let count = 0;

  beforeAll(async () => {
    database = await open(STORE);
    await addAccount(database, { id: 'sms', type: 'sms-twilio' });
    await addAccount(database, { id: 'chat', type: 'webchat' });
    intake = new Intake(database, { languageOf: await languageDetector() });
  });
  beforeEach(async () => {
    count += 1;
    person = `+8613800${String(count).padStart(6, '0')}`;
    await rules(VIP);
  });
  afterAll(() => database.close());

  const rules = (...given: RoutingRule[]) => writeRouting(database, { hours: { office: OFFICE }, rules: given });
  const arrive = async (text = 'hello', more: Partial<InboundMessage> & { on?: string } = {}) => {
    const { on = 'sms', ...rest } = more;
    const [stored] = await intake.accept(on, [message(person, text, rest)]);
    return { id: stored!.conversationId!, contact: stored!.contactId! };
  };
  /** What the events of a conversation show of it, in order. */
  const told = async (id: string) =>
    (await eventsOf(database, id)).map(({ type, data }) => {
      const { priority, queue, tags } = data['conversation'] as Shown;
      return [type, priority, queue, tags?.join(), ...(data['changes'] ? [data['changes']] : [])];
    });
  const company = async (contact: string, more: { level?: string; products?: string[] } = {}) => {
    const id = `cmp_${count}`;
    await database.query('insert into company (id, external_id, name, level, products) values ($1, $2, $3, $4, $5)', [
      id,
      `ERP-${count}`,
      `Firm ${count}`,
      more.level ?? null,
      more.products ?? [],
    ]);
    await database.query('update contact set company_id = $2 where id = $1', [contact, id]);
    return id;
  };
  const close = (id: string) =>
    database.query(`update conversation set status = 'closed', closed_at = now() where id = $1`, [id]);
  /** A conversation of somebody known, closed long ago. */
  const known = async (more: { level?: string; products?: string[] } = {}) => {
    await writeRouting(database, { hours: {}, rules: [] });
    const { id, contact } = await arrive();
    await company(contact, more);
    await database.query(
      `update conversation set status = 'closed', closed_at = now() - interval '1 year' where id = $1`,
      [id],
    );
    return contact;
  };
  const queueOf = async (id: string) => (await told(id)).at(-1)![2];

  it('puts priority, queue and tags into the events of the first message', async () => {
    await known({ level: 'vip' });
    await rules(VIP);
    const { id } = await arrive();
    expect(await told(id)).toEqual([
      ['conversation.opened', 'urgent', 'vip', 'vip'],
      ['message.received', 'urgent', 'vip', 'vip'],
    ]);
    await arrive('again');
    expect((await told(id)).at(-1)).toEqual(['message.received', 'urgent', 'vip', 'vip']);
  });

  it('leaves a conversation alone that no rule matches, or without rules', async () => {
    const { id } = await arrive();
    await rules();
    await close(id);
    await arrive();
    expect(await told(id)).toEqual([
      ['conversation.opened', 'normal', null, ''],
      ['message.received', 'normal', null, ''],
      ['conversation.reopened', 'normal', null, ''],
      ['message.received', 'normal', null, ''],
    ]);
  });

  it('lets the first rule that matches decide, and it alone', async () => {
    await rules(
      { name: 'no', when: { channel: ['email'] }, set: { queue: 'no' } },
      { name: 'first', when: { channel: ['sms-twilio'] }, set: { queue: 'first' } },
      { name: 'second', when: {}, set: { queue: 'second', priority: 'high', tags: ['second'] } },
    );
    expect((await told((await arrive()).id))[0]).toEqual(['conversation.opened', 'normal', 'first', '']);
    person = `${person}9`;
    expect((await told((await arrive('hello', { on: 'chat' })).id))[0]).toEqual([
      'conversation.opened',
      'high',
      'second',
      'second',
    ]);
  });

  const metadata = { product: 'Cloud', questionType: 'billing' };
  it.each<[string, RoutingRule['when'], Parameters<typeof arrive>]>([
    ['level', { level: ['gold'] }, []],
    ['id of the company', { company: ['cmp_?'] }, []],
    ['external id of the company', { company: ['ERP-?'] }, []],
    ['name of the company', { company: ['Firm ?'] }, []],
    ['channel', { channel: ['sms-twilio'] }, []],
    ['account', { account: ['other', 'sms'] }, []],
    ['product of the company', { product: ['CRM'] }, []],
    ['product told beforehand', { product: ['Cloud'] }, ['hi', { metadata }]],
    ['question type', { questionType: ['billing'] }, ['hi', { metadata }]],
    ['language of the text', { language: ['zh'] }, ['我的订单还没有到', { language: 'en-US' }]],
    ['language that the channel tells', { language: ['de'] }, ['ok', { language: 'de-AT' }]],
    ['several', { level: ['gold'], language: ['zh'], product: ['CRM', 'x'], account: ['sms'] }, ['请问怎么退款']],
  ])('goes by %s, and by nothing else', async (_, when, [text, more]) => {
    await known({ level: 'gold', products: ['ERP', 'CRM'] });
    const values = Object.entries(when).map(([fact, list]) => [fact, list!.map((v) => v.replace('?', String(count)))]);
    await rules({ name: 'it', when: Object.fromEntries(values), set: { queue: 'it' } });
    expect(await queueOf((await arrive(text, more)).id)).toBe('it');
    person = `${person}9`;
    expect(await queueOf((await arrive('Where is my order, please?', { on: 'chat', language: 'fr' })).id)).toBeNull();
  });

  it('goes by the hour at which it was opened', async () => {
    await rules(
      { name: 'day', when: { during: ['always'] }, set: { queue: 'day' } },
      { name: 'night', when: { outside: ['never', 'none'] }, set: { queue: 'night' } },
    );
    const always = { zone: 'UTC', weekly: allWeek('00:00-24:00'), closed: [] };
    const never = { zone: 'UTC', weekly: {}, closed: [] };
    const given = [
      { name: 'closed', when: { during: ['never'] }, set: { queue: 'no' } },
      { name: 'not open', when: { outside: ['never', 'always'] }, set: { queue: 'no' } },
      { name: 'none of them', when: { outside: ['never'] }, set: { queue: 'outside' } },
    ];
    await writeRouting(database, { hours: { always, never }, rules: given });
    expect(await queueOf((await arrive()).id)).toBe('outside');
    await writeRouting(database, {
      hours: { always, never },
      rules: [{ name: 'in', when: { during: ['never', 'always'] }, set: { queue: 'in' } }],
    });
    person = `${person}9`;
    expect(await queueOf((await arrive()).id)).toBe('in');
  });

  it('judges anew what is opened again, and takes back what it had set', async () => {
    const contact = await known({ level: 'vip' });
    await rules(VIP);
    const { id } = await arrive();
    await close(id);
    await rules({ name: 'all', when: {}, set: { queue: 'all', tags: ['again'] } });
    await arrive('are you there?');
    expect((await told(id)).slice(-2)).toEqual([
      ['conversation.reopened', 'normal', 'all', 'again'],
      ['message.received', 'normal', 'all', 'again'],
    ]);
    expect(contact).toMatch(/^con_/);
  });

  it('tells once of a level that is known late', async () => {
    const { id, contact } = await arrive();
    const firm = await company(contact);
    expect(await queueOf(id)).toBeNull();
    await database.query(`update company set level = 'vip' where id = $1`, [firm]);
    await database.query(`update company set level = 'super-vip' where id = $1`, [firm]);
    await database.query(`update company set name = 'The same' where id = $1`, [firm]);
    expect((await told(id)).slice(2)).toEqual([
      ['conversation.updated', 'urgent', 'vip', 'vip', ['priority', 'queue', 'tags']],
    ]);
    await database.query('update contact set company_id = null where id = $1', [contact]);
    expect((await told(id)).slice(3)).toEqual([
      ['conversation.updated', 'normal', null, '', ['priority', 'queue', 'tags']],
    ]);
    expect((await arrive('more')).id).toBe(id);
    expect((await told(id)).at(-1)).toEqual(['message.received', 'normal', null, '']);
  });

  it('tells nothing of changes that undo each other in one transaction', async () => {
    const { id, contact } = await arrive();
    const firm = await company(contact);
    await database.transaction(async (sql) => {
      await sql.query(`update company set level = 'vip' where id = $1`, [firm]);
      await sql.query('update company set level = null where id = $1', [firm]);
    });
    expect(await told(id)).toHaveLength(2);
  });

  it('judges by what is known of the opening, however late the level comes', async () => {
    const then = new Date(Date.now() - 3 * 86_400_000);
    const day = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'][then.getUTCDay()]!;
    const first = { zone: 'UTC', weekly: { [day]: ['00:00-24:00'] }, closed: [] };
    const when = { level: ['vip'], language: ['zh'], account: ['chat'], during: ['first'] };
    await writeRouting(database, { hours: { first }, rules: [{ name: 'zh', when, set: { queue: 'zh' } }] });
    const { id, contact } = await arrive('我要退款', { on: 'chat' });
    await database.query(
      `update conversation set routing = jsonb_set(routing, '{at}', to_jsonb($2::text)) where id = $1`,
      [id, then.toISOString()],
    );
    expect((await arrive('and now by SMS, in English')).id).toBe(id);
    await company(contact, { level: 'vip' });
    expect((await told(id)).at(-1)).toEqual(['conversation.updated', 'normal', 'zh', '', ['queue']]);
  });

  it('never goes over what a person set, and sets the rest', async () => {
    const { id, contact } = await arrive();
    const patch = (change: Parameters<typeof changeConversation>[2]['change']) =>
      changeConversation(database, id, { change, accounts: null });
    await patch({ priority: 'normal', tags: ['mine'] });
    const firm = await company(contact, { level: 'vip' });
    expect((await told(id)).at(-1)).toEqual(['conversation.updated', 'normal', 'vip', 'mine', ['queue']]);
    await patch({ queue: null });
    await database.query('update company set level = null where id = $1', [firm]);
    await database.query(`update company set level = 'vip' where id = $1`, [firm]);
    await close(id);
    await arrive();
    expect((await told(id)).slice(-3)).toEqual([
      ['conversation.updated', 'normal', null, 'mine', ['queue']],
      ['conversation.reopened', 'normal', null, 'mine'],
      ['message.received', 'normal', null, 'mine'],
    ]);
  });

  it('keeps tags that were there, and takes away only its own', async () => {
    const contact = await known({ level: 'vip' });
    await rules(VIP);
    const { id } = await arrive();
    await database.query(`update conversation set tags = tags || '{other}' where id = $1`, [id]);
    await database.query('update contact set company_id = null where id = $1', [contact]);
    expect((await told(id)).at(-1)!.slice(3)).toEqual(['other', ['priority', 'queue', 'tags']]);
  });

  it('leaves closed conversations alone, and tells nothing of a blocked contact', async () => {
    const { id, contact } = await arrive();
    await close(id);
    const firm = await company(contact, { level: 'vip' });
    expect(await told(id)).toHaveLength(2);
    await arrive();
    await database.query('update contact set blocked = true where id = $1', [contact]);
    await database.query('update company set level = null where id = $1', [firm]);
    expect((await told(id)).at(-1)).toEqual(['message.received', 'urgent', 'vip', 'vip']);
  });

  it('judges a conversation anew that moves to another contact', async () => {
    const { id } = await arrive();
    person = `${person}9`;
    await rules();
    const other = await arrive();
    await company(other.contact, { level: 'vip' });
    await rules(VIP);
    await database.query('update conversation set contact_id = $2 where id = $1', [id, other.contact]);
    expect((await told(id)).at(-1)).toEqual([
      'conversation.updated',
      'urgent',
      'vip',
      'vip',
      ['priority', 'queue', 'tags'],
    ]);
  });

  it('routes what the company begins', async () => {
    const contact = await known({ level: 'vip' });
    await rules(VIP);
    const replies = new Replies(database, new FakeChannels({ sms: {} }));
    const { conversationId } = await database.transaction((sql) =>
      replies.writeFirst(sql, { to: { contactId: contact }, accountId: 'sms', text: 'Your invoice' }),
    );
    expect(await told(conversationId)).toEqual([
      ['conversation.opened', 'urgent', 'vip', 'vip'],
      ['message.queued', 'urgent', 'vip', 'vip'],
    ]);
  });

  it('refuses a time zone that the database does not know, and keeps the rules in force', async () => {
    const hours = { office: { ...OFFICE, zone: 'Mars/Olympus' } };
    await expect(writeRouting(database, { hours, rules: [] })).rejects.toThrow('routing.hours.office.zone');
    await known({ level: 'vip' });
    await rules(VIP);
    await writeRouting(database, { hours, rules: [] }).catch(() => undefined);
    expect(await queueOf((await arrive()).id)).toBe('vip');
  });
});

describeOnPostgres('routing at the same moment', (open) => {
  it('misses no level that changes while a conversation is being opened', async () => {
    const database = await open(STORE);
    await addAccount(database, { id: 'sms' });
    await writeRouting(database, { hours: {}, rules: [VIP] });
    const [known] = await new Intake(database).accept('sms', [message('+8613700000001', 'hello')]);
    await database.query(`update conversation set status = 'closed', closed_at = now() - interval '1 year'`);
    await database.query(`insert into company (id, name) values ('cmp_1', 'Firm')`);
    await database.query(`update contact set company_id = 'cmp_1'`);
    const items = arrange(toItem('sms', message('+8613700000001', 'again')));
    let change: Promise<unknown> = Promise.resolve();
    await database.transaction(async (sql) => {
      await sql.query('select * from intake($1::jsonb, null)', [JSON.stringify(items)]);
      let over = false;
      change = database.query(`update company set level = 'vip'`).finally(() => (over = true));
      const waits = async () => (await database.query(WAITING)).length > 0;
      while (!over && !(await waits())) await new Promise((resolve) => setTimeout(resolve, 5));
    });
    await change;
    const rows = await database.query(`select queue from conversation where status = 'open' and contact_id = $1`, [
      known!.contactId,
    ]);
    expect(rows).toEqual([{ queue: 'vip' }]);
    await database.close();
  });
});

const WAITING = `select 1 from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`;

function allWeek(span: string) {
  return Object.fromEntries(['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'].map((day) => [day, [span]]));
}

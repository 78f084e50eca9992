import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from '@jest/globals';
import { writeRouting } from '#conversations';
import { describeOnEveryDatabase, describeOnPostgres } from '#database/testing';
import { followCompany } from '#identity';
import { pino } from 'pino';
import { Stage } from '../api/testing/stage.js';
import { STORE } from '../api/testing/store.js';
import { CompanyChanges } from './company-changes.js';

const MANY = 250;
const RULE = { name: 'VIP', when: { level: ['vip'] }, set: { queue: 'vip' } };

interface Told {
  readonly type: string;
  readonly data: { changes: string[]; contact: { id: string; company: { level: string } | null } };
}

describeOnEveryDatabase('the change of a large company', (open) => {
  let api: Stage;
  let workers: CompanyChanges[] = [];

  beforeAll(async () => {
    api = await new Stage(await open(STORE)).open({ defaultCountry: 'CN' });
    await api.account('sms');
    await writeRouting(api.database, { hours: {}, rules: [RULE] });
  });
  beforeEach(() => api.database.query('delete from event'));
  afterEach(async () => {
    await Promise.all(workers.map((worker) => worker.stop()));
    workers = [];
  });
  afterAll(() => api.close());

  const start = () => {
    const worker = new CompanyChanges(api.database, pino({ level: 'silent' }));
    workers.push(worker);
    worker.start();
  };
  const told = () =>
    api.database.query<Told & Record<string, unknown>>('select type, data from event order by position');
  const left = async () => (await api.database.query('select 1 from company_change')).length;
  const followed = async () => {
    while ((await left()) > 0) await new Promise((resolve) => setTimeout(resolve, 20));
  };
  /** A company whose contacts have all been drawn, the last of whom has written. */
  const large = async (phone: string) => {
    const { body } = await api.post('/v1/companies', { name: phone, level: 'normal' });
    const { contactId, conversationId } = await api.arrive('sms', 'hello', phone);
    await api.patch(`/v1/contacts/${contactId}`, { companyId: body.id });
    await api.database.query(
      `insert into contact (id, company_id) select 'con_' || n || $1::text, $1 from generate_series(1, $2::int) n`,
      [body.id, MANY - 1],
    );
    await api.database.query('update contact set view = draw_contact(contact) where company_id = $1', [body.id]);
    await api.database.query('delete from event');
    return { id: body.id as string, contactId, conversationId };
  };
  const queue = async (id: string | null) => (await api.get(`/v1/conversations/${id}`)).body.queue as string | null;

  it('shows at once, and is told contact by contact by whoever goes on with it, none twice', async () => {
    const { id, conversationId } = await large('+8613900000011');
    await api.patch(`/v1/companies/${id}`, { level: 'vip' });
    expect(await told()).toEqual([]);
    const [shown] = await api.database.query(
      `select count(*)::int as n from contact where company_id = $1 and contact_view(id)->'company'->>'level' = 'vip'`,
      [id],
    );
    expect(shown).toEqual({ n: MANY });

    expect(await followCompany(api.database)).toBe(true); // and is killed
    const first = (await told()).length;
    expect(first).toBeGreaterThan(0);
    expect(first).toBeLessThan(MANY);
    start();
    start();
    await followed();
    const events = (await told()).filter(({ type }) => type === 'contact.updated');
    expect(new Set(events.map(({ data }) => data.contact.id)).size).toBe(MANY);
    expect(events).toHaveLength(MANY);
    for (const { data } of events) expect([data.changes, data.contact.company!.level]).toEqual([['company'], 'vip']);
    expect(await queue(conversationId)).toBe('vip');
  });

  it('reaches a message that comes before its contact is told of', async () => {
    const { id, contactId } = await large('+8613900000012');
    await api.patch(`/v1/companies/${id}`, { level: 'vip' });
    await api.arrive('sms', 'again', '+8613900000012');
    const [message] = await told();
    expect(message).toMatchObject({
      type: 'message.received',
      data: { contact: { id: contactId, company: { level: 'vip' } } },
    });
    while (await followCompany(api.database));
  });

  it('goes the same way when it is deleted, and takes queues away with it', async () => {
    const { id, conversationId } = await large('+8613900000013');
    await api.patch(`/v1/companies/${id}`, { level: 'vip' });
    while (await followCompany(api.database));
    expect(await queue(conversationId)).toBe('vip');
    await api.database.query('delete from event');

    start();
    expect((await api.delete(`/v1/companies/${id}`)).status).toBe(204);
    await followed();
    const events = (await told()).filter(({ type }) => type === 'contact.updated');
    expect(new Set(events.map(({ data }) => data.contact.id)).size).toBe(MANY);
    expect(events.every(({ data }) => data.contact.company === null)).toBe(true);
    expect(await queue(conversationId)).toBeNull();
  });

  it('is all in one transaction where the company is small', async () => {
    const { contactId, conversationId } = await api.arrive('sms', 'hello', '+8613900000014');
    const { body } = await api.post('/v1/companies', { name: 'small', level: 'vip' });
    await api.patch(`/v1/contacts/${contactId}`, { companyId: body.id });
    expect(await queue(conversationId)).toBe('vip');
    await api.database.query('delete from event');
    await api.delete(`/v1/companies/${body.id}`);
    expect(await left()).toBe(0);
    expect((await told()).map(({ type }) => type).sort()).toEqual(['contact.updated', 'conversation.updated']);
    expect(await queue(conversationId)).toBeNull();
  });
});

describeOnPostgres('the change of a company at the same moment', (open) => {
  it('reaches a contact who is being drawn as it was', async () => {
    const api = await new Stage(await open(STORE)).open({ defaultCountry: 'CN' });
    const { body: company } = await api.post('/v1/companies', { name: 'Acme', level: 'normal' });
    const { body: contact } = await api.post('/v1/contacts', { companyId: company.id });
    const drawn = api.database.transaction(async (sql) => {
      await sql.query('update contact set view = draw_contact(contact) where id = $1', [contact.id]);
      const [self] = await sql.query<{ pid: number }>('select pg_backend_pid() as pid');
      const change = api.patch(`/v1/companies/${company.id}`, { level: 'vip' });
      const waits = 'select 1 from pg_stat_activity where $1 = any (pg_blocking_pids(pid))';
      let done = false;
      void change.then(() => (done = true));
      while (!done && (await api.database.query(waits, [self!.pid])).length === 0);
      return { change };
    });
    await (
      await drawn
    ).change;
    const [row] = await api.database.query('select contact_view($1)->$2 as company', [contact.id, 'company']);
    expect(row).toMatchObject({ company: { level: 'vip' } });
    await api.close();
  });
});

import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { Intake, writePolicy, type ArrivingEvent } from '#conversations';
import type { Database } from '#database';
import { describeOnEveryDatabase } from '#database/testing';
import { addAccount, addDestination, eventsOf, message, STORE } from '../../../conversations/src/testing/store.js';
import { applyCrm, isCrmTaken, storeCrmCompany, type CrmFinding } from './apply.js';

interface Shown {
  readonly contact: {
    readonly id: string;
    readonly name: string | null;
    readonly crm: unknown;
    readonly company: { readonly level: string } | null;
    readonly handles: readonly { readonly scheme: string; readonly value: string; readonly proof: string }[];
  };
  readonly changes?: readonly string[];
}
const ACME = { id: 'acc-1', name: 'Acme', level: 'super-vip', products: ['lathe'], contracts: [{ no: 1 }], url: 'https://crm.example/acc-1' }; // prettier-ignore

describeOnEveryDatabase('what the CRM says', (open) => {
  let database: Database;
  let intake: Intake;
  let people = 0;
  beforeAll(async () => {
    database = await open(STORE);
    await addAccount(database, { id: 'sms' });
    await addDestination(database, { id: 'all' });
    intake = new Intake(database);
  });
  afterAll(() => database.close());

  const number = () => `+86137${String((people += 1)).padStart(8, '0')}`;
  const crm = (id: string, more: Partial<CrmFinding> = {}): CrmFinding => ({
    id,
    url: `https://crm.example/${id}`,
    ...more,
  });
  const write = async (from: string, finding?: CrmFinding) => {
    const event: ArrivingEvent = { ...message(from, 'hello'), ...(finding && { crm: finding }) } as ArrivingEvent;
    const [stored] = await intake.accept('sms', [event]);
    return stored!;
  };
  const told = async (contactId: string) =>
    (await eventsOf(database)).filter(
      ({ data }) => (data as unknown as Shown).contact?.id === contactId,
    ) as unknown as { type: string; data: Shown }[];
  const apply = (contactId: string, finding: CrmFinding) =>
    database.transaction((sql) => applyCrm(sql, contactId, finding));
  const links = async (contactId: string) =>
    await database.query(
      `select value, proof, source from handle where contact_id = $1 and scheme = 'crm' order by value`,
      [contactId],
    );

  it('stands on the first event already, with the level of the company', async () => {
    const companyId = await storeCrmCompany(database, ACME);
    const { contactId } = await write(number(), crm('p-1', { name: 'Li Wei', companyId, proof: 'verified' }));
    const events = await told(contactId!);
    expect(events.map(({ type }) => type)).toEqual(['contact.created', 'conversation.opened', 'message.received']);
    for (const { data } of events) {
      expect(data.contact).toMatchObject({
        name: 'Li Wei',
        crm: { id: 'p-1', url: 'https://crm.example/p-1' },
        company: { id: companyId, name: 'Acme', level: 'super-vip' },
      });
      expect(data.contact.handles).toContainEqual({ scheme: 'crm', scope: '', value: 'p-1', proof: 'verified' });
    }
  });

  it('is told of somebody known by contact.updated, and only once', async () => {
    const from = number();
    const companyId = await storeCrmCompany(database, ACME);
    const { contactId } = await write(from);
    await write(from, crm('p-2', { companyId, name: 'Wang' }));
    await write(from, crm('p-2', { companyId, name: 'Wang' }));
    expect(await apply(contactId!, crm('p-2', { companyId }))).toMatchObject({ outcome: 'suggested', changes: [] });
    const updates = (await told(contactId!)).filter(({ type }) => type === 'contact.updated');
    expect(updates).toHaveLength(1);
    expect(updates[0]!.data.changes).toEqual(['handles', 'crm', 'company', 'name']);
  });

  it('keeps the name that a person gave', async () => {
    const { contactId } = await write(number());
    await database.query(`update contact set name = 'Own name' where id = $1`, [contactId]);
    await apply(contactId!, crm('p-3', { name: 'Name in the CRM' }));
    expect((await told(contactId!)).at(-1)!.data.contact.name).toBe('Own name');
  });

  it('is a suggestion without proof, of which the latest stands, and any number of people may have it', async () => {
    const [one, other] = [await write(number()), await write(number())];
    await apply(one.contactId!, crm('p-4'));
    await apply(other.contactId!, crm('p-4'));
    expect(await links(one.contactId!)).toEqual([{ value: 'p-4', proof: 'claimed', source: 'crm' }]);
    expect(await links(other.contactId!)).toEqual([{ value: 'p-4', proof: 'claimed', source: 'crm' }]);
    await apply(one.contactId!, crm('p-5'));
    expect(await links(one.contactId!)).toEqual([{ value: 'p-5', proof: 'claimed', source: 'crm' }]);
    expect((await told(one.contactId!)).filter(({ type }) => type === 'contact.merged')).toEqual([]);
  });

  it('never joins without proof whom another proved (F7)', async () => {
    const [owner, stranger] = [await write(number()), await write(number())];
    await apply(owner.contactId!, crm('p-6', { proof: 'verified' }));
    expect(await apply(stranger.contactId!, crm('p-6', { join: true }))).toMatchObject({ outcome: 'suggested', contactId: stranger.contactId }); // prettier-ignore
    expect(await links(stranger.contactId!)).toEqual([{ value: 'p-6', proof: 'claimed', source: 'crm' }]);
  });

  it('joins two who are proven to be one contact of the CRM, but not inside intake', async () => {
    const [from, owner] = [number(), await write(number())];
    await apply(owner.contactId!, crm('p-7', { proof: 'verified' }));
    const { contactId } = await write(from, crm('p-7', { proof: 'verified' }));
    expect(contactId).not.toBe(owner.contactId);
    expect(await isCrmTaken(database, 'p-7', contactId!)).toBe(true);
    const applied = await apply(contactId!, crm('p-7', { proof: 'verified', join: true }));
    expect(applied).toMatchObject({ outcome: 'merged', contactId: owner.contactId });
    expect((await write(from)).contactId).toBe(owner.contactId);
    expect(await isCrmTaken(database, 'p-7', owner.contactId!)).toBe(false);
  });

  it('is a conflict where the policy joins by verified proofs only', async () => {
    await writePolicy(database, 'identity', { merge: 'verified' });
    const [owner, other] = [await write(number()), await write(number())];
    await apply(owner.contactId!, crm('p-8', { proof: 'verified' }));
    expect(await apply(other.contactId!, crm('p-8', { proof: 'channel', join: true }))).toMatchObject({ outcome: 'conflict' }); // prettier-ignore
    await writePolicy(database, 'identity', { merge: 'channel' });
    const conflicts = await database.query<{ handle: object }>('select handle from contact_conflict where $1 = any (contact_ids)', [other.contactId]); // prettier-ignore
    expect(conflicts.map(({ handle }) => handle)).toMatchObject([{ scheme: 'crm', value: 'p-8' }]);
  });

  it('never changes a proven link by itself, nor joins two of different ids', async () => {
    const [one, other] = [await write(number()), await write(number())];
    await apply(one.contactId!, crm('p-9', { proof: 'verified' }));
    await apply(other.contactId!, crm('p-10', { proof: 'verified' }));
    const applied = await apply(one.contactId!, crm('p-10', { proof: 'verified', join: true }));
    expect(applied).toMatchObject({ outcome: 'another', contactId: one.contactId, changes: [] });
    expect((await told(one.contactId!)).at(-1)!.data.contact.crm).toMatchObject({ id: 'p-9' });
    const merges = await database.query('select 1 from merge where survivor_id = any ($1) or merged_id = any ($1)', [[one.contactId, other.contactId]]); // prettier-ignore
    expect(merges).toEqual([]);
  });

  it('changes the link of its own where it is to be replaced, and none that somebody else gave', async () => {
    const { contactId } = await write(number());
    await apply(contactId!, crm('p-11', { proof: 'verified' }));
    expect(await apply(contactId!, crm('p-12', { proof: 'verified', replace: true }))).toMatchObject({ outcome: 'linked' }); // prettier-ignore
    expect(await links(contactId!)).toEqual([{ value: 'p-12', proof: 'verified', source: 'crm' }]);
    await database.query(`update handle set source = 'key:agent' where value = 'p-12'`);
    expect(await apply(contactId!, crm('p-13', { proof: 'verified', replace: true }))).toMatchObject({ outcome: 'another' }); // prettier-ignore
  });

  it('raises a suggestion to a link once there is proof', async () => {
    const { contactId } = await write(number());
    await apply(contactId!, crm('p-14'));
    expect(await apply(contactId!, crm('p-14', { proof: 'channel' }))).toMatchObject({ outcome: 'linked', changes: ['handles'] }); // prettier-ignore
    expect(await links(contactId!)).toEqual([{ value: 'p-14', proof: 'channel', source: 'crm' }]);
    expect(await apply(contactId!, crm('p-14', { proof: 'verified' }))).toMatchObject({ changes: ['handles'] });
    expect(await apply(contactId!, crm('p-14', { proof: 'channel' }))).toMatchObject({ changes: [] });
    expect(await apply(contactId!, crm('p-14'))).toMatchObject({ outcome: 'linked', changes: [] });
    expect(await links(contactId!)).toEqual([{ value: 'p-14', proof: 'verified', source: 'crm' }]);
  });

  it('keeps one company for an id, and what the CRM was not asked for', async () => {
    const id = await storeCrmCompany(database, { ...ACME, id: 'acc-2' });
    expect(await storeCrmCompany(database, { id: 'acc-2', name: 'Acme Ltd' })).toBe(id);
    const [kept] = await database.query(`select name, level, products, contracts, metadata from company where id = $1`, [id]); // prettier-ignore
    expect(kept).toEqual({ name: 'Acme Ltd', level: 'super-vip', products: ['lathe'], contracts: [{ no: 1 }], metadata: { url: ACME.url } }); // prettier-ignore
    await storeCrmCompany(database, { id: 'acc-2', name: 'Acme Ltd', level: null, products: [], url: null });
    const [cleared] = await database.query(`select level, products, contracts, metadata from company where id = $1`, [id]); // prettier-ignore
    expect(cleared).toEqual({ level: null, products: [], contracts: [{ no: 1 }], metadata: {} });
  });

  it('tells the contacts of a company that has another level', async () => {
    const companyId = await storeCrmCompany(database, { ...ACME, id: 'acc-4' });
    const { contactId } = await write(number(), crm('p-21', { companyId, proof: 'verified' }));
    await storeCrmCompany(database, { ...ACME, id: 'acc-4', level: 'vip' });
    await storeCrmCompany(database, { ...ACME, id: 'acc-4', level: 'vip', contracts: [] });
    const updates = (await told(contactId!)).filter(({ type }) => type === 'contact.updated');
    expect(updates).toMatchObject([{ data: { changes: ['company'], contact: { company: { level: 'vip' } } } }]);
  });

  it('writes nothing where the company is what it was', async () => {
    const id = await storeCrmCompany(database, { ...ACME, id: 'acc-3' });
    const at = () => database.query('select updated_at, xmin::text from company where id = $1', [id]);
    const before = await at();
    await storeCrmCompany(database, { ...ACME, id: 'acc-3' });
    expect(await at()).toEqual(before);
  });

  it('parks no message, whatever the CRM says', async () => {
    const { id, contactId } = await write(number(), crm('p-15', { companyId: 'cmp_gone', proof: 'verified' }));
    expect(id).toMatch(/^msg_/);
    expect((await told(contactId!)).at(-1)!.data.contact).toMatchObject({ crm: { id: 'p-15' }, company: null });
    const refused = await write(number(), { ...crm('p-16'), proof: 'nonsense' as 'channel' });
    expect(refused.id).toMatch(/^msg_/);
    expect(await database.query('select 1 from poison')).toEqual([]);
  });

  it('makes nobody of whom nothing is left', async () => {
    expect(await apply('con_nobody', crm('p-17'))).toMatchObject({ outcome: 'gone' });
    expect(await database.query(`select 1 from handle where value = 'p-17'`)).toEqual([]);
  });

  it('is told of no blocked contact', async () => {
    const { contactId } = await write(number());
    await database.query('update contact set blocked = true where id = $1', [contactId]);
    await apply(contactId!, crm('p-18'));
    expect((await told(contactId!)).filter(({ type }) => type === 'contact.updated')).toEqual([]);
  });

  it('puts its metadata to the contact, and takes out what it has no more', async () => {
    const { contactId } = await write(number());
    await database.query(`update contact set metadata = '{"own": 1}' where id = $1`, [contactId]);
    const metadata = async () => (await database.query('select metadata from contact where id = $1', [contactId]))[0];
    await apply(contactId!, crm('p-19', { metadata: { since: 2019, level: 'vip' } }));
    expect(await metadata()).toEqual({ metadata: { own: 1, since: 2019, level: 'vip' } });
    await apply(contactId!, crm('p-19', { metadata: { since: 2019, level: null } }));
    expect(await metadata()).toEqual({ metadata: { own: 1, since: 2019 } });
  });
});

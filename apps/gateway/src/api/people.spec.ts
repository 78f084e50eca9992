import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { describeOnEveryDatabase } from '#database/testing';
import { Stage } from './testing/stage.js';
import { STORE } from './testing/store.js';

interface Told {
  type: string;
  data: { changes?: string[]; contact: { id: string; company: { level: string; products: string[] } | null } };
}

describeOnEveryDatabase('the API: companies, and finding people', (open) => {
  let api: Stage;

  beforeAll(async () => {
    api = await new Stage(await open(STORE)).open({ defaultCountry: 'CN' });
  });
  afterAll(() => api.close());
  beforeEach(() => api.database.query('delete from event'));

  const told = () => api.database.query<Told>('select type, data from event order by position');
  const company = async (body: object) => (await api.post('/v1/companies', body)).body as { id: string };
  const contact = async (body: object) => (await api.post('/v1/contacts', body)).body as { id: string };
  const ids = async (query: string) => {
    const { status, body } = await api.get(`/v1/contacts?${query}`);
    expect([status, body]).toEqual([200, expect.anything()]);
    return body.items.map(({ id }: { id: string }) => id) as string[];
  };

  describe('companies', () => {
    it('are made, read, changed and deleted', async () => {
      const contracts = [{ id: 'C-1', name: 'Gold', level: 'VIP', startsOn: '2026-01-01', endsOn: '2026-12-31' }];
      const made = await api.post('/v1/companies', {
        externalId: 'K-1',
        name: 'Umbrella',
        level: 'Super VIP',
        products: ['CRM', 'Mail'],
        contracts,
        metadata: { region: '华东', gone: null },
      });
      expect([made.status, made.body]).toEqual([
        201,
        expect.objectContaining({
          externalId: 'K-1',
          level: 'super-vip',
          products: ['CRM', 'Mail'],
          contracts: [{ ...contracts[0], level: 'vip' }],
          metadata: { region: '华东' },
        }),
      ]);
      const { id } = made.body;
      const changed = await api.patch(`/v1/companies/${id}`, {
        level: 'gold plus',
        metadata: { region: null, size: 3 },
      });
      expect(changed.body).toMatchObject({ level: 'gold plus', products: ['CRM', 'Mail'], metadata: { size: 3 } });
      expect((await api.get(`/v1/companies?q=BREL&level=gold%20plus`)).body.items).toEqual([changed.body]);
      expect((await api.get(`/v1/companies?externalId=K-1`)).body.items).toEqual([changed.body]);
      expect((await api.get(`/v1/companies?externalId=K-2`)).body.items).toEqual([]);
      expect((await api.delete(`/v1/companies/${id}`)).status).toBe(204);
      expect((await api.get(`/v1/companies/${id}`)).status).toBe(404);
      expect((await api.delete(`/v1/companies/${id}`)).status).toBe(404);
      expect((await api.patch(`/v1/companies/${id}`, { name: 'x' })).status).toBe(404);
    });

    it('do not share an external id', async () => {
      const one = await company({ name: 'One', externalId: 'same' });
      const other = await company({ name: 'Other', externalId: 'other' });
      for (const answer of [
        await api.post('/v1/companies', { name: 'Two', externalId: 'same' }),
        await api.patch(`/v1/companies/${other.id}`, { externalId: 'same' }),
      ]) {
        expect([answer.status, answer.body.code, answer.body.detail]).toEqual([
          409,
          'taken',
          expect.stringContaining(one.id),
        ]);
      }
    });

    it.each([
      [{ name: 'x', contracts: [{ name: 'a', startsOn: '2026-02-30' }] }, 'contracts.0.startsOn'],
      [{ name: 'x', contracts: [{ name: 'a', startsOn: '2026-02-02', endsOn: '2026-01-01' }] }, 'contracts.0'],
      [{ name: 'x', contracts: [{ name: 'a', price: 1 }] }, 'contracts.0'],
      [{ name: 'x', products: [''] }, 'products.0'],
      [{ name: 'x', level: '' }, 'level'],
    ])('refuse %j', async (body, path) => {
      const { status, body: problem } = await api.post('/v1/companies', body);
      expect([status, problem.errors?.[0].path]).toEqual([422, path]);
    });

    it('are shown by their contacts, whom a change tells once each, and nothing else does', async () => {
      const { id: companyId } = await company({ name: 'Told', level: 'normal', products: ['A'] });
      const people = [await contact({ name: 'a', companyId }), await contact({ name: 'b', companyId })];
      await contact({ name: 'of nobody' });
      await api.database.query('delete from event');
      await api.patch(`/v1/companies/${companyId}`, { metadata: { x: 1 }, contracts: [{ name: 'c' }], name: 'Told' });
      expect(await told()).toEqual([]);
      await api.patch(`/v1/companies/${companyId}`, { level: 'vip', products: ['A', 'B'] });
      expect(await told()).toEqual(
        people.map(({ id }) => ({
          type: 'contact.updated',
          data: expect.objectContaining({
            changes: ['company'],
            contact: expect.objectContaining({
              id,
              company: { id: companyId, name: 'Told', level: 'vip', products: ['A', 'B'] },
            }),
          }),
        })),
      );
      expect(await ids(`companyId=${companyId}`)).toEqual(people.map(({ id }) => id));
      await api.database.query('delete from event');
      await api.delete(`/v1/companies/${companyId}`);
      expect((await told()).map(({ data }) => [data.changes, data.contact.id, data.contact.company])).toEqual(
        people.map(({ id }) => [['company'], id, null]),
      );
      expect((await api.get(`/v1/contacts/${people[0]!.id}`)).body).toMatchObject({ name: 'a', company: null });
    });

    it('show their change in the next message of a contact', async () => {
      await api.account('shown');
      const { contactId, conversationId } = await api.arrive('shown', 'first', '+8613912345678');
      const { id } = await company({ name: 'Shown', products: ['A'] });
      await api.patch(`/v1/contacts/${contactId}`, { companyId: id });
      await api.arrive('shown', 'second', '+8613912345678');
      await api.patch(`/v1/companies/${id}`, { products: ['B'] });
      await api.arrive('shown', 'third', '+8613912345678');
      const rows = await api.database.query<Told>(
        `select type, data from event where conversation_id = $1 and type = 'message.received' order by position`,
        [conversationId],
      );
      expect(rows.map(({ data }) => data.contact.company?.products)).toEqual([undefined, ['A'], ['B']]);
    });
  });

  describe('contacts', () => {
    it('have free data that is merged key by key, and the event names what changed', async () => {
      const { id } = await contact({ name: 'm', metadata: { a: 1, b: { c: 2 } } });
      await api.database.query('delete from event');
      const { body } = await api.patch(`/v1/contacts/${id}`, { metadata: { a: null, d: '中' } });
      expect(body.metadata).toEqual({ b: { c: 2 }, d: '中' });
      await api.patch(`/v1/contacts/${id}`, { metadata: { d: '中' }, name: 'm' });
      await api.patch(`/v1/contacts/${id}`, { metadata: { d: 'e' }, name: null, blocked: true });
      expect((await told()).map(({ type, data }) => [type, data.changes])).toEqual([
        ['contact.updated', ['metadata']],
        ['contact.updated', ['name', 'blocked', 'metadata']],
      ]);
    });

    it('are found by name, handle, and company, in any case and spelling', async () => {
      const { id: companyId } = await company({ name: 'Größe & Söhne 咨询', level: 'vip' });
      const wang = await contact({
        name: '欧阳娜娜',
        handles: [{ scheme: 'phone', value: '+8613512344321' }],
        companyId,
      });
      const jones = await contact({ name: 'Ángela Jones', handles: [{ scheme: 'email', value: 'AJ@Find.example' }] });
      const chat = await contact({
        name: null as unknown as string,
        handles: [{ scheme: 'wechat-openid', scope: 'wx1', value: 'oXyZ_9' }],
      });
      for (const [query, found] of [
        ['娜', wang],
        ['阳娜', wang],
        ['咨询', wang],
        ['GRÖSSE'.slice(0, 3), wang],
        ['1351234', wang],
        ['135 1234 4321', wang],
        ['0086-135-1234-4321', wang],
        ['＋86 135 1234', wang],
        ['jon', jones],
        ['ángela j', jones],
        ['aj@FIND', jones],
        ['find.example', jones],
        ['oxyz_', chat],
      ] as const) {
        expect([query, await ids(`q=${encodeURIComponent(query)}`)]).toEqual([query, [found.id]]);
      }
      for (const query of ['娜阳', 'jonse', '%', '_9%', '135 1234 4322', "'; drop table contact; --"]) {
        expect([query, await ids(`q=${encodeURIComponent(query)}`)]).toEqual([query, []]);
      }
      expect(await ids(`handle=${encodeURIComponent('phone:135 1234 4321')}`)).toEqual([wang.id]);
      expect(await ids(`handle=phone:%2B86135123443`)).toEqual([]);
      expect(await ids('level=vip')).toEqual([wang.id]);
      expect(await ids(`q=${encodeURIComponent('娜')}&level=normal`)).toEqual([]);
      await api.patch(`/v1/contacts/${wang.id}`, { blocked: true });
      expect(await ids(`q=${encodeURIComponent('娜')}&blocked=true`)).toEqual([wang.id]);
      expect(await ids(`q=${encodeURIComponent('娜')}&blocked=false`)).toEqual([]);
    });

    it('come in pages that hold everybody once, whichever way they are found', async () => {
      const { id: companyId } = await company({ name: 'Pagers' });
      const made: string[] = [];
      for (let n = 0; n < 7; n += 1) {
        const handles = [`pagers-${n}@x.example`, `pagers-b${n}@x.example`].map((value) => ({
          scheme: 'email',
          value,
        }));
        made.push((await contact({ name: n % 2 ? `Pagers ${n}` : `Nobody ${n}`, companyId, handles })).id);
      }
      const seen: string[] = [];
      for (let cursor: string | null = ''; cursor !== null;) {
        const { body } = await api.get(`/v1/contacts?q=pagers&limit=2${cursor && `&cursor=${cursor}`}`);
        expect(body.items.length).toBeLessThanOrEqual(2);
        seen.push(...body.items.map(({ id }: { id: string }) => id));
        cursor = body.next as string | null;
      }
      expect(seen).toEqual(made);
    });

    it('of other accounts are found by nobody who may not see them', async () => {
      await api.account('mine');
      await api.account('theirs');
      const { contactId } = await api.arrive('mine', 'x', '+8613777770001');
      await api.arrive('theirs', 'x', '+8613777770002');
      const key = await api.key(['contacts:read'], ['mine']);
      const { body } = await api.get('/v1/contacts?q=1377777', { key });
      expect(body.items.map(({ id }: { id: string }) => id)).toEqual([contactId]);
    });
  });
});

import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { park } from '#conversations';
import { describeOnEveryDatabase } from '#database/testing';
import { Stage } from './testing/stage.js';
import { STORE } from './testing/store.js';

const secret = `whsec_${Buffer.alloc(32, 7).toString('base64')}`;

describeOnEveryDatabase('the API: accounts, destinations, contacts, files', (open) => {
  let api: Stage;

  beforeAll(async () => {
    api = await new Stage(await open(STORE)).open();
  });
  afterAll(() => api.close());

  it('shows what was set aside, and stores it when it is tried again', async () => {
    const event = {
      kind: 'message',
      dedupeKey: 'late',
      thread: '+8613800000001',
      sender: { handles: [{ scheme: 'phone', value: '+8613800000001' }] },
      parts: [{ type: 'text', text: 'late' }],
    };
    await api.database.query(
      `insert into account (id, type, config, continuity) values ('parking', 'http', '{}', 'contact')`,
    );
    await park(api.database, {
      id: 'evt_1',
      accountId: 'parking',
      dedupeKey: 'late',
      stage: 'parse',
      input: JSON.stringify(event),
      error: 'why',
    });
    await park(api.database, {
      id: 'evt_2',
      accountId: 'dst',
      dedupeKey: 'act',
      stage: 'action',
      input: '{}',
      error: 'no such ticket',
    });
    const first = await api.get('/v1/parked?limit=1');
    expect(first.body).toMatchObject({ items: [{ id: 'evt_2', stage: 'action', error: 'no such ticket' }] });
    const { next } = first.body as { next: string };
    expect((await api.get(`/v1/parked?cursor=${next}`)).body).toMatchObject({ items: [{ id: 'evt_1' }], next: null });
    expect((await api.post('/v1/parked/evt_1/retry', {})).status).toBe(204);
    expect((await api.post('/v1/parked/evt_1/retry', {})).status).toBe(404);
    expect((await api.post('/v1/parked/evt_2/retry', {})).status).toBe(409);
    expect(await api.database.query(`select text from message where account_id = 'parking'`)).toEqual([
      { text: 'late' },
    ]);
    await api.database.query(`delete from account where id = 'parking'`);
  });

  describe('accounts', () => {
    it('are made, read, changed, removed; secrets are masked and kept', async () => {
      const made = await api.post('/v1/accounts', {
        id: 'shop',
        type: 'http',
        name: 'Shop',
        config: { secret, url: 'https://a.example/in' },
      });
      expect(made.status).toBe(201);
      expect(made.body).toMatchObject({
        id: 'shop',
        type: 'http',
        config: { secret: '***', url: 'https://a.example/in' },
        managedBy: 'api',
        reopenWithin: 259_200,
        callbackUrl: 'https://gateway.example/channels/shop',
      });
      expect(api.directory.account('shop')).toMatchObject({ config: { secret } });
      const changed = await api.patch('/v1/accounts/shop', {
        name: null,
        config: { secret: '***', url: 'https://b.example/in' },
        reopenWithin: '1h',
      });
      expect(changed.body).toMatchObject({
        name: null,
        reopenWithin: 3_600,
        config: { secret: '***', url: 'https://b.example/in' },
      });
      expect(api.directory.account('shop')).toMatchObject({ config: { secret, url: 'https://b.example/in' } });
      expect((await api.get('/v1/accounts')).body).toMatchObject({ items: [{ id: 'shop' }], next: null });
      const raw = await api.database.query(`select config::text from account where id = 'shop'`);
      expect(JSON.stringify(raw)).not.toContain(secret);
      expect((await api.delete('/v1/accounts/shop')).status).toBe(204);
      expect((await api.get('/v1/accounts/shop')).status).toBe(404);
      expect(api.directory.account('shop')).toBeUndefined();
    });

    it('are refused with the place of the fault', async () => {
      for (const [body, path] of [
        [{ type: 'pigeon' }, 'type'],
        [{ type: 'http', config: { url: 'https://a.example' } }, 'config.secret'],
        [{ type: 'http', id: 'a b', config: { secret, url: 'https://a.example' } }, 'id'],
        [{ type: 'http', config: { secret: '***', url: 'https://a.example' } }, 'config.secret'],
        [{ type: 'http', reopenWithin: 'soon', config: { secret, url: 'https://a.example' } }, 'reopenWithin'],
      ] as const) {
        const { status, body: problem } = await api.post('/v1/accounts', body);
        expect([body, status, problem.errors?.[0].path]).toEqual([body, 422, path]);
      }
    });

    it('of the settings file are read-only, ids are unique', async () => {
      await api.account('filed');
      expect((await api.post('/v1/accounts', { id: 'filed', type: 'webchat' })).body).toMatchObject({
        status: 409,
        code: 'taken',
      });
      await api.database.query(`update account set managed_by = 'file' where id = 'filed'`);
      for (const answer of [
        await api.patch('/v1/accounts/filed', { name: 'x' }),
        await api.delete('/v1/accounts/filed'),
      ]) {
        expect([answer.status, answer.body.code]).toEqual([409, 'read-only']);
      }
    });

    it('are tested', async () => {
      await api.account('tested', 'typing');
      expect((await api.post('/v1/accounts/tested/check')).body).toEqual({ ok: true, detail: 'it answers' });
      expect((await api.post('/v1/accounts/none/check')).status).toBe(404);
    });

    it('are not connected once more to be tested, where a process holds their connection open', async () => {
      await api.account('held', 'socket');
      const check = async () => (await api.post('/v1/accounts/held/check')).body;
      expect(await check()).toEqual({ ok: true, detail: 'it was connected' });
      await api.database.query(
        `insert into lease (name, holder, expires_at) values ('account:held', 'x', now() + interval '9 s')`,
      );
      await api.database.query(`update account set state = 'degraded', state_detail = 'no bind' where id = 'held'`);
      expect(await check()).toEqual({ ok: false, detail: 'The connection is held open; it is degraded: no bind' });
      await api.database.query(`update account set state = 'connected', state_detail = 'connected' where id = 'held'`);
      expect(await check()).toMatchObject({ ok: true, detail: expect.stringContaining('connected') as unknown });
      await api.database.query(`delete from lease where name = 'account:held'`);
      expect(await check()).toEqual({ ok: true, detail: 'it was connected' });
    });
  });

  it('lists channels and connectors with settings and capabilities', async () => {
    const { items } = (await api.get('/v1/channels')).body;
    const http = items.find(({ type }: { type: string }) => type === 'http');
    expect(http).toMatchObject({
      title: expect.any(String),
      notice: null,
      ingress: ['webhook'],
      capabilities: { text: { unit: 'utf16' } },
      settings: { schema: { type: 'object', properties: { url: expect.any(Object) } } },
    });
    expect(http.settings.fields).toContainEqual(
      expect.objectContaining({ name: 'secret', secret: true, required: true }),
    );
    const wechaty = items.find(({ type }: { type: string }) => type === 'wechaty');
    expect(wechaty).toMatchObject({ ingress: ['socket'], notice: expect.stringMatching(/^Unofficial.*banned/) });
    const connectors = (await api.get('/v1/connectors')).body.items;
    expect(connectors).toContainEqual(expect.objectContaining({ type: 'webhook', capabilities: expect.objectContaining({ kind: 'stream' }) })); // prettier-ignore
  });

  describe('destinations', () => {
    const url = 'https://desk.example/hook';

    it('say why they cannot run, until they are changed', async () => {
      await api.post('/v1/destinations', { id: 'broken', type: 'webhook', config: { url } });
      await api.database.query(
        `update destination set config = '{"url": "https://me:pass@desk.example"}' where id = 'broken'`,
      );
      await api.directory.reload();
      const problem = expect.stringContaining('url: must not hold');
      expect((await api.get('/v1/destinations/broken')).body).toMatchObject({ problem });
      expect((await api.post('/v1/destinations/broken/check')).body).toEqual({ ok: false, detail: problem });
      expect((await api.patch('/v1/destinations/broken', { config: { url } })).body.problem).toBeNull();
      expect((await api.get('/v1/destinations/broken')).body.problem).toBeNull();
    });

    it('get a secret made, which is shown there and by rotate-secret only', async () => {
      const made = await api.post('/v1/destinations', {
        id: 'made',
        type: 'webhook',
        config: { url },
        filter: { events: ['message.*'] },
      });
      expect(made.status).toBe(201);
      expect(Buffer.from(made.body.config.secret.slice('whsec_'.length), 'base64')).toHaveLength(32);
      const got = await api.get('/v1/destinations/made');
      expect(got.body).toMatchObject({
        config: { url, secret: '***' },
        filter: { events: ['message.*'] },
        state: 'active',
        problem: null,
      });
      const rotated = await api.post('/v1/destinations/made/rotate-secret');
      expect(rotated.body.secret).not.toBe(made.body.config.secret);
      expect(rotated.body.config.secret).toBe('***');
      expect(api.directory.destination('made')?.signingSecrets).toEqual([rotated.body.secret, made.body.config.secret]);
      const given = await api.post('/v1/destinations', { id: 'given', type: 'webhook', config: { url, secret } });
      expect(given.body.config.secret).toBe('***');
    });

    it('are changed, paused, resumed, tested and removed', async () => {
      const hook = createServer((_, response) => response.end()).listen(0, '127.0.0.1');
      await new Promise((resolve) => hook.once('listening', resolve));
      const local = `http://127.0.0.1:${(hook.address() as AddressInfo).port}/hook`;
      await api.post('/v1/destinations', { id: 'desk', type: 'webhook', config: { url: local } });
      expect(
        (await api.patch('/v1/destinations/desk', { name: 'Desk', filter: { accounts: ['web'] } })).body,
      ).toMatchObject({
        name: 'Desk',
        filter: { accounts: ['web'] },
        config: { url: local, secret: '***' },
      });
      expect((await api.post('/v1/destinations/desk/check')).body).toMatchObject({ ok: true });
      expect((await api.post('/v1/destinations/desk/pause', { reason: 'moving house' })).body).toEqual({
        id: 'desk',
        state: 'paused',
        pausedReason: 'moving house',
      });
      expect((await api.get('/v1/destinations/desk')).body).toMatchObject({
        state: 'paused',
        pausedReason: 'moving house',
      });
      expect((await api.post('/v1/destinations/desk/resume')).body).toMatchObject({
        state: 'active',
        pausedReason: null,
      });
      expect((await api.delete('/v1/destinations/desk')).status).toBe(204);
      for (const call of ['check', 'pause', 'resume', 'rotate-secret', 'replay']) {
        expect(
          (await api.post(`/v1/destinations/desk/${call}`, call === 'replay' ? { state: 'dead' } : {})).status,
        ).toBe(404);
      }
      expect((await api.get('/v1/destinations/desk/deliveries')).status).toBe(404);
      hook.close();
    });

    it('list their deliveries, and replay by each way of choosing', async () => {
      await api.account('feed');
      await api.post('/v1/destinations', {
        id: 'fed',
        type: 'webhook',
        config: { url },
        filter: { accounts: ['feed'], events: ['message.received'] },
      });
      const from = '+8613900000051';
      for (const text of ['1', '2', '3']) await api.arrive('feed', text, from);
      const { conversationId } = await api.arrive('feed', '4', from);
      const list = async (query: string) => (await api.get(`/v1/destinations/fed/deliveries?${query}`)).body;
      const first = await list('limit=3');
      expect(first.items.map(({ type, state }: { type: string; state: string }) => [type, state])).toEqual([
        ['message.received', 'pending'],
        ['message.received', 'pending'],
        ['message.received', 'pending'],
      ]);
      expect((await list(`limit=3&cursor=${first.next}`)).items).toHaveLength(1);
      expect((await api.get(`/v1/destinations/fed/deliveries?state=dead&cursor=${first.next}`)).status).toBe(422);
      await api.database.query(`with gone as (delete from outbox where target_id = 'fed' returning item_id)
        insert into delivery (destination_id, event_id, state, attempts) select 'fed', item_id, 'dead', 5 from gone`);
      const dead = await list('state=dead&limit=3');
      expect([dead.items.length, (await list(`state=dead&limit=3&cursor=${dead.next}`)).items.length]).toEqual([3, 1]);
      const replay = (body: unknown) => api.post('/v1/destinations/fed/replay', body);
      expect(await replay({ ids: [dead.items[0].eventId] })).toMatchObject({ status: 202, body: { count: 1 } });
      expect((await replay({ state: 'dead' })).body).toEqual({ count: 3 });
      expect((await replay({ conversationId })).body).toEqual({ count: 0 });
      expect((await list('state=pending')).items).toHaveLength(4);
      expect((await replay({ from: '2020-01-01T00:00:00Z', to: '2020-02-01T00:00:00Z' })).body).toEqual({ count: 0 });
      for (const body of [
        {},
        { ids: [] },
        { state: 'pending' },
        { from: '2020-02-01T00:00:00Z', to: '2020-01-01T00:00:00Z' },
      ]) {
        expect((await replay(body)).status).toBe(422);
      }
    });
  });

  describe('contacts', () => {
    it('are made, found by any spelling of their handle, changed, and told of', async () => {
      const company = await api.post('/v1/companies', { name: 'Acme', level: 'vip' });
      expect(company.status).toBe(201);
      const made = await api.post('/v1/contacts', {
        name: '王芳',
        companyId: company.body.id,
        handles: [{ scheme: 'phone', value: '+86 138 0013 8000' }],
      });
      expect(made.status).toBe(201);
      expect(made.body).toMatchObject({
        handles: [{ scheme: 'phone', scope: '', value: '+8613800138000', proof: 'verified' }],
        company: { name: 'Acme', level: 'vip' },
        blocked: false,
      });
      const { id } = made.body;
      const found = await api.get(`/v1/contacts?handle=${encodeURIComponent('phone:+86-138-0013-8000')}`);
      expect(found.body.items).toEqual([made.body]);
      expect((await api.get('/v1/contacts?q=芳')).body.items).toMatchObject([{ id }]);
      expect((await api.get(`/v1/contacts?companyId=${company.body.id}`)).body.items).toMatchObject([{ id }]);
      expect(
        (await api.patch(`/v1/contacts/${id}`, { name: 'Fang Wang', companyId: null, crm: { id: '42' } })).body,
      ).toMatchObject({
        name: 'Fang Wang',
        company: null,
        crm: { id: '42', url: null },
      });
      await api.patch(`/v1/contacts/${id}`, { name: 'Fang Wang' });
      const events = await api.database.query(
        `select type, data->'changes' as changes from event where contact_id = $1 order by position`,
        [id],
      );
      expect(events).toEqual([
        { type: 'contact.created', changes: null },
        { type: 'contact.updated', changes: ['name', 'company', 'crm'] },
      ]);
      expect((await api.patch(`/v1/contacts/${id}`, { companyId: 'cmp_none' })).body.errors).toMatchObject([
        { path: 'companyId' },
      ]);
      expect((await api.patch('/v1/contacts/con_none', { name: 'x' })).status).toBe(404);
    });

    it('get and lose handles; a proven one of somebody else is taken', async () => {
      const one = (await api.post('/v1/contacts', { name: 'one' })).body.id;
      const two = (await api.post('/v1/contacts', { name: 'two' })).body.id;
      const email = { scheme: 'email', value: 'Li@Example.com' };
      expect(await api.post(`/v1/contacts/${one}/handles`, email)).toMatchObject({
        status: 201,
        body: { handles: [{ value: 'li@example.com' }] },
      });
      const taken = await api.post(`/v1/contacts/${two}/handles`, email);
      expect([taken.status, taken.body.code]).toEqual([409, 'taken']);
      expect((await api.post(`/v1/contacts/${two}/handles`, { ...email, proof: 'claimed' })).status).toBe(201);
      expect((await api.post('/v1/contacts', { name: 'three', handles: [email] })).body.code).toBe('taken');
      expect((await api.get('/v1/contacts?q=three')).body.items).toEqual([]);
      const path = `/v1/contacts/${one}/handles/${encodeURIComponent('email:li@example.com')}`;
      expect((await api.delete(path)).status).toBe(204);
      expect((await api.delete(path)).status).toBe(404);
      expect((await api.get(`/v1/contacts/${one}`)).body.handles).toEqual([]);
    });

    it('are paged, as companies and conflicts are', async () => {
      for (const name of ['p1', 'p2', 'p3']) {
        await api.post('/v1/contacts', { name: `paged ${name}` });
        await api.post('/v1/companies', { name: `paged ${name}`, metadata: { a: 1, b: 2 } });
      }
      for (const list of ['/v1/contacts', '/v1/companies']) {
        const first = await api.get(`${list}?q=PAGED&limit=2`);
        const second = await api.get(`${list}?q=PAGED&limit=2&cursor=${first.body.next}`);
        const names = [...first.body.items, ...second.body.items].map(({ name }: { name: string }) => name);
        expect([names, second.body.next]).toEqual([['paged p1', 'paged p2', 'paged p3'], null]);
      }
      const { id } = (await api.get('/v1/companies?q=paged p1')).body.items[0];
      const patched = await api.patch(`/v1/companies/${id}`, { level: 'gold', metadata: { b: null, c: 3 } });
      expect(patched.body).toMatchObject({ name: 'paged p1', level: 'gold', metadata: { a: 1, c: 3 } });
      expect((await api.get(`/v1/companies/${id}`)).body).toEqual(patched.body);
      expect((await api.get('/v1/companies/cmp_none')).status).toBe(404);
      await api.database.query(
        `insert into contact_conflict (id, handle, contact_ids) values ('cfl_1', '{"scheme":"email","scope":"","value":"a","proof":"channel"}', '{a,b}')`,
      );
      expect((await api.get('/v1/conflicts')).body).toMatchObject({
        items: [{ id: 'cfl_1', contactIds: ['a', 'b'] }],
        next: null,
      });
    });
  });

  describe('POST /v1/files', () => {
    const upload = (form: FormData) => api.post('/v1/files', form);
    const form = (field: string, content: string | Uint8Array<ArrayBuffer>, name: string) => {
      const data = new FormData();
      data.append(field, new Blob([content]), name);
      return data;
    };

    it('stores a file, which a message can then carry', async () => {
      const png = Buffer.from(
        'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg==',
        'base64',
      );
      const file = await upload(form('file', png, 'dot.txt'));
      expect(file.status).toBe(201);
      expect(file.body).toMatchObject({
        id: expect.stringMatching(/^fil_/),
        mimeType: 'image/png',
        bytes: png.length,
        kind: 'image',
        width: 1,
      });
      await api.account('pictures');
      const { conversationId } = await api.arrive('pictures', 'show me', '+8613900000061');
      const sent = await api.post(`/v1/conversations/${conversationId}/messages`, {
        parts: [{ type: 'media', kind: 'image', fileId: file.body.id }],
      });
      expect(sent.body.parts[0]).toMatchObject({
        type: 'media',
        url: expect.stringContaining(`/files/${file.body.id}?`),
      });
    });

    it('refuses what is too large, empty, or in no field `file`', async () => {
      expect((await upload(form('file', 'x'.repeat(100_001), 'big.txt'))).body).toMatchObject({
        status: 413,
        code: 'too-large',
      });
      expect((await upload(form('file', '', 'empty.txt'))).body).toMatchObject({ status: 422, code: 'invalid' });
      expect((await upload(form('document', 'x', 'a.txt'))).body).toMatchObject({ status: 400, code: 'malformed' });
      const broken = await api.post('/v1/files', 'no multipart', {
        headers: { 'content-type': 'multipart/form-data; boundary=x' },
      });
      expect([broken.status, broken.body.code]).toEqual([400, 'malformed']);
    });
  });
});

import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { describeOnEveryDatabase } from '#database/testing';
import { ENDPOINTS } from './controllers.js';
import type { Endpoint } from './core/endpoint.js';
import { LIMITABLE, SCOPES, type Scope } from './core/scopes.js';
import { ADMIN_KEY, Stage, type Answer } from './testing/stage.js';
import { STORE } from './testing/store.js';

const nameOf = ({ method, path }: Endpoint) => `${method} ${path}`;

describeOnEveryDatabase('the API: who may do what', (open) => {
  let api: Stage;
  /** Things of the account `theirs`, which a key limited to `ours` must not see. */
  let theirs: Awaited<ReturnType<Stage['arrive']>>;
  let ours: Awaited<ReturnType<Stage['arrive']>>;

  beforeAll(async () => {
    api = await new Stage(await open(STORE)).open();
    for (const id of ['ours', 'theirs']) await api.account(id);
    ours = await api.arrive('ours', 'ours', '+8613900000031');
    theirs = await api.arrive('theirs', 'canary of theirs', '+8613900000032');
    await api.post('/v1/destinations', { id: 'desk', type: 'webhook', config: { url: 'https://desk.example/hook' } });
    await api.post('/v1/companies', { name: 'canary company' });
  });
  afterAll(() => api.close());

  /** Calls an endpoint with a body that its schema takes, on the thing named. */
  const call = (spec: Endpoint, key: string | null, id: string): Promise<Answer> => {
    const path = spec.path.replace('{id}', id).replace('{handle}', 'phone:%2B8613900000032');
    return api.call(spec.method, path, { key, ...(spec.method !== 'GET' && { body: bodyOf(spec, theirs) }) });
  };

  it('lets nobody in without a key that is valid', async () => {
    for (const spec of ENDPOINTS) {
      for (const key of [null, 'trb_guessed', `${ADMIN_KEY}x`]) {
        const { status, body, headers } = await call(spec, key, 'x');
        expect([nameOf(spec), status, body.code]).toEqual([nameOf(spec), 401, 'unauthenticated']);
        expect(headers.get('www-authenticate')).toMatch(/^Bearer/);
      }
    }
    const basic = await api.get('/v1/keys', { key: null, headers: { authorization: `Basic ${ADMIN_KEY}` } });
    expect(basic.status).toBe(401);
  });

  it('asks for the scope of each endpoint: a key with all others gets 403', async () => {
    const without = new Map<Scope, string>();
    for (const scope of new Set(ENDPOINTS.map((spec) => spec.scope))) {
      const others = (Object.keys(SCOPES) as Scope[]).filter((other) => other !== scope && other !== 'admin');
      without.set(scope, await api.key(others));
    }
    for (const spec of ENDPOINTS) {
      const { status, body } = await call(spec, without.get(spec.scope)!, theirs.conversationId);
      expect([nameOf(spec), status, body.code]).toEqual([nameOf(spec), 403, 'forbidden']);
    }
  });

  it('shows a key that is limited to accounts nothing of others, at any endpoint, by any id', async () => {
    const key = await api.key([...LIMITABLE], ['ours']);
    const foreign = [theirs.conversationId, theirs.messageId, theirs.contactId, theirs.threadId, 'theirs', 'desk'];
    for (const spec of ENDPOINTS.filter(({ path }) => path.includes('{id}'))) {
      for (const id of foreign) {
        const { status, body } = await call(spec, key, id);
        expect([nameOf(spec), id, [403, 404].includes(status)]).toEqual([nameOf(spec), id, true]);
        expect(JSON.stringify(body)).not.toContain('canary');
      }
    }
    for (const spec of ENDPOINTS.filter(({ path, method }) => method === 'GET' && !path.includes('{id}'))) {
      const { body } = await call(spec, key, '');
      const text = JSON.stringify(body);
      expect([nameOf(spec), /canary|theirs"/.test(text), text.includes(theirs.contactId)]).toEqual([
        nameOf(spec),
        false,
        false,
      ]);
    }
  });

  it('knows no id of anything for a key whose account has nothing, wherever it is tried', async () => {
    await api.account('empty');
    const key = await api.key([...LIMITABLE], ['empty']);
    await api.post('/v1/contacts', {
      name: 'canary contact',
      handles: [{ scheme: 'email', value: 'canary@mail.example' }],
    });
    const tables = await api.database.query<{ name: string }>(
      `select c.relname as name from pg_class c join pg_attribute a on a.attrelid = c.oid and a.attname = 'id'
       where c.relnamespace = 'public'::regnamespace and c.relkind = 'r' and c.relname not in ('migration', 'account') and a.atttypid = 'text'::regtype`,
    );
    const ids = ['con_00000000000000000000000000000000', '%27', '../contacts', 'undefined'];
    for (const { name } of tables) {
      const rows = await api.database.query<{ id: string }>(`select id from "${name}" order by md5(id) limit 2`);
      ids.push(...rows.map(({ id }) => id));
    }
    expect(ids.length).toBeGreaterThan(15);
    for (const spec of ENDPOINTS.filter(({ path }) => path.includes('{id}'))) {
      for (const id of ids) {
        const { status, body } = await call(spec, key, encodeURIComponent(id));
        expect([nameOf(spec), id, [403, 404].includes(status)]).toEqual([nameOf(spec), id, true]);
        expect(JSON.stringify(body)).not.toContain('canary');
      }
    }
  });

  it('shows that key what is of its account', async () => {
    const key = await api.key([...LIMITABLE], ['ours']);
    const list = async (path: string) => (await api.get(path, { key })).body.items;
    expect(await list('/v1/conversations')).toMatchObject([{ id: ours.conversationId }]);
    expect(await list('/v1/contacts')).toMatchObject([{ id: ours.contactId }]);
    expect(await list('/v1/accounts')).toMatchObject([{ id: 'ours' }]);
    const events = await list('/v1/events?types=message.received,contact.created');
    expect(events.map(({ type }: { type: string }) => type)).toEqual(['contact.created', 'message.received']);
    const path = `/v1/conversations/${ours.conversationId}/messages`;
    expect((await api.post(path, { text: 'mine' }, { key })).status).toBe(202);
  });

  it('does not let that key write by way of others', async () => {
    const key = await api.key([...LIMITABLE], ['ours']);
    const path = `/v1/conversations/${ours.conversationId}/messages`;
    const to = { handle: { scheme: 'phone', value: '+8613900000033' } };
    for (const [url, body] of [
      [path, { text: 'x', via: { accountId: 'theirs' } }],
      [path, { text: 'x', via: { threadId: theirs.threadId } }],
      [path, { text: 'x', fallback: [{ accountId: 'theirs' }] }],
      [path, { text: 'x', fallback: [{ channel: 'http' }] }],
      ['/v1/messages', { to, accountId: 'theirs', text: 'x' }],
      ['/v1/messages', { to: { contactId: theirs.contactId }, accountId: 'ours', text: 'x' }],
    ] as const) {
      const { status } = await api.post(url, body, { key });
      expect([body, [404, 409].includes(status)]).toEqual([body, true]);
    }
    expect(await api.database.query(`select 1 from message where text = 'x'`)).toEqual([]);
  });

  it('hides the other thread of a conversation over two accounts, with its messages', async () => {
    const from = '+8613900000034';
    const mine = await api.arrive('ours', 'on ours', from);
    const other = await api.arrive('theirs', 'canary on theirs', from);
    expect(other.conversationId).toBe(mine.conversationId);
    const key = await api.key([...LIMITABLE], ['ours']);
    const path = `/v1/conversations/${mine.conversationId}`;
    for (const url of [path, `${path}/messages`, `${path}/sendability`, '/v1/events?limit=200', '/v1/conversations']) {
      const text = JSON.stringify((await api.get(url, { key })).body);
      expect([url, text.includes('canary'), text.includes('"theirs"')]).toEqual([url, false, false]);
    }
    expect((await api.get(`/v1/messages/${other.messageId}`, { key })).status).toBe(404);
    const answer = await api.post(`${path}/messages`, { text: 'to the thread used last, which is theirs' }, { key });
    expect(answer.status).toBe(404);
  });

  it('tells that key of a merge and of its undoing without the reason, and nothing of the other side', async () => {
    const [mine, other] = [
      await api.arrive('ours', 'hello', '+8613900000035'),
      await api.arrive('theirs', 'hello', '+8613900000036'),
    ];
    const body = { from: other.contactId, reason: 'canary of a reason' };
    const merge = await api.post(`/v1/contacts/${mine.contactId}/merge`, body);
    await api.post(`/v1/merges/${merge.body.id}/undo`);
    const tail = async (key: string) => {
      const { items } = (await api.get('/v1/events?limit=200&types=contact.merged,contact.unmerged', { key })).body;
      return items.filter(({ data }: { data: { merge: { id: string } } }) => data.merge.id === merge.body.id);
    };
    const seen = await tail(await api.key([...LIMITABLE], ['ours']));
    const expected = { id: merge.body.id, threadIds: [], conversationIds: [], handles: [] };
    expect(seen.map(({ data }: { data: object }) => data)).toMatchObject([{ merge: expected }, { merge: expected }]);
    expect(JSON.stringify(seen[1])).not.toContain('+8613900000036');
    for (const word of ['canary', other.threadId, other.conversationId])
      expect([word, JSON.stringify(seen).includes(word)]).toEqual([word, false]);

    const both = await tail(await api.key([...LIMITABLE], ['ours', 'theirs']));
    expect(both.at(-1).data).toMatchObject({
      merge: { threadIds: [other.threadId], conversationIds: [other.conversationId] },
      restored: { id: other.contactId },
    });
    expect((await tail(ADMIN_KEY))[0].data.merge).toMatchObject({ reason: 'canary of a reason', handles: [{}] });
  });

  describe('keys', () => {
    it('are shown once, listed without their secret, and gone at once', async () => {
      const made = await api.post('/v1/keys', {
        name: 'one',
        scopes: ['events:read'],
        expiresAt: '2999-01-01T00:00:00Z',
      });
      expect(made).toMatchObject({
        status: 201,
        body: { id: expect.stringMatching(/^key_/), accounts: null, lastUsedAt: null },
      });
      const { id, secret } = made.body;
      expect((await api.get('/v1/events', { key: secret })).status).toBe(200);
      const listed = (await api.get('/v1/keys?limit=200')).body.items.find((key: { id: string }) => key.id === id);
      expect(listed).toEqual({ ...made.body, secret: undefined, lastUsedAt: expect.stringMatching(/Z$/) });
      expect((await api.delete(`/v1/keys/${id}`)).status).toBe(204);
      expect((await api.get('/v1/events', { key: secret })).status).toBe(401);
      expect((await api.delete(`/v1/keys/${id}`)).status).toBe(404);
    });

    it('expire', async () => {
      const key = await api.key(['events:read']);
      await api.database.query(`update api_key set expires_at = now() - interval '1 second' where name = 'of a test'`);
      expect((await api.get('/v1/events', { key })).status).toBe(401);
      const past = await api.post('/v1/keys', {
        name: 'x',
        scopes: ['events:read'],
        expiresAt: '2020-01-01T00:00:00Z',
      });
      expect(past.body).toMatchObject({ status: 422, errors: [{ path: 'expiresAt' }] });
    });

    it('give no more than they have', async () => {
      const key = await api.key(['keys:write', 'events:read']);
      const make = (scopes: string[]) => api.post('/v1/keys', { name: 'child', scopes }, { key });
      expect((await make(['events:read'])).status).toBe(201);
      expect((await make(['events:read', 'admin'])).body.code).toBe('forbidden');
      const limited = await api.post('/v1/keys', { name: 'child', scopes: ['keys:write'], accounts: ['ours'] });
      expect(limited.body).toMatchObject({ code: 'invalid', errors: [{ path: 'scopes' }] });
      expect((await make(['made:up'])).body.code).toBe('invalid');
    });

    it('revokes keys that may do no more than itself, and itself', async () => {
      const make = async (scopes: string[]): Promise<{ id: string; secret: string }> =>
        (await api.post('/v1/keys', { name: 'one', scopes })).body;
      const own = await make(['keys:write', 'events:read']);
      const revoke = async ({ id }: { id: string }) => (await api.delete(`/v1/keys/${id}`, { key: own.secret })).status;
      const stronger = [await make(['admin']), await make(['events:read', 'files:write'])];
      for (const key of stronger) {
        expect(await revoke(key)).toBe(403);
        expect((await api.get('/v1/events', { key: key.secret })).status).toBe(200);
      }
      expect(await revoke(await make(['events:read']))).toBe(204);
      expect(await revoke(own)).toBe(204);
    });
  });

  it('answers 429 with Retry-After once the rate of a key is used, and other keys go on', async () => {
    const slow = await new Stage(api.database).open({ rate: { points: 3, seconds: 60 } });
    try {
      const [one, two] = [await slow.key(['events:read']), await slow.key(['events:read'])];
      for (const status of [200, 200, 200, 429])
        expect((await slow.get('/v1/events', { key: one })).status).toBe(status);
      const refused = await slow.get('/v1/events', { key: one });
      expect([refused.body.code, Number(refused.headers.get('retry-after')) > 0]).toEqual(['rate-limited', true]);
      expect((await slow.get('/v1/events', { key: two })).status).toBe(200);
    } finally {
      await slow.close();
    }
  });
});

/** A body that the endpoint's schema takes. */
function bodyOf(spec: Endpoint, { contactId }: { contactId: string }): unknown {
  const bodies: Readonly<Record<string, unknown>> = {
    'POST /v1/conversations/{id}/messages': { text: 'hi' },
    'POST /v1/messages': { to: { contactId }, accountId: 'theirs', text: 'hi' },
    'POST /v1/contacts/{id}/handles': { scheme: 'email', value: 'a@example.com' },
  };
  return bodies[nameOf(spec)] ?? spec.examples?.body ?? {};
}

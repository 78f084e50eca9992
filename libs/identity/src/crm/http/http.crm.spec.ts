import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { emailAddress, maskSecrets } from '#normalizer';
import { verifyWebhook } from '#transport';
import { fakeProvider, NOBODY, type FakeProvider } from '#transport/testing';
import { client, closeHttp, crmContext, email, phone } from '../testing/context.js';
import { httpCrm } from './http.crm.js';
import { HttpCrmConfig } from './http.config.js';

const LI = {
  id: 42,
  name: 'Li Wei',
  url: 'https://crm.example/people/42',
  company: { id: 'acme', name: 'Acme', tier: 'super-vip', bought: 'Lathe; Mill;Lathe', deals: [{ no: 'C-1' }] },
  since: 2019,
};
const FIELDS = {
  company: { level: 'company.tier', products: '/company/bought', contracts: 'company.deals' },
  metadata: { since: '/since' },
};

let crm: FakeProvider;
beforeAll(async () => (crm = await fakeProvider()));
afterEach(() => crm.answer(() => ({ body: LI })));
afterAll(async () => {
  await crm.close();
  await closeHttp();
});

const configOf = (settings: object) => HttpCrmConfig.parse({ url: `${crm.url}/people`, query: { email: '{email}', phone: '{phone}' }, ...settings }); // prettier-ignore
const ask = (handle = email('li@acme.example'), settings: object = {}) =>
  httpCrm.lookup(handle, crmContext(configOf(settings)));
const last = () => crm.requests.at(-1)!;

describe('the HTTP lookup', () => {
  it('asks with the handle, and leaves out what the handle is not', async () => {
    crm.answer(() => ({ body: LI }));
    await ask(phone('+8613800138000'));
    expect([...last().query]).toEqual([['phone', '+8613800138000']]);
    await ask(email('li@acme.example'), { method: 'POST', body: { by: { email: '{email}', phone: '{phone}' }, n: 1 } });
    expect(JSON.parse(last().body.toString())).toEqual({ by: { email: 'li@acme.example' }, n: 1 });
    expect(last()).toMatchObject({ method: 'POST', headers: { 'content-type': 'application/json' } });
  });

  it('finds in the answer what the settings say, by pointer or path', async () => {
    crm.answer(() => ({ body: LI }));
    expect(await ask(undefined, { fields: FIELDS })).toEqual({
      id: '42',
      url: 'https://crm.example/people/42',
      name: 'Li Wei',
      company: {
        id: 'acme',
        name: 'Acme',
        level: 'super-vip',
        products: ['Lathe', 'Mill'],
        contracts: [{ no: 'C-1' }],
      },
      metadata: { since: 2019 },
    });
  });

  it('tells a field that it was not asked for from one that is empty', async () => {
    crm.answer(() => ({ body: { id: 'x', company: { id: 'acme' } } }));
    expect((await ask())?.company).toEqual({ id: 'acme', name: 'acme' });
    expect((await ask(undefined, { fields: FIELDS }))?.company).toMatchObject({ level: null, products: [] });
  });

  it('takes the one match of a list, and nobody of several', async () => {
    const list = { list: 'data.people' };
    crm.answer(() => ({ body: { data: { people: [LI] } } }));
    expect(await ask(undefined, list)).toMatchObject({ id: '42' });
    crm.answer(() => ({ body: { data: { people: [LI, { ...LI, id: 43 }] } } }));
    expect(await ask(undefined, list)).toBeNull();
    crm.answer(() => ({ body: { data: { people: [] } } }));
    expect(await ask(undefined, list)).toBeNull();
    crm.answer(() => ({ body: { other: [] } }));
    await expect(ask(undefined, list)).rejects.toMatchObject({ code: 'reply-unreadable' });
  });

  it.each([
    ['404', { status: 404 }],
    ['null', { body: 'null' }],
    ['an object without an id', { body: {} }],
  ])('knows nobody where the answer is %s', async (_what, answer) => {
    crm.answer(() => answer);
    expect(await ask()).toBeNull();
  });

  it.each([
    ['401', { status: 401 }, 'unauthorized'],
    ['429', { status: 429, headers: { 'retry-after': '7' } }, 'throttled'],
    ['500', { status: 500 }, 'unavailable'],
    ['no JSON', { body: '<html>' }, 'reply-unreadable'],
    ['JSON nested too deep', { body: `${'['.repeat(200)}${']'.repeat(200)}` }, 'reply-unreadable'],
    ['a broken line', 'reset', 'outcome-unknown'],
  ] as const)('fails by the table where the answer is %s', async (_what, answer, code) => {
    crm.answer(() => answer);
    await expect(ask()).rejects.toMatchObject({ name: 'ProviderFailure', code });
  });

  it('hands on how long it is to wait', async () => {
    crm.answer(() => ({ status: 429, headers: { 'retry-after': '7' } }));
    await expect(ask()).rejects.toMatchObject({ retryAfterMs: 7_000 });
  });

  it('shows no address that runs', async () => {
    crm.answer(() => ({ body: { id: 'x y', url: 'javascript:alert(1)' } }));
    expect((await ask())?.url).toBeNull();
    expect((await ask(undefined, { link: 'https://crm.example/{id}' }))?.url).toBe('https://crm.example/x%20y');
  });

  it('holds no NUL, which the store cannot keep', async () => {
    crm.answer(() => ({ body: '{"id":"x","name":"a\\u0000b"}' }));
    expect((await ask())?.name).toBe('a\uFFFDb');
  });
});

describe('credentials of the HTTP lookup', () => {
  it.each([
    [{ type: 'bearer', token: 't-1' }, 'authorization', 'Bearer t-1'],
    [{ type: 'basic', user: 'u', password: 'p' }, 'authorization', 'Basic dTpw'],
    [{ type: 'header', name: 'X-Api-Key', value: 'k-1' }, 'x-api-key', 'k-1'],
  ])('are sent: %j', async (auth, name, value) => {
    crm.answer(() => ({ body: LI }));
    await ask(undefined, { auth });
    expect(last().headers[name]).toBe(value);
  });

  it('sign method, path, query and body', async () => {
    const secret = 'a secret of the CRM';
    crm.answer(() => ({ body: LI }));
    await ask(undefined, { auth: { type: 'hmac', secret }, method: 'POST', body: { a: '{value}' } });
    const { headers, body, path, query } = last();
    const signed = (text: string) => verifyWebhook([secret], { headers, body: text }, Date.now()).kind;
    expect(signed(`POST ${path}?${query}\n${body.toString()}`)).toBe('accept');
    expect(signed(`POST ${path}?email=other\n${body.toString()}`)).toBe('reject');
  });

  it('are secret in the settings', () => {
    const config = configOf({ auth: { type: 'bearer', token: 'hush' }, headers: {} });
    expect(JSON.stringify(maskSecrets(HttpCrmConfig, config))).not.toContain('hush');
  });

  it('are tested, and the answer says what to do', async () => {
    const check = (url = crm.url) => httpCrm.check!(crmContext(configOf({ url })));
    crm.answer(() => ({ status: 404 }));
    expect(await check()).toMatchObject({ ok: true });
    crm.answer(() => ({ status: 401 }));
    expect(await check()).toEqual({ ok: false, detail: expect.stringContaining('crm.config.auth') });
    expect(await check(NOBODY)).toEqual({ ok: false, detail: expect.stringContaining('cannot be reached') });
  });
});

describe('hostile handles in a template', () => {
  const path = (value: string) => ask(client(value), { url: `${crm.url}/people/{value}/card`, query: {} });

  it.each(['..', '.'])('%s is no step in the path', async (value) => {
    const before = crm.requests.length;
    expect(await path(value)).toBeNull();
    expect(crm.requests).toHaveLength(before);
  });

  it.each(['../admin', 'a/b', 'a?x=1', 'a#b', '%2e%2e', 'a\\b', '@evil.example', ' \n'])('%j stays in its segment', async (value) => {
    crm.answer(() => ({ body: LI }));
    expect(await path(value)).toMatchObject({ id: '42' });
    expect(last().path.split('/')).toHaveLength(4);
    expect(decodeURIComponent(last().path.split('/')[2]!)).toBe(value);
    expect([...last().query]).toEqual([]);
  }); // prettier-ignore

  it('is one parameter, whatever is in it', async () => {
    crm.answer(() => ({ body: LI }));
    await ask(client('a&admin=1#x'), { query: { id: '{client}' } });
    expect([...last().query]).toEqual([['id', 'a&admin=1#x']]);
  });

  it('is not asked for inside a longer text, where it could be syntax', async () => {
    const hostile = emailAddress(`"x' or '1' eq '1"@acme.example`)!;
    const query = { $filter: "emailaddress1 eq '{email}'" };
    const before = crm.requests.length;
    expect(await ask(email(hostile), { query })).toBeNull();
    expect(crm.requests).toHaveLength(before);
    crm.answer(() => ({ body: LI }));
    expect(await ask(email('li+x@acme.example'), { query })).toMatchObject({ id: '42' });
    expect(last().query.get('$filter')).toBe("emailaddress1 eq 'li+x@acme.example'");
  });

  it('makes no second header', async () => {
    crm.answer(() => ({ body: LI }));
    await ask(client('王\r\nx-admin: 1'), { query: {}, headers: { 'x-id': '{client}' } });
    expect(last().headers['x-id']).toBe(encodeURIComponent('王\r\nx-admin: 1'));
    expect(last().headers['x-admin']).toBeUndefined();
  });

  it.each(['https://{value}.example/', 'https://crm.example/?q={value}', 'https://crm.example/#{value}'])(
    'has no place in %s',
    (url) => expect(HttpCrmConfig.safeParse({ url }).success).toBe(false),
  );

  it('holds no placeholder that is filled again', async () => {
    crm.answer(() => ({ body: LI }));
    await ask(client('{scope}'), { query: { id: '{client}', in: '{scope}' } });
    expect([...last().query]).toEqual([['id', '{scope}'], ['in', 'shop']]); // prettier-ignore
  });
});

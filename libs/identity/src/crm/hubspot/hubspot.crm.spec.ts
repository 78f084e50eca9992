import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { emailAddress } from '#normalizer';
import { fakeProvider, type FakeAnswer, type FakeProvider, type LoggedRequest } from '#transport/testing';
import { client, closeHttp, crmContext, email, phone } from '../testing/context.js';
import { HubspotConfig } from './hubspot.config.js';
import { hubspotCrm } from './hubspot.crm.js';

const TOKEN = 'pat-na1-hush-hush';
const contact = (id: string, properties: object) => ({ id, properties, archived: false });
const LI = contact('101', {
  ...{ firstname: 'Wei', lastname: 'Li', email: 'li@acme.example', hs_additional_emails: 'li@home.example;wei@home.example' },
  ...{ phone: '010 6552 9988', mobilephone: '138 0013 8000', hs_calculated_mobile_number: '+8613800138000' },
  ...{ associatedcompanyid: '900', customer_id: 'u-42', language: 'zh' },
}); // prettier-ignore
const LIKE = contact('102', { email: 'wang@acme.example', phone: '+12025550138', mobilephone: '+44 138 0013 8000' });

let crm: FakeProvider;
let found: object[];
let next: FakeAnswer | undefined;
const searches = () => crm.requests.filter(({ path }) => path.endsWith('/search')).map(({ body }) => JSON.parse(body.toString())); // prettier-ignore

function answer({ path, headers, query }: LoggedRequest): FakeAnswer {
  if (headers.authorization !== `Bearer ${TOKEN}`)
    return { status: 401, body: { status: 'error', category: 'INVALID_AUTHENTICATION' } };
  const answered = next;
  next = undefined;
  if (answered) return answered;
  if (path === '/crm/v3/objects/contacts/search') return { body: { total: found.length, results: found } };
  if (path === '/crm/v3/objects/companies/900' || path === '/crm/v3/objects/companies/901')
    return {
      body: {
        id: path.split('/').at(-1),
        properties: {
          name: 'Acme',
          ...(query.get('properties')?.includes('tier') && { tier: 'vip' }),
          bought: 'lathe;mill',
        },
      },
    };
  if (path === '/crm/v3/objects/contacts/103/associations/companies')
    return { body: { results: [{ id: '901', type: 'contact_to_company' }, { id: '901', type: 'contact_to_company_unlabeled' }] } }; // prettier-ignore
  if (path === '/crm/v3/objects/contacts/104/associations/companies')
    return { body: { results: [{ id: '900' }, { id: '901' }] } };
  return path.split('/').length > 5 ? { status: 404, body: { status: 'error' } } : { body: { results: [] } };
}

const contextOf = (settings: object = {}) =>
  crmContext(
    HubspotConfig.parse({
      ...{ token: TOKEN, apiBase: crm.url, portalId: '77', levelProperty: 'tier', productsProperty: 'bought' },
      ...{ externalIds: { client: 'customer_id' }, metadata: { language: 'language' } },
      ...settings,
    }),
  );
beforeAll(async () => {
  crm = await fakeProvider();
  crm.answer(answer);
});
beforeEach(() => {
  found = [LI];
  next = undefined;
});
afterAll(async () => {
  await crm.close();
  await closeHttp();
});
const lookup = (handle = email('li@acme.example'), settings: object = {}) =>
  hubspotCrm.lookup(handle, contextOf(settings));

describe('HubSpot', () => {
  it('finds a contact by email, with the primary company, its level and products', async () => {
    expect(await lookup()).toEqual({
      id: '101',
      url: 'https://app.hubspot.com/contacts/77/record/0-1/101',
      name: 'Wei Li',
      metadata: { language: 'zh' },
      company: {
        id: '900',
        name: 'Acme',
        level: 'vip',
        products: ['lathe', 'mill'],
        url: 'https://app.hubspot.com/contacts/77/record/0-2/900',
      },
    });
  });

  it.each([
    ['another address', email('wei@home.example')],
    ['a number, however it is written', phone('+8613800138000')],
    ['an external id', client('u-42')],
  ])('finds a contact by %s', async (_what, handle) => {
    expect(await lookup(handle)).toMatchObject({ id: '101' });
  });

  it('searches for numbers as they are dialled at home too, and takes the very number only', async () => {
    found = [LIKE];
    expect(await lookup(phone('+8613800138000'))).toBeNull();
    const properties = searches().at(-1).filterGroups.flatMap(({ filters }: { filters: { propertyName: string; value: string }[] }) => filters);
    expect(properties).toContainEqual({ propertyName: 'hs_searchable_calculated_phone_number', operator: 'EQ', value: '13800138000' });
    expect(properties).toContainEqual({ propertyName: 'phone', operator: 'EQ', value: '+8613800138000' });
    expect(searches().at(-1).filterGroups.length).toBeLessThanOrEqual(5);
  }); // prettier-ignore

  it('takes whom the search found by a token for nobody', async () => {
    found = [LI];
    expect(await lookup(email('other@home.example'))).toBeNull();
  });

  it('takes nobody of several', async () => {
    found = [LI, { ...LI, id: '105' }];
    expect(await lookup()).toBeNull();
  });

  it('takes the only company that is associated, and none of several', async () => {
    const bare = (id: string) => contact(id, { email: 'li@acme.example' });
    found = [bare('103')];
    expect(await lookup()).toMatchObject({ id: '103', company: { id: '901' } });
    found = [bare('104')];
    expect(await lookup()).not.toHaveProperty('company');
    found = [bare('106')];
    expect(await lookup()).not.toHaveProperty('company');
  });

  it('knows a contact whose company was deleted', async () => {
    found = [contact('101', { email: 'li@acme.example', associatedcompanyid: '999' })];
    expect(await lookup()).toMatchObject({ id: '101' });
    expect(await lookup()).not.toHaveProperty('company');
  });

  it('has no link without the number of the account', async () => {
    expect(await lookup(undefined, { portalId: undefined })).toMatchObject({ url: null });
  });

  it('sends whatever is in a handle as a value', async () => {
    const hostile = emailAddress(`"*') or ('1'='1"@acme.example`)!;
    found = [LI];
    expect(await lookup(email(hostile))).toBeNull();
    expect(searches().at(-1).filterGroups[0].filters[0].value).toBe(hostile);
  });
});

describe('failures of HubSpot', () => {
  it.each([
    ['429', { status: 429, headers: { 'retry-after': '10' }, body: { policyName: 'TEN_SECONDLY_ROLLING' } }, 'throttled'],
    ['403', { status: 403, body: { category: 'MISSING_SCOPES' } }, 'unauthorized'],
    ['502', { status: 502, body: '<html>' }, 'unavailable'],
    ['400', { status: 400, body: { message: 'invalid filter' } }, 'content-refused'],
    ['no JSON', { body: 'oops' }, 'reply-unreadable'],
    ['a break', 'reset', 'outcome-unknown'],
  ] as const)('are told by the table: %s', async (_what, failure, code) => {
    next = failure;
    await expect(lookup()).rejects.toMatchObject({ name: 'ProviderFailure', code });
  }); // prettier-ignore

  it('hand on how long it is to wait', async () => {
    next = { status: 429, headers: { 'retry-after': '10' } };
    await expect(lookup()).rejects.toMatchObject({ retryAfterMs: 10_000 });
  });

  it('are told by the test of the credentials, which are not repeated', async () => {
    expect(await hubspotCrm.check!(contextOf())).toMatchObject({ ok: true });
    const wrong = await hubspotCrm.check!(contextOf({ token: 'pat-wrong' }));
    expect(wrong).toEqual({ ok: false, detail: expect.stringContaining('crm.objects.contacts.read') });
    expect(wrong.detail).not.toContain('pat-wrong');
  });
});

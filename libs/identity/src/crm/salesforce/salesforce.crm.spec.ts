import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { emailAddress } from '#normalizer';
import { client, closeHttp, crmContext, email, phone } from '../testing/context.js';
import { FakeSalesforce } from '../testing/fake-salesforce.js';
import { SalesforceConfig } from './salesforce.config.js';
import { salesforceCrm } from './salesforce.crm.js';

const ACME = { Id: '001000000000001AAA', Name: 'Acme', Tier__c: 'super-vip', Bought__c: 'Lathe;Mill' };
const LI = {
  Id: '003000000000001AAA',
  Name: 'Li Wei',
  Email: 'li@acme.example',
  Phone: '(010) 6552-9988',
  MobilePhone: '138 0013 8000',
  No__c: 'u-42',
  Account: ACME,
};
const WANG = { ...LI, Id: '003000000000002AAA', Name: 'Wang', Email: 'wang@acme.example', MobilePhone: '+44 20 0013 8000', No__c: 'u-43' }; // prettier-ignore

let crm: FakeSalesforce;
let context: ReturnType<typeof crmContext<SalesforceConfig>>;
const contextOf = (settings: object = {}) =>
  crmContext(
    SalesforceConfig.parse({
      ...{ apiBase: crm.server.url, clientId: 'app', clientSecret: 'hush-hush' },
      ...{ levelField: 'Tier__c', productsField: 'Bought__c', externalIds: { client: 'No__c' } },
      ...settings,
    }),
  );
beforeAll(async () => (crm = await FakeSalesforce.start()));
beforeEach(() => {
  crm.contacts = [LI, WANG];
  crm.next = undefined;
  crm.logins = 0;
  crm.queries.length = 0;
  context = contextOf();
});
afterAll(async () => {
  await crm.server.close();
  await closeHttp();
});
const lookup = salesforceCrm.lookup;

describe('Salesforce', () => {
  it('finds a contact by email, with the account, its level and products', async () => {
    expect(await lookup(email('li@acme.example'), context)).toEqual({
      id: LI.Id,
      url: `${crm.server.url}/lightning/r/Contact/${LI.Id}/view`,
      name: 'Li Wei',
      company: {
        id: ACME.Id,
        name: 'Acme',
        url: `${crm.server.url}/lightning/r/Account/${ACME.Id}/view`,
        level: 'super-vip',
        products: ['Lathe', 'Mill'],
      },
    });
    expect(await lookup(email('nobody@acme.example'), context)).toBeNull();
  });

  it('finds a contact by phone however it is written, and nobody with a like number', async () => {
    expect(await lookup(phone('+8613800138000'), context)).toMatchObject({ id: LI.Id });
    expect(crm.searches.at(-1)).toMatchObject({ q: '13800138000', in: 'PHONE', sobjects: [{ name: 'Contact' }] });
    expect(await lookup(phone('+8613900138000'), context)).toBeNull();
  });

  it('finds a contact by an external id', async () => {
    expect(await lookup(client('u-42'), context)).toMatchObject({ id: LI.Id, company: { level: 'super-vip' } });
    expect(await lookup(client('u-44'), context)).toBeNull();
  });

  it('takes nobody of several', async () => {
    crm.contacts = [LI, { ...WANG, Email: LI.Email, MobilePhone: LI.MobilePhone, No__c: LI.No__c }];
    expect(await lookup(email('li@acme.example'), context)).toBeNull();
    expect(await lookup(phone('+8613800138000'), context)).toBeNull();
    expect(await lookup(client('u-42'), context)).toBeNull();
  });

  it('is asked for what the settings name, and for nothing else', async () => {
    expect(salesforceCrm.schemes(context.config)).toEqual(['email', 'phone', 'client']);
    expect(salesforceCrm.schemes(contextOf({ emailFields: [], externalIds: {} }).config)).toEqual(['phone']);
    expect(await lookup({ ...client('u-42'), scheme: 'wechat-openid' }, context)).toBeNull();
    expect(crm.logins).toBe(0);
  });

  it('tells an account without a level from an org that has none', async () => {
    crm.contacts = [{ ...LI, Account: { ...ACME, Tier__c: null } }];
    expect((await lookup(email('li@acme.example'), context))?.company).toMatchObject({ level: null });
    const bare = contextOf({ levelField: undefined, productsField: undefined });
    expect((await lookup(email('li@acme.example'), bare))?.company).not.toHaveProperty('level');
    crm.contacts = [{ ...LI, Account: null }];
    expect(await lookup(email('li@acme.example'), bare)).not.toHaveProperty('company');
  });
});

describe('the session of Salesforce', () => {
  it('is begun once, and anew when it ends in the middle', async () => {
    await lookup(email('li@acme.example'), context);
    await lookup(email('wang@acme.example'), context);
    expect(crm.logins).toBe(1);
    crm.expire();
    expect(await lookup(phone('+8613800138000'), context)).toMatchObject({ id: LI.Id });
    expect(crm.logins).toBe(2);
  });

  it('is begun anew once by all who find it ended', async () => {
    await lookup(email('li@acme.example'), context);
    crm.expire();
    const found = await Promise.all(['li', 'wang', 'li'].map((name) => lookup(email(`${name}@acme.example`), context)));
    expect(found.map((record) => record?.name)).toEqual(['Li Wei', 'Wang', 'Li Wei']);
    expect(crm.logins).toBe(2);
  });

  it('is not begun again and again where it is refused at once', async () => {
    const refusing = { ...context, once: () => Promise.resolve('a token of yesterday') };
    const before = crm.server.requests.length;
    await expect(lookup(email('li@acme.example'), refusing)).rejects.toMatchObject({ code: 'unauthorized' });
    expect(crm.server.requests.length - before).toBe(2);
  });

  it('tells wrong credentials without repeating them', async () => {
    const wrong = contextOf({ clientSecret: 'wrong-secret' });
    await expect(lookup(email('li@acme.example'), wrong)).rejects.toMatchObject({
      code: 'unauthorized',
      message: expect.not.stringContaining('wrong-secret'),
    });
    expect(await salesforceCrm.check!(wrong)).toEqual({ ok: false, detail: expect.stringContaining('invalid_client') });
  });
});

describe('failures of Salesforce', () => {
  it.each([
    ['too many requests', { status: 403, body: [{ errorCode: 'REQUEST_LIMIT_EXCEEDED' }] }, 'throttled'],
    ['no right to read', { status: 403, body: [{ errorCode: 'INSUFFICIENT_ACCESS' }] }, 'unauthorized'],
    ['out of order', { status: 503, body: '<html>' }, 'unavailable'],
    ['no JSON', { body: 'oops' }, 'reply-unreadable'],
    ['a break', 'reset-mid-body', 'outcome-unknown'],
  ] as const)('are told by the table: %s', async (_what, answer, code) => {
    await lookup(email('li@acme.example'), context);
    crm.next = answer;
    await expect(lookup(email('wang@acme.example'), context)).rejects.toMatchObject({ name: 'ProviderFailure', code });
  });

  it('name the field that does not exist, and nobody who was asked for', async () => {
    const wrong = contextOf({ levelField: 'Missing__c' });
    const failure = await lookup(email('li@acme.example'), wrong).catch((error: Error) => error);
    expect(failure).toMatchObject({ code: 'config-invalid', message: expect.stringContaining('Account.Missing__c') });
    expect((failure as Error).message).not.toContain('li@acme.example');
    expect((await salesforceCrm.check!(wrong)).detail).toContain('Account.Missing__c');
    expect(await salesforceCrm.check!(context)).toMatchObject({ ok: true });
  });
});

describe('hostile handles at Salesforce', () => {
  it.each([`"' or email like '%"@acme.example`, String.raw`"\\' or name != '"@acme.example`, `o'brien@acme.example`])(
    '%s is one literal',
    async (text) => {
      const address = emailAddress(text)!;
      crm.contacts = [{ ...LI, Email: address }, WANG];
      expect(await lookup(email(address), context)).toMatchObject({ id: LI.Id });
      crm.contacts = [LI, WANG];
      expect(await lookup(email(address), context)).toBeNull();
    },
  );

  it('an external id stays in its segment, and is no step in the path', async () => {
    const paths = () => crm.server.requests.map(({ path }) => path).filter((path) => path.includes('/sobjects/'));
    const before = paths().length;
    expect(await lookup(client('../../query?q=SELECT+Id+FROM+User'), context)).toBeNull();
    expect(paths().at(-1)?.split('/')).toHaveLength(8);
    expect(await lookup(client('..'), context)).toBeNull();
    expect(paths()).toHaveLength(before + 1);
  });

  it('a number is digits when it is searched for', async () => {
    const before = crm.searches.length;
    expect(await lookup(phone('+86 138*} IN ALL FIELDS RETURNING User(Id) {'), context)).toBeNull();
    expect(crm.searches.slice(before).every(({ q }) => /^\d+$/.test(String(q)))).toBe(true);
  });

  it('ids that are none get into no query', async () => {
    await lookup(email('li@acme.example'), context);
    crm.next = { body: { searchRecords: [{ Id: "x') OR (Id != '" }] } };
    const before = crm.queries.length;
    expect(await lookup(phone('+8613800138000'), context)).toBeNull();
    expect(crm.queries).toHaveLength(before);
  });

  it('settings take no field that is more than a name', () => {
    const given = { apiBase: 'https://acme.my.salesforce.com', clientId: 'x', clientSecret: 'y' };
    expect(SalesforceConfig.safeParse({ ...given, levelField: 'Id FROM User' }).success).toBe(false);
    expect(SalesforceConfig.safeParse({ ...given, apiVersion: 'v62.0/../x' }).success).toBe(false);
  });
});

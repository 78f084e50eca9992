import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { SettingsFile } from '#config';
import { Intake, Leases, Vault, type IntakePort } from '#conversations';
import type { Database } from '#database';
import { describeOnEveryDatabase } from '#database/testing';
import { addHandle, insertContact } from '#identity';
import type { Handle } from '#normalizer';
import { guardedHttp, type GuardedHttp } from '#transport';
import { fakeProvider, type FakeProvider } from '#transport/testing';
import { pino, type Logger } from 'pino';
import { addAccount, addDestination, STORE } from '../../../../libs/conversations/src/testing/store.js';
import { FakeSalesforce } from '../../../../libs/identity/src/crm/testing/fake-salesforce.js';
import { SharedValues } from '../directory/index.js';
import { Metrics } from '../ops/metrics.js';
import { Crm } from './crm.js';
import { message, somebody } from './testing/desk.js';

const SECRET = 'a-token-that-nobody-may-see';

function logTo(lines: string[]): Logger {
  return pino({ level: 'trace' }, { write: (line: string) => void lines.push(line) });
}

describe('without a CRM in the settings', () => {
  it('there is none, and nothing stands before intake', () => {
    expect(Crm.open({ settings: undefined } as Parameters<typeof Crm.open>[0])).toBeNull();
  });
});

describeOnEveryDatabase('a CRM of the settings', (open) => {
  let database: Database;
  let http: GuardedHttp;
  let server: FakeProvider;
  let intake: IntakePort;
  let crm: Crm;
  const lines: string[] = [];
  const openWith = (settings: object, client = http) => {
    const vault = new Vault('a secret key of the suite');
    const shared = new SharedValues({ database, vault, leases: new Leases(database) });
    const parsed = SettingsFile.parse({ crm: settings }).crm;
    return Crm.open({ settings: parsed, database, http: client, shared, metrics: new Metrics(), log: logTo(lines) })!;
  };
  const settingsOf = (more: object = {}) => ({
    type: 'http',
    config: {
      url: `${server.url}/people`,
      query: { by: '{value}' },
      auth: { type: 'bearer', token: SECRET },
      fields: { company: { level: 'company.level' } },
    },
    budget: 10_000,
    ...more,
  });
  const person = (id: string) => ({ id, name: `Name of ${id}`, company: { id: 'acc-1', name: 'Acme', level: 'vip' } });
  const contactWith = async (...handles: readonly Handle[]) => {
    const id = await insertContact(database, {});
    for (const handle of handles) await addHandle(database, id, handle);
    return id;
  };

  beforeAll(async () => {
    database = await open(STORE);
    await addAccount(database, { id: 'sms' });
    await addDestination(database, { id: 'all' });
    http = guardedHttp({ allow: ['127.0.0.1/32'] });
    server = await fakeProvider();
    crm = openWith(settingsOf());
    intake = crm.before(new Intake(database));
  });
  beforeEach(() => server.answer(() => ({ status: 404 })));
  afterAll(async () => {
    crm.stop();
    await http.close();
    await server.close();
    await database.close();
  });

  it('is asked for whoever writes', async () => {
    server.answer(({ query }) => ({ body: person(`p-${query.get('by')}`) }));
    const { email } = somebody();
    const [stored] = await intake.accept('sms', [message([email], 'hello')]);
    const [row] = await database.query(`select data->'contact' as contact from event where data->'message'->>'id' = $1`, [stored!.id]); // prettier-ignore
    expect(row).toMatchObject({
      contact: { crm: { id: `p-${email.value}` }, company: { name: 'Acme', level: 'vip' } },
    });
    expect(server.requests.at(-1)).toMatchObject({ headers: { authorization: `Bearer ${SECRET}` } });
  });

  it('is asked anew on demand, by every proven address', async () => {
    const { phone, email } = somebody();
    const id = await contactWith(phone, email, { ...somebody().email, proof: 'claimed' });
    const before = server.requests.length;
    expect(await crm.refresh(id)).toMatchObject({ outcome: 'unknown', changes: [], contact: { id } });
    expect(server.requests.slice(before).map(({ query }) => query.get('by')).sort()).toEqual([phone.value, email.value]); // prettier-ignore
    server.answer(() => ({ body: person('p-1') }));
    expect(await crm.refresh(id)).toMatchObject({
      outcome: 'linked',
      changes: ['handles', 'crm', 'company', 'name'],
      contact: { crm: { id: 'p-1' }, company: { level: 'vip' } },
    });
    expect(await crm.refresh(id)).toMatchObject({ outcome: 'linked', changes: [] });
  }); // prettier-ignore

  it('replaces a link of its own on demand, as where the CRM joined two records', async () => {
    const { phone } = somebody();
    const id = await contactWith(phone);
    server.answer(() => ({ body: person('p-2') }));
    await crm.refresh(id);
    server.answer(() => ({ body: person('p-3') }));
    const { outcome, contact } = await crm.refresh(id);
    expect({ outcome, crm: contact.crm }).toMatchObject({ outcome: 'linked', crm: { id: 'p-3' } });
    expect(contact.handles.filter(({ scheme }) => scheme === 'crm')).toMatchObject([
      { value: 'p-3', proof: 'verified' },
    ]);
  });

  it('is asked for nothing that is only claimed', async () => {
    const id = await contactWith({ ...somebody().email, proof: 'claimed' });
    const before = server.requests.length;
    expect(await crm.refresh(id)).toMatchObject({ outcome: 'nothing-proven' });
    expect(server.requests).toHaveLength(before);
    await expect(crm.refresh('con_nobody')).rejects.toMatchObject({ name: 'NotFound' });
  });

  it('says why it cannot be asked', async () => {
    const id = await contactWith(somebody().phone);
    server.answer(() => ({ status: 401 }));
    await expect(crm.refresh(id)).rejects.toMatchObject({ name: 'ProviderFailure', code: 'unauthorized' });
    expect(await crm.check(AbortSignal.timeout(5_000))).toMatchObject({ ok: false });
    server.answer(() => ({ status: 404 }));
    expect(await crm.check(AbortSignal.timeout(5_000))).toMatchObject({ ok: true });
  });

  it('is not reached on a private address that is not allowed', async () => {
    const guarded = guardedHttp({});
    const shut = openWith(settingsOf(), guarded);
    const before = server.requests.length;
    const id = await contactWith(somebody().phone);
    await expect(shut.refresh(id)).rejects.toMatchObject({ code: 'config-invalid' });
    expect((await shut.check(AbortSignal.timeout(5_000))).detail).toContain('network.allow');
    expect(server.requests).toHaveLength(before);
    await guarded.close();
  });

  it('tells the log once that it fails, once that it answers again, and nothing secret', async () => {
    lines.length = 0;
    const own = openWith(settingsOf({ config: { ...settingsOf().config, auth: { type: 'header', name: 'x-key', value: '127.0.0.1' } } })); // prettier-ignore
    const [one, other] = [await contactWith(somebody().phone), await contactWith(somebody().phone)];
    server.answer(() => 'reset');
    await own.refresh(one).catch(() => {});
    await own.refresh(other).catch(() => {});
    server.answer(() => ({ status: 404 }));
    await own.refresh(one);
    expect(lines.map((line) => (JSON.parse(line) as { msg: string }).msg)).toEqual([
      'the CRM fails; messages go on without it',
      'the CRM answers again',
    ]);
    expect(lines.join('')).not.toContain('127.0.0.1');
    expect((await own.check(AbortSignal.timeout(5_000))).detail).not.toContain('127.0.0.1');
  });

  it('shares a session with other processes, sealed', async () => {
    const salesforce = await FakeSalesforce.start();
    salesforce.contacts = [];
    const settings = { type: 'salesforce', config: { apiBase: salesforce.server.url, clientId: 'app', clientSecret: 'hush-hush' } }; // prettier-ignore
    const id = await contactWith(somebody().email);
    expect(await openWith(settings).refresh(id)).toMatchObject({ outcome: 'unknown' });
    expect(await openWith(settings).refresh(id)).toMatchObject({ outcome: 'unknown' });
    expect(salesforce.logins).toBe(1);
    const values = await database.query<{ name: string; value: string }>('select name, value from shared_value');
    expect(JSON.stringify(values)).not.toMatch(/hush-hush|00Dx!1/);
    await salesforce.server.close();
  });
});

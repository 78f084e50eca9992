import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { fakeProvider, type FakeProvider } from '#transport/testing';
import { setStage, stopEverything, until, type Stage } from '../support/index.js';

jest.setTimeout(120_000);

const SECRET = 'a-token-of-the-crm-that-nobody-may-see';
const VIP = '+8613900000001';
const SLOW = '+8613900000002';

let crm: FakeProvider;
let stage: Stage;
let answerSlowly: () => void = () => {};
const slow = new Promise<void>((resolve) => (answerSlowly = resolve));
const person = (phone: string) => ({
  id: `p-${phone}`,
  name: '王芳',
  company: { id: 'acc-1', name: 'Acme', level: 'super-vip' },
});

beforeAll(async () => {
  crm = await fakeProvider(async ({ headers, query }) => {
    if (headers.authorization !== `Bearer ${SECRET}`) return { status: 401 };
    const phone = query.get('phone') ?? '';
    if (phone === SLOW) await slow;
    return phone === VIP || phone === SLOW ? { body: person(phone) } : { status: 404 };
  });
  stage = await setStage({
    settings: {
      crm: {
        type: 'http',
        config: {
          url: `${crm.url}/people`,
          query: { phone: '{phone}' },
          auth: { type: 'bearer', token: SECRET },
          handles: ['phone'],
          fields: { company: { level: 'company.level' } },
          link: 'https://crm.example/{id}',
        },
        budget: 2_000,
        timeout: '60s',
      },
      routing: { rules: [{ name: 'VIP', when: { level: ['super-vip'] }, set: { priority: 'urgent', queue: 'vip' } }] },
    },
  });
});
afterAll(async () => {
  answerSlowly();
  await stage?.close();
  await crm?.close();
  await stopEverything();
});

describe('a gateway with a CRM', () => {
  it('opens the ticket of a VIP as what it is', async () => {
    const { data } = await stage.received(await stage.write({ id: 'm-1', thread: 'vip', phone: VIP }));
    expect(data).toMatchObject({
      conversation: { priority: 'urgent', queue: 'vip' },
      contact: {
        name: '王芳',
        company: { name: 'Acme', level: 'super-vip' },
        crm: { id: `p-${VIP}`, url: `https://crm.example/p-${encodeURIComponent(VIP)}` },
      },
    });
    expect(data!.contact!.handles).toContainEqual({ scheme: 'crm', scope: '', value: `p-${VIP}`, proof: 'claimed' });
  });

  it('answers the provider without a CRM that is slow, and tells the helpdesk afterwards', async () => {
    const { data } = await stage.received(await stage.write({ id: 'm-2', thread: 'slow', phone: SLOW }));
    expect(data!.contact).toMatchObject({ crm: null, company: null });
    answerSlowly();
    const updated = await until('contact.updated', () =>
      stage.helpdesk.of('contact.updated').find((event) => event.data?.contact?.id === data!.contact!.id),
    );
    expect(updated.data).toMatchObject({ changes: expect.arrayContaining(['crm', 'company']), contact: { company: { level: 'super-vip' } } }); // prettier-ignore
  });

  it('is tested and asked anew through the API, by keys that may', async () => {
    const { api } = stage.gateway;
    expect(await api.post('/v1/crm/check')).toMatchObject({ status: 200, body: { ok: true } });
    const contact = stage.helpdesk.of('message.received')[0]!.data!.contact!;
    const path = `/v1/contacts/${contact.id}/crm/refresh`;
    expect(await api.post(path)).toMatchObject({ status: 200, body: { outcome: 'suggested', contact: { id: contact.id } } }); // prettier-ignore
    expect(await api.post('/v1/contacts/con_nobody/crm/refresh')).toMatchObject({ status: 404 });
    const key = await api.post<{ secret: string }>('/v1/keys', { name: 'reader', scopes: ['contacts:read'] });
    const options = { key: key.body.secret };
    expect(await api.post(path, {}, options)).toMatchObject({ status: 403 });
    expect(await api.post('/v1/crm/check', {}, options)).toMatchObject({ status: 403 });
  });

  it('goes on while the CRM is gone, and says so in the log without a secret', async () => {
    await crm.close();
    const { data } = await stage.received(await stage.write({ id: 'm-3', thread: 'new', phone: '+8613900000003' }));
    expect(data!.contact).toMatchObject({ crm: null });
    expect(await stage.gateway.api.post('/v1/crm/check')).toMatchObject({ status: 200, body: { ok: false } });
    await until('the line in the log', () => stage.gateway.logs.includes('the CRM fails'));
    expect(stage.gateway.logs).not.toContain(SECRET);
    const known = await stage.received(await stage.write({ id: 'm-4', thread: 'vip', phone: VIP }));
    expect(known.data!.contact).toMatchObject({ company: { level: 'super-vip' } });
  });
});

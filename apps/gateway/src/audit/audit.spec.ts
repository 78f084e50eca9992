import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { sealAudit } from '#conversations';
import { describeOnEveryDatabase } from '#database/testing';
import { Stage } from '../api/testing/stage.js';
import { STORE } from '../api/testing/store.js';

interface Entry {
  readonly link: number;
  readonly action: string;
  readonly keyId: string;
  readonly targets: string[];
  readonly parameters: string[];
  readonly status: number;
}

describeOnEveryDatabase('the audit log', (open) => {
  let api: Stage;
  beforeAll(async () => {
    api = await new Stage(await open(STORE)).open();
    await api.account('sms');
  });
  afterAll(() => api.close());

  const entries = async (query = ''): Promise<Entry[]> => {
    await api.get('/v1/audit?limit=1'); // writes what waits
    await sealAudit(api.database);
    const all: Entry[] = [];
    for (let after: string | null = '0'; after !== null;) {
      const page = await api.get(`/v1/audit?after=${after}&limit=200${query}`);
      all.push(...page.body.items);
      after = page.body.next;
    }
    return all;
  };
  const actions = async (query: string): Promise<unknown[]> =>
    (await entries(query)).flatMap(({ action, status }) => (action === 'GET /v1/audit' ? [] : [[action, status]]));

  it('says which key read or changed what of a contact, after it was erased too', async () => {
    const { contactId, conversationId, messageId } = await api.arrive('sms', 'hi', '+8613900000001');
    const other = await api.arrive('sms', 'hi', '+8613900000002');
    const key = await api.key(['contacts:read', 'contacts:write', 'conversations:read', 'conversations:write']);
    await api.get(`/v1/contacts/${contactId}`, { key });
    await api.get('/v1/contacts?handle=phone:%2B8613900000001', { key });
    await api.patch(`/v1/contacts/${contactId}`, { name: 'Wang Li' }, { key });
    await api.get(`/v1/messages/${messageId}`, { key });
    await api.post(`/v1/conversations/${conversationId}/messages`, { text: 'answer' }, { key });
    await api.get(`/v1/contacts/${contactId}/export`, { key });
    await api.get(`/v1/contacts/${other.contactId}`, { key });
    const expected = [
      ['GET /v1/contacts/{id}', 200],
      ['GET /v1/contacts', 200],
      ['PATCH /v1/contacts/{id}', 200],
      ['GET /v1/messages/{id}', 200],
      ['POST /v1/conversations/{id}/messages', 202],
      ['GET /v1/contacts/{id}/export', 403],
    ];
    const byAction = (list: unknown[]) => list.map((one) => JSON.stringify(one)).sort();
    expect(byAction(await actions(`&contactId=${contactId}`))).toEqual(byAction(expected));
    await api.post(`/v1/contacts/${contactId}/erase`, {});
    const after = [...expected, ['POST /v1/contacts/{id}/erase', 200]];
    expect(byAction(await actions(`&contactId=${contactId}`))).toEqual(byAction(after));
    const mine = await entries(`&keyId=${(await entries(`&contactId=${contactId}`))[0]!.keyId}`);
    expect(new Set(mine.map(({ keyId }) => keyId)).size).toBe(1);
    expect(mine).toHaveLength(7);
  });

  it('holds no address and nothing that anybody wrote', async () => {
    await api.arrive('sms', 'canary-of-text', '+8613900000003');
    await api.get('/v1/contacts?handle=email:canary@mail.example&q=canary-name');
    await api.get('/v1/contacts?canary%40mail.example=1');
    await api.get('/v1/contacts/13900000003');
    await api.get('/v1/contacts/canary-in-a-path');
    const { contactId } = await api.arrive('sms', 'x', '+8613900000003');
    await api.delete(`/v1/contacts/${contactId}/handles/phone:%2B8613900000003`);
    await api.patch(`/v1/contacts/${contactId}`, { name: 'canary-of-a-name' });
    await api.post('/v1/contacts', {
      name: 'canary-of-another',
      handles: [{ scheme: 'email', value: 'canary@mail.example' }],
    });
    await entries();
    const rows = await api.database.query<{ text: string }>('select x::text as text from audit x');
    expect(rows.length).toBeGreaterThan(6);
    expect(rows.filter(({ text }) => /canary|13900000003|hash-of/.test(text))).toEqual([]);
    const asked = (await entries()).filter(({ parameters }) => parameters.includes('handle'));
    expect(asked).toContainEqual(expect.objectContaining({ action: 'GET /v1/contacts', parameters: ['handle', 'q'] }));
  });

  it('writes a change in its own transaction: one that is not made is not said to be', async () => {
    const { contactId } = await api.arrive('sms', 'hi', '+8613900000004');
    await api.database.query(
      `create function refuse() returns trigger language plpgsql as 'begin raise exception ''no''; end'`,
    );
    await api.database.query(
      'create trigger refuse before insert on audit for each row when (new.status = 200) execute function refuse()',
    );
    const refused = await api.patch(`/v1/contacts/${contactId}`, { name: 'Never' });
    await api.database.query('drop trigger refuse on audit');
    expect(refused.status).toBe(500);
    expect((await api.get(`/v1/contacts/${contactId}`)).body.name).not.toBe('Never');
    expect(await actions(`&contactId=${contactId}`)).toContainEqual(['PATCH /v1/contacts/{id}', 500]);
  });

  it('shows the first entry that was changed, and that one was taken out or cut off', async () => {
    const { contactId } = await api.arrive('sms', 'hi', '+8613900000005');
    for (let n = 0; n < 4; n += 1) await api.get(`/v1/contacts/${contactId}`);
    await entries();
    const verify = async (query = '') => (await api.get(`/v1/audit/verify${query}`)).body;
    const sound = await verify();
    expect(sound).toMatchObject({ fault: null, entries: sound.head.link });
    expect(sound.entries).toBeGreaterThan(4);
    const [third, last] = [3, sound.head.link];
    const change = (set: string, link: number) => api.database.query(`update audit set ${set} where link = $1`, [link]);

    const [old] = await api.database.query<{ key_id: string }>('select key_id from audit where link = 3');
    await change(`key_id = 'key_other'`, third);
    expect((await verify()).fault).toEqual({ link: third, reason: 'changed' });
    await change(`key_id = '${old!.key_id}'`, third);
    expect((await verify()).fault).toBeNull();

    await change('link = -3', third);
    expect((await verify()).fault).toEqual({ link: third, reason: 'missing' });
    await change('link = 3', -third);
    await api.database.transaction(async (sql) => {
      await sql.query('delete from audit where link >= $1', [last]);
      await sql.query(
        'update audit_chain set last_link = $1 - 1, last_hash = (select hash from audit where link = $1 - 1)',
        [last],
      );
    });
    expect((await verify()).fault).toBeNull();
    expect((await verify(`?link=${last}&hash=${sound.head.hash}`)).fault).toMatchObject({ link: last });
  });

  it('takes entries that commit late into the chain, in whatever order', async () => {
    await Promise.all(
      Array.from({ length: 20 }, async (_, n) => {
        await api.arrive('sms', 'hi', `+86139000001${n}`);
        await Promise.all([sealAudit(api.database), api.get('/v1/accounts'), sealAudit(api.database)]);
      }),
    );
    await entries();
    const links = (
      await api.database.query<{ link: number }>('select link from audit where link > 0 order by link')
    ).map(({ link }) => Number(link));
    expect(links).toEqual(links.map((_, n) => links[0]! + n));
  });

  it('loses no read when the process is stopped', async () => {
    const key = await api.key(['accounts:read']);
    await api.get('/v1/accounts', { key });
    await api.close();
    const rows = await api.database.query(
      `select 1 from audit where action = 'GET /v1/accounts' and key_id = (select id from api_key order by created_at desc limit 1) and link is not null`,
    );
    expect(rows).toHaveLength(1);
  });
});

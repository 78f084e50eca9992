import { afterAll, beforeAll, beforeEach, expect, it } from '@jest/globals';
import type { Database } from '#database';
import { describeOnEveryDatabase } from '#database/testing';
import { STORE } from '../relay/testing/harness.js';
import { Stage } from './testing/stage.js';

describeOnEveryDatabase('one-time codes of the API', (open) => {
  let db: Database;
  let stage: Stage;
  beforeAll(async () => {
    db = await open(STORE);
    stage = await new Stage(db).open();
    await stage.account('bridge');
  });
  afterAll(() => stage.close());
  beforeEach(() =>
    db.query('truncate code, unit, outbox, contact, handle, event, thread, conversation, message, inbox'),
  );

  const contact = async (...handles: object[]): Promise<string> =>
    (await stage.post('/v1/contacts', { name: 'Wang', handles })).body.id as string;
  const ask = (contactId: string, value = '138 0013 8000', more = {}) =>
    stage.post(`/v1/contacts/${contactId}/verifications`, { handle: { scheme: 'phone', value }, ...more });
  const confirm = (id: string, code: string, options = {}) =>
    stage.post(`/v1/verifications/${id}/confirm`, { code }, options);
  /** What is on its way to phones, oldest first. */
  const sent = async () =>
    db.query<{ to: string; text: string }>(
      `select content->'thread'->>'externalId' as to, content->>'text' as text from unit order by id`,
    );
  const codeIn = (text: string) => /\d{6}/.exec(text)![0];
  const PHONE = { scheme: 'phone', value: '+8613800138000' };

  it('prove an address in any spelling, and the stream tells', async () => {
    const id = await contact();
    const asked = await ask(id);
    expect([asked.status, Object.keys(asked.body as object)]).toEqual([202, ['id', 'expiresAt']]);
    const [unit] = await sent();
    expect(unit!.to).toBe(PHONE.value);
    const answer = await confirm(asked.body.id, codeIn(unit!.text));
    expect([answer.status, answer.body]).toEqual([200, { verified: true }]);
    expect((await stage.get(`/v1/contacts/${id}`)).body.handles).toMatchObject([{ ...PHONE, proof: 'verified' }]);
    const handles = await db.query('select source from handle');
    expect(handles).toEqual([{ source: 'code:bridge' }]);
    const events = await db.query<{ type: string }>('select type from event order by position');
    expect(events.map(({ type }) => type)).toEqual(['contact.created', 'contact.updated']);
  });

  it('are answered alike whoever has the address, and whether it was sent enough', async () => {
    const id = await contact();
    await contact({ ...PHONE, proof: 'verified' });
    const known = await ask(id);
    const unknown = await ask(id, '+8613900139000');
    expect(Object.keys(known.body as object)).toEqual(Object.keys(unknown.body as object));
    const others = [];
    for (let i = 0; i < 8; i += 1) others.push(await ask(await contact()));
    expect(new Set(others.map(({ status }) => status))).toEqual(new Set([202]));
    expect((await sent()).filter(({ to }) => to === PHONE.value)).toHaveLength(5);
    const wrong = [
      await confirm(known.body.id, '000000'),
      await confirm(unknown.body.id, '000000'),
      await confirm(others[7]!.body.id, '000000'),
      await confirm('cod_of_nobody', '000000'),
    ];
    expect(new Set(wrong.map(({ status, body }) => JSON.stringify([status, body]))).size).toBe(1);
    expect(wrong[0]).toMatchObject({ status: 422, body: { code: 'code-wrong' } });
  });

  it('are dead after five guesses, with an Idempotency-Key or without', async () => {
    const { body } = await ask(await contact());
    const right = codeIn((await sent())[0]!.text);
    const wrong = right === '000000' ? '000001' : '000000';
    for (let i = 0; i < 5; i += 1)
      await confirm(body.id, wrong, i % 2 ? { headers: { 'idempotency-key': `try-${i}` } } : {});
    expect((await confirm(body.id, right)).status).toBe(422);
  });

  it('are used once', async () => {
    const { body } = await ask(await contact());
    const code = codeIn((await sent())[0]!.text);
    const answers = await Promise.all([confirm(body.id, code), confirm(body.id, code)]);
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 422]);
    expect((await confirm(body.id, code)).status).toBe(422);
  });

  it('are refused to a contact that asks too often, to unknown contacts, for what is no address, and where nothing can send them', async () => {
    const id = await contact();
    for (let i = 0; i < 5; i += 1) expect((await ask(id, `+861390013900${i}`)).status).toBe(202);
    const refused = await ask(id);
    expect([refused.status, Number(refused.headers.get('retry-after')) > 0]).toEqual([429, true]);
    expect((await ask('con_of_nobody')).status).toBe(404);
    const other = await contact();
    expect((await ask(other, '12')).status).toBe(422);
    expect(await ask(other, PHONE.value, { accountId: 'nowhere' })).toMatchObject({
      status: 409,
      body: { code: 'config-invalid' },
    });
  });

  it('need the scope to write contacts', async () => {
    const id = await contact();
    const reader = await stage.key(['contacts:read']);
    expect((await stage.post(`/v1/contacts/${id}/verifications`, { handle: PHONE }, { key: reader })).status).toBe(403);
    const { body } = await ask(id);
    expect((await confirm(body.id, codeIn((await sent())[0]!.text), { key: reader })).status).toBe(403);
  });

  it('appear in no answer, event, record of an answer or table but the one that is sent', async () => {
    const { body } = await stage.post(
      `/v1/contacts/${await contact()}/verifications`,
      { handle: PHONE },
      { headers: { 'idempotency-key': 'once' } },
    );
    const code = codeIn((await sent())[0]!.text);
    await db.query('truncate unit');
    await confirm(body.id, code, { headers: { 'idempotency-key': 'twice' } });
    for (const table of ['code', 'outbox', 'event', 'idempotency', 'trace', 'handle', 'message']) {
      const rows = await db.query(`select * from ${table}`);
      expect(
        JSON.stringify(rows, (key, value: unknown) => (/^(id|hash|.*_id|fingerprint)$/.test(key) ? '' : value)),
      ).not.toContain(`"${code}"`);
    }
  });
});

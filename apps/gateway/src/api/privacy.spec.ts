import { Ajv2020 } from 'ajv/dist/2020.js';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { describeOnEveryDatabase } from '#database/testing';
import { findText, live, type Life } from '../../../../libs/conversations/src/testing/life.js';
import { Stage } from './testing/stage.js';
import { STORE } from './testing/store.js';

/** Says what is wrong with a document, by the schema that the gateway publishes. */
async function faultsOf(api: Stage, document: unknown): Promise<unknown[]> {
  const { body } = await api.get('/schemas/ContactExport.json', { key: null });
  const validate = new Ajv2020({ strict: false, allErrors: true, validateFormats: false }).compile(body as object);
  return validate(document) ? [] : (validate.errors ?? []);
}

describeOnEveryDatabase('the API: privacy', (open) => {
  let api: Stage;
  beforeAll(async () => {
    api = await new Stage(await open(STORE)).open();
    await api.account('sms');
    await api.account('web', 'webchat');
    await api.post('/v1/destinations', { id: 'desk', type: 'webhook', config: { url: 'https://desk.example/hook' } });
  });
  afterAll(() => api.close());

  const exported = async (life: Pick<Life, 'contactId'>, query = '') => {
    const answer = await api.get(`/v1/contacts/${life.contactId}/export${query}`);
    expect([answer.status, answer.headers.get('content-type')]).toEqual([200, 'application/json; charset=utf-8']);
    return answer.body;
  };

  it('exports everything of a contact in one document, which is of the published schema', async () => {
    const life = await live(api.database, api.files, 'subject1a');
    await live(api.database, api.files, 'stranger2b');
    const document = await exported(life);
    expect(await faultsOf(api, document)).toEqual([]);
    const text = JSON.stringify(document);
    expect(text).not.toContain('stranger2b');
    for (const id of [...life.conversationIds, ...life.messageIds, ...life.fileIds, life.mergedId])
      expect(text).toContain(id);
    const words = [
      'hello',
      'chat',
      'answer',
      'queued',
      'seen',
      'caption',
      'subject',
      'because',
      'Name',
      'Agent',
      'wrong:',
    ];
    for (const word of words) expect(text).toContain(`${word} subject1a`);
    const events = await api.database.query<{ id: string }>(
      'select id from event where conversation_id = any ($1) or (conversation_id is null and contact_id = any ($2))',
      [life.conversationIds, [life.contactId, life.mergedId]],
    );
    expect(document.events.map(({ id }: { id: string }) => id).sort()).toEqual(events.map(({ id }) => id).sort());
    const messages = document.conversations.flatMap((c: { messages: unknown[] }) => c.messages);
    expect(messages.map(({ status }: { status: string }) => status)).toEqual(
      expect.arrayContaining(['received', 'queued', 'sent']),
    );
    const files = messages.flatMap((m: { files: { content?: string }[] }) => m.files);
    expect(
      files.map(({ content }: { content?: string }) => content && Buffer.from(content, 'base64').toString()),
    ).toEqual(expect.arrayContaining(['content subject1a', undefined]));
    expect(document.threads[0]).toMatchObject({
      externalId: 'thread-subject1a',
      optedOutAt: expect.any(String),
      refusedAt: null,
    });
  });

  it('gives links in the place of contents, and every message of a long life', async () => {
    const { contactId, conversationId } = await api.arrive('sms', 'one of many', '+8613900000077');
    await api.database.query(
      `insert into message select (m).* from message m0, generate_series(2, 350) n,
         lateral (select jsonb_populate_record(m0, jsonb_build_object('id', 'msg_many_' || n, 'sequence', n, 'thread_sequence', n)) as m) x where m0.conversation_id = $1`,
      [conversationId],
    );
    const document = await exported({ contactId });
    expect(document.conversations[0].messages).toHaveLength(350);
    const life = await live(api.database, api.files, 'linked3c');
    const linked = await exported(life, '?files=links');
    expect(await faultsOf(api, linked)).toEqual([]);
    const files = linked.conversations.flatMap((c: { messages: { files: object[] }[] }) => c.messages.flatMap((m) => m.files)); // prettier-ignore
    expect(files).toContainEqual(
      expect.objectContaining({ state: 'ready', url: expect.stringContaining('/files/fil_') }),
    );
    expect(JSON.stringify(files)).not.toContain('"content"');
  });

  it('keeps a file whole, whatever the pieces it is read in', async () => {
    const { contactId, messageId } = await api.arrive('sms', 'with a file', '+8613900000078');
    const bytes = Buffer.from(Array.from({ length: 90_001 }, (_, n) => (n * 7) % 251));
    const file = await api.files.store(api.database, bytes, { name: 'big.bin' });
    await api.database.query('update file set message_id = $1 where id = $2', [messageId, file.id]);
    const document = await exported({ contactId });
    expect(Buffer.from(document.conversations[0].messages[0].files[0].content, 'base64').equals(bytes)).toBe(true);
  });

  it('erases with a proof, once, and shows the proofs', async () => {
    const life = await live(api.database, api.files, 'erased4d');
    const path = `/v1/contacts/${life.contactId}/erase`;
    const headers = { 'idempotency-key': 'letter-of-erased4d' };
    const first = await api.post(path, { reason: 'request', reference: 'case-17.2' }, { headers });
    expect(first.status).toBe(200);
    expect(first.body).toMatchObject({
      by: 'admin',
      reason: 'request',
      reference: 'case-17.2',
      counts: { contacts: 2, messages: 6 },
    });
    expect((await api.post(path, { reason: 'request', reference: 'case-17.2' }, { headers })).body).toEqual(first.body);
    expect((await api.post(path)).status).toBe(404);
    expect((await api.get(`/v1/contacts/${life.contactId}`)).status).toBe(404);
    expect((await api.get(`/v1/contacts/${life.contactId}/export`)).status).toBe(404);
    expect(await findText(api.database, 'erased4d')).toEqual({});
    const proofs = await api.get('/v1/erasures?limit=1');
    expect(proofs.body.items).toEqual([first.body]);
    const events = await api.get('/v1/events?types=contact.erased');
    expect(events.body.items.at(-1).data).toEqual({
      erasure: { id: first.body.id, contactIds: first.body.contactIds, conversationIds: first.body.conversationIds },
    });
  });

  it('takes no text into the proof', async () => {
    const { contactId } = await api.arrive('sms', 'kept', '+8613900000081');
    for (const body of [
      { reason: 'Wang Xiaofang asked for it' },
      { reference: 'Wang Xiaofang' },
      { reference: 'w@x.cn' },
    ])
      expect((await api.post(`/v1/contacts/${contactId}/erase`, body)).status).toBe(422);
    expect((await api.get(`/v1/contacts/${contactId}`)).status).toBe(200);
  });

  it('answers the repeat of a request whose effect was erased with 410, and does nothing', async () => {
    const { contactId, conversationId } = await api.arrive('sms', 'before', '+8613900000079');
    const reply = () =>
      api.post(
        `/v1/conversations/${conversationId}/messages`,
        { text: 'answer' },
        { headers: { 'idempotency-key': 'reply-79' } },
      );
    const write = () =>
      api.post(
        '/v1/messages',
        { to: { contactId }, accountId: 'sms', text: 'first' },
        { headers: { 'idempotency-key': 'first-79' } },
      );
    expect([(await reply()).status, (await write()).status]).toEqual([202, 202]);
    expect((await api.post(`/v1/contacts/${contactId}/erase`, {})).status).toBe(200);
    const repeats = [await reply(), await write()];
    expect(repeats.map(({ status, body }) => [status, body.code])).toEqual([[410, 'gone'], [410, 'gone']]); // prettier-ignore
    expect(await findText(api.database, '13900000079')).toEqual({});
  });

  it('needs scopes of its own for either', async () => {
    const { contactId } = await api.arrive('sms', 'kept', '+8613900000080');
    const key = await api.key(['contacts:read', 'contacts:write', 'conversations:read']);
    expect((await api.get(`/v1/contacts/${contactId}/export`, { key })).status).toBe(403);
    expect((await api.post(`/v1/contacts/${contactId}/erase`, {}, { key })).status).toBe(403);
    expect((await api.get(`/v1/contacts/${contactId}`, { key })).status).toBe(200);
  });
});

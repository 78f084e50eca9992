import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { message, newSecret, setStage, stopEverything, until, type Stage } from '../support/index.js';

jest.setTimeout(180_000);

/** In everything that is said, named, sent or configured here. */
const CANARY = 'canary7f3a';
const PHONE = '+8613917137337';
const TRACES = [CANARY, PHONE.slice(1), encodeURIComponent(PHONE)];
const person = { thread: `thread-${CANARY}`, phone: PHONE, name: `Name ${CANARY}` };

let stage: Stage;
let secrets: string[];

beforeAll(async () => {
  const secret = newSecret();
  stage = await setStage({
    env: { LOG_LEVEL: 'trace' },
    accounts: [
      {
        id: 'lost',
        type: 'http',
        name: CANARY,
        config: { secret, url: `http://127.0.0.1:9/${CANARY}?token=${CANARY}` },
      },
      { id: 'web', type: 'webchat', config: {} },
    ],
  });
  secrets = [secret, ...Object.values(stage.secrets)];
});
afterAll(async () => {
  await stage?.close();
  await stopEverything();
});

/** Which of the canaries, and of the secrets, a text holds. */
const held = (text: string): string[] =>
  [...TRACES, ...secrets, stage.gateway.adminKey].filter((one) => text.includes(one));

async function everything(folder: string): Promise<string> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile()).map((entry) => readFile(join(entry.parentPath, entry.name)));
  return Buffer.concat(await Promise.all(files)).toString('latin1');
}

/** Somebody writes, is answered, is sent a file; and whatever can go wrong with it goes wrong. */
async function live(): Promise<{ conversationId: string; contactId: string }> {
  const { gateway, helpdesk, provider, poster } = stage;
  const { api } = gateway;
  helpdesk.next(() => true, () => ({ status: 500, body: { error: `no ${CANARY}` } })); // prettier-ignore
  const conversationId = await stage.conversation({ id: `first-${CANARY}`, text: `hello ${CANARY}`, ...person });
  const { data } = (await stage.helpdesk.of('message.received')[0])!;
  const contactId = data!.contact!.id;
  provider.next(() => true, () => ({ status: 400, body: { message: `refused ${CANARY}` } })); // prettier-ignore
  await stage.reply(conversationId, `refused ${CANARY}`, `key-${CANARY}`);
  const sent = await stage.reply(conversationId, `answer ${CANARY}`);
  await stage.settled(sent.id, 'sent');
  await poster.post({ type: 'receipt', messageId: sent.id, status: 'failed', failure: { message: `gone ${CANARY}` } });
  await poster.post({ type: 'receipt', messageId: `unknown-${CANARY}`, status: 'read' });
  await poster.post(message({ id: `bad-${CANARY}`, ...person, parts: [{ type: 'text', text: 7, [CANARY]: PHONE }] }));
  await poster.post(`{"${CANARY}": `);
  await poster.raw(JSON.stringify(message({ id: `forged-${CANARY}`, ...person })), { 'webhook-id': CANARY });
  await fetch(`${gateway.url}/channels/app/${CANARY}?${CANARY}=${encodeURIComponent(PHONE)}`, {
    method: 'POST',
    body: CANARY,
  });
  const form = new FormData();
  form.append('file', new Blob([`content ${CANARY}`]), `${CANARY}.txt`);
  const upload = await fetch(`${gateway.url}/v1/files`, { method: 'POST', body: form, headers: { authorization: `Bearer ${gateway.adminKey}` } }); // prettier-ignore
  const { id: fileId } = (await upload.json()) as { id: string };
  await api.post(`/v1/conversations/${conversationId}/messages`, { parts: [{ type: 'media', kind: 'file', mimeType: 'text/plain', bytes: 1, state: 'ready', fileId, caption: CANARY }] }); // prettier-ignore
  await api.patch(`/v1/conversations/${conversationId}`, { tags: [CANARY], metadata: { note: CANARY } });
  await api.patch(`/v1/contacts/${contactId}`, {
    name: `Name ${CANARY}`,
    crm: { id: CANARY, url: `https://crm.example/${CANARY}` },
  });
  await api.post(`/v1/contacts/${contactId}/handles`, { scheme: 'email', value: `${CANARY}@mail.example` });
  await api.post('/v1/messages', { to: { contactId }, accountId: 'lost', text: `lost ${CANARY}` });
  for (const path of [
    `/v1/contacts?handle=phone:${encodeURIComponent(PHONE)}`,
    `/v1/contacts?q=${CANARY}`,
    `/v1/contacts/${CANARY}`,
    `/v1/${CANARY}`,
  ])
    await api.get(path);
  await api.post('/v1/contacts', { [CANARY]: CANARY, handles: [{ scheme: 'phone', value: CANARY }] });
  await fetch(`${gateway.url}/v1/contacts`, { method: 'POST', body: `{"${CANARY}"`, headers: { authorization: `Bearer ${gateway.adminKey}`, 'content-type': 'application/json' } }); // prettier-ignore
  await fetch(`${gateway.url}/v1/contacts`, { headers: { authorization: `Bearer ${CANARY}` } });
  return { conversationId, contactId };
}

describe('a person, and what the gateway keeps of them', () => {
  let ids: { conversationId: string; contactId: string };

  it('stands in no line of the log, at the lowest level, and neither does a secret', async () => {
    ids = await live();
    await until('the file to be sent', () => stage.provider.taken.find(({ raw }) => raw.includes(`${CANARY}.txt`)));
    const lines = stage.gateway.logs.split('\n');
    expect(lines.length).toBeGreaterThan(50);
    expect(lines.some((line) => line.includes('"level":"debug"'))).toBe(true);
    expect(lines.filter((line) => held(line).length > 0)).toEqual([]);
  });

  it('is given out whole, and then is gone: from data, files and log; nothing is delivered or sent any more', async () => {
    const { gateway, helpdesk, provider } = stage;
    const answer = await fetch(`${gateway.url}/v1/contacts/${ids.contactId}/export`, { headers: { authorization: `Bearer ${gateway.adminKey}` } }); // prettier-ignore
    const document = JSON.stringify(await answer.json());
    for (const word of ['hello', 'answer', 'refused', 'lost', 'Name']) expect(document).toContain(`${word} ${CANARY}`);
    expect(document).toContain(Buffer.from(`content ${CANARY}`).toString('base64'));

    helpdesk.answer(() => ({ status: 503 }));
    provider.answer(() => ({ status: 503 }));
    await stage.write({ id: `late-${CANARY}`, text: `late ${CANARY}`, ...person });
    await stage.reply(ids.conversationId, `late answer ${CANARY}`);
    const proof = await gateway.api.post<{ id: string }>(`/v1/contacts/${ids.contactId}/erase`, {
      reason: 'request',
      reference: 'letter-7',
    });
    expect([proof.status, held(JSON.stringify(proof.body))]).toEqual([200, []]);
    helpdesk.forget();
    provider.forget();
    helpdesk.answer(() => undefined);
    provider.answer(() => undefined);
    const erased = await until('contact.erased', () => helpdesk.of('contact.erased')[0]);
    expect(erased.data).toMatchObject({ erasure: { id: proof.body.id, contactIds: [ids.contactId] } });
    await stage.conversation({ id: 'another', thread: 'another', text: 'of somebody else' });
    expect(helpdesk.requests.filter(({ raw }) => held(String(raw)).length > 0)).toEqual([]);
    expect(provider.requests).toEqual([]);
    expect((await gateway.api.stream()).filter((event) => held(JSON.stringify(event)).length > 0)).toEqual([]);

    const repeat = await stage.poster.post(message({ id: `first-${CANARY}`, text: `hello ${CANARY}`, ...person }));
    expect(repeat.status).toBe(200);
    expect(await gateway.api.get(`/v1/contacts?handle=phone:${encodeURIComponent(PHONE)}`)).toMatchObject({
      body: { items: [] },
    });
    const { output } = await gateway.stop();
    expect(held(output)).toEqual([]);
    expect(held(await everything(join(gateway.dataDir, 'files')))).toEqual([]);
    expect(held(gateway.logs)).toEqual([]);
  });
});

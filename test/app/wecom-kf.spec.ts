import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { FakeWecomKf, rawRequest, sealed, xmlOf } from '#channels/testing';
import {
  describeWithPostgres,
  setStage,
  stopEverything,
  until,
  type Gateway,
  type MessageView,
  type Stage,
} from '../support/index.js';

jest.setTimeout(180_000);

const SYNC = '/cgi-bin/kf/sync_msg';
const PICTURE = Buffer.from(
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg==',
  'base64',
);
const app = {
  corpId: 'ww1a2b3c4d5e6f7890',
  secret: 'EjtZ3mjoKCJ1YZgAWsKTYdZfBDpqmmFmbKlOl3AjzCs',
  openKfId: 'wkAJ2GCAAAZSfhHCt7IFSvLKtMPxyJTw',
};
const seal = {
  token: 'QDG6eK',
  encodingAESKey: 'jWmYm7qr5nMoAUwZRjGtBxmz3KA1tkAj3ykkR6q2B2C',
  receiverId: app.corpId,
  family: 'wecom' as const,
};

let stage: Stage;
let wecom: FakeWecomKf;

/** A gateway with one account of a new WeCom. */
async function open(options: Parameters<typeof setStage>[0] = {}): Promise<void> {
  wecom = await FakeWecomKf.start({ ...app, page: 400 });
  const { token, encodingAESKey } = seal;
  const config = { ...app, token, encodingAESKey, apiBase: wecom.url, welcome: { text: '您好' } };
  stage = await setStage({ ...options, accounts: [{ id: 'kf', type: 'wecom-kf', name: '微信客服', config }] });
}
async function close(): Promise<void> {
  await stage?.close();
  await wecom?.close();
}
afterAll(stopEverything);

/** WeCom calls: signed and encrypted unless told otherwise. */
async function call(
  method: 'GET' | 'POST',
  given: { body?: string; query?: Record<string, string> },
  { guard = seal, gateway = stage.gateway }: { guard?: typeof seal; gateway?: Gateway } = {},
) {
  const { query, body } = sealed(rawRequest({ method, ...given }), guard, Date.now());
  const answer = await fetch(`${gateway.url}/channels/kf?${query}`, {
    method,
    headers: { 'content-type': 'text/xml' },
    ...(method === 'POST' && { body: new Uint8Array(body) }),
  });
  return { status: answer.status, text: await answer.text() };
}

const doorbell = (token: string) =>
  xmlOf({
    ToUserName: app.corpId,
    CreateTime: Math.floor(Date.now() / 1_000),
    MsgType: 'event',
    Event: 'kf_msg_or_event',
    Token: token,
    OpenKfId: app.openKfId,
  });
/** WeCom announces that there is something. */
const ring = () => call('POST', { body: doorbell(wecom.ring()) });
const asked = () => wecom.calls(SYNC).map(({ body }) => JSON.parse(body.toString()) as Record<string, unknown>);
const text = (content: string) => ({ msgtype: 'text', text: { content } });
const eventOf = (type: Parameters<Stage['helpdesk']['of']>[0], id: string) =>
  until(`${type} of ${id}`, () => stage.helpdesk.of(type).find(({ data }) => data?.message?.externalIds.includes(id)));

/** A customer writes and WeCom announces it; resolves with what the helpdesk was told. */
async function write(customer: string, content: object) {
  const id = wecom.wrote(customer, content as Record<string, unknown>);
  expect(await ring()).toEqual({ status: 200, text: '' });
  const { data } = await eventOf('message.received', id);
  return { conversationId: data!.conversation!.id, message: data!.message!, contact: data!.contact! };
}

const answer = (conversationId: string, body: object) =>
  stage.gateway.api.post<MessageView & { code?: string }>(`/v1/conversations/${conversationId}/messages`, body);

async function upload(): Promise<string> {
  const form = new FormData();
  form.append('file', new Blob([PICTURE], { type: 'image/png' }), '截图.png');
  const made = await fetch(`${stage.gateway.url}/v1/files`, {
    method: 'POST',
    headers: { authorization: `Bearer ${stage.gateway.adminKey}` },
    body: form,
  });
  expect(made.status).toBe(201);
  return ((await made.json()) as { id: string }).id;
}

describe('customer service of WeCom', () => {
  beforeAll(() => open());
  afterAll(close);

  it('answers the test of its address with what is encrypted in it, to WeCom only', async () => {
    const query = { echostr: '1616140317555161061' };
    expect(await call('GET', { query })).toEqual({ status: 200, text: '1616140317555161061' });
    expect((await call('GET', { query }, { guard: { ...seal, token: 'pamtest' } })).status).toBe(401);
    const { body } = await stage.gateway.api.post<{ ok: boolean }>('/v1/accounts/kf/check');
    expect(body).toMatchObject({ ok: true });
  });

  it('is woken by a callback, and carries a conversation both ways with pictures, while the token runs out', async () => {
    const customer = 'wmAJ2GCAAAme1XQRC-NI-q0_ZM9ukoAw';
    const first = await write(customer, text('报表导不出来'));
    expect(asked().at(-1)).toMatchObject({ token: expect.any(String) });
    const handle = { scheme: 'wecom-external-userid', scope: app.corpId, value: customer };
    expect(first.contact.handles).toMatchObject([handle]);

    wecom.customers.get(customer)!.unionid = 'union-1';
    wecom.material.set('PHOTO', { type: 'image', mimeType: 'image/png', bytes: PICTURE });
    const second = await write(customer, { msgtype: 'image', image: { media_id: 'PHOTO' } });
    expect(second.conversationId).toBe(first.conversationId);
    const ready = await until('the picture', () =>
      stage.helpdesk.of('attachment.ready').find(({ data }) => data?.attachment?.messageId === second.message.id),
    );
    const [part] = ready.data!.message!.parts;
    if (part?.type !== 'media' || !part.url) throw new Error('the picture has no address');
    const { pathname, search } = new URL(part.url);
    const file = await fetch(new URL(pathname + search, stage.gateway.url));
    expect(Buffer.from(await file.arrayBuffer())).toEqual(PICTURE);

    wecom.expireToken();
    const parts = [
      { type: 'text', text: '请看截图 👇' },
      { type: 'media', kind: 'image', fileId: await upload() },
      { type: 'choices', text: '解决了吗？', options: [{ id: 'yes', label: '是' }] },
    ];
    const queued = await answer(first.conversationId, { parts });
    expect(queued.status).toBe(202);
    await stage.settled(queued.body.id, 'sent');
    expect(wecom.sent).toMatchObject([
      { touser: customer, msgtype: 'text', text: { content: '请看截图 👇' } },
      { touser: customer, msgtype: 'image' },
      { touser: customer, msgtype: 'msgmenu', msgmenu: { head_content: '解决了吗？' } },
    ]);
    const { media_id: sent } = wecom.sent[1]!['image'] as { media_id: string };
    expect(wecom.material.get(sent)?.bytes).toEqual(PICTURE);
    expect(wecom.tokens).toBeGreaterThan(1);
    const tapped = await write(customer, { msgtype: 'text', text: { content: '是', menu_id: 'yes' } });
    expect(tapped.message.parts).toMatchObject([{ type: 'choice', optionId: 'yes', label: '是' }]);
  });

  it('tells nickname and unionid of whoever writes first', async () => {
    wecom.customers.set('wm-union', { left: 0, state: 0, unionid: 'union-2' });
    const { contact } = await write('wm-union', text('hi'));
    const known = await until('the unionid', async () => {
      const { body } = await stage.gateway.api.get<typeof contact>(`/v1/contacts/${contact.id}`);
      return body.handles.find(({ scheme }) => scheme === 'wechat-unionid');
    });
    expect(known).toMatchObject({ value: 'union-2', proof: 'channel' });
    const named = await until('the name', () =>
      stage.helpdesk.of('contact.updated').find(({ data }) => data?.contact?.id === contact.id && data.contact.name),
    );
    expect(named.data?.contact?.name).toBe('张三');
  });

  it('welcomes whoever comes, and tells what it said', async () => {
    wecom.codes.add('WELCOME');
    const customer = { external_userid: 'wm-new' };
    const id = wecom.happened({ event_type: 'enter_session', ...customer, scene: 'order-7', welcome_code: 'WELCOME' });
    await ring();
    const { data } = await eventOf('message.received', id);
    expect(data?.message).toMatchObject({ automated: true });
    const said = await until('the welcome', () => wecom.sent.find(({ code }) => code === 'WELCOME'));
    expect((await eventOf('message.sent', said.msgid)).data?.message).toMatchObject({ text: '您好', automated: true });
    const { body } = await stage.gateway.api.get<{ metadata: object }>(`/v1/conversations/${data!.conversation!.id}`);
    expect(body.metadata).toMatchObject({ scene: 'order-7' });
    expect(await answer(data!.conversation!.id, { text: 'hello' })).toMatchObject({ body: { code: 'window-closed' } });
  });

  it('tells what an agent writes in WeCom, what is recalled, and what did not arrive', async () => {
    const { conversationId, message } = await write('wm-agent', text('转人工'));
    const given = { type: 'template', name: 'session:servicer', values: { servicer: 'zhangsan', text: '请稍候' } };
    const transfer = await answer(conversationId, { parts: [given] });
    await stage.settled(transfer.body.id, 'sent');
    expect(wecom.customers.get('wm-agent')).toMatchObject({ state: 3, servicer: 'zhangsan' });
    const mine = { external_userid: 'wm-agent', origin: 5, servicer_userid: 'zhangsan' };
    const wrote = wecom.push({ ...mine, ...text('我来处理') });
    wecom.happened({ event_type: 'user_recall_msg', external_userid: 'wm-agent', recall_msgid: message.externalIds[0] });
    await ring();
    const echo = await eventOf('message.sent', wrote);
    expect(echo.data?.message).toMatchObject({ direction: 'outbound', author: { kind: 'agent', name: 'zhangsan' } });
    await eventOf('message.deleted', message.externalIds[0]!);

    const refused = await answer(conversationId, { text: '还在吗' });
    await stage.settled(refused.body.id, 'failed');
    expect((await stage.message(refused.body.id)).failure).toMatchObject({ code: 'window-closed', providerCode: '95018' });

    wecom.customers.get('wm-agent')!.state = 0;
    const { body } = await answer(conversationId, { text: '好了' });
    await stage.settled(body.id, 'sent');
    const { msgid } = wecom.sent.at(-1)!;
    wecom.happened({ event_type: 'msg_send_fail', external_userid: 'wm-agent', fail_msgid: msgid, fail_type: 10 });
    await ring();
    await stage.settled(body.id, 'failed');
    expect((await stage.message(body.id)).failure).toMatchObject({ code: 'opted-out' });
  }); // prettier-ignore

  it('refuses what the quota does not allow before it is sent', async () => {
    const { conversationId } = await write('wm-quota', text('hi'));
    for (let i = 0; i < 5; i += 1)
      await stage.settled((await answer(conversationId, { text: `${i}` })).body.id, 'sent');
    const before = wecom.sent.length;
    expect(await answer(conversationId, { text: 'more' })).toMatchObject({ body: { code: 'window-closed' } });
    await write('wm-quota', text('again'));
    await stage.settled((await answer(conversationId, { text: 'more' })).body.id, 'sent');
    expect(wecom.sent).toHaveLength(before + 1);
  });

  it('stores nothing that is not genuine, and asks WeCom for nothing', async () => {
    const before = asked().length;
    const body = doorbell(wecom.ring());
    const statuses = [
      await call('POST', { body }, { guard: { ...seal, encodingAESKey: undefined as never } }),
      await call('POST', { body }, { guard: { ...seal, token: 'pamtest' } }),
      await call('POST', { body }, { guard: { ...seal, receiverId: 'ww0000000000000000' } }),
      await call('POST', { body: 'x'.repeat(70_000) }),
    ].map(({ status }) => status);
    expect(statuses).toEqual([401, 401, 400, 413]);
    expect(asked()).toHaveLength(before);
  });
});

describe('a gateway that dies', () => {
  beforeAll(() => open());
  afterAll(close);

  /** How often the helpdesk was told of each. */
  const told = () => {
    const counts = new Map<string, number>();
    for (const { data } of stage.helpdesk.of('message.received'))
      for (const id of data?.message?.externalIds ?? []) counts.set(id, (counts.get(id) ?? 0) + 1);
    return counts;
  };
  const expectOnce = async (ids: readonly string[]) => {
    await until('all of them', () => (({ size }) => size >= ids.length)(told()), 90_000);
    await stage.drained();
    const counts = told();
    expect(ids.filter((id) => counts.get(id) !== 1)).toEqual([]);
  };
  const ids: string[] = [];

  it.each([
    ['before the answer', 'hang'],
    ['within the answer', 'drip'],
    ['after the answer', null],
  ] as const)('between sync_msg and its commit, %s, loses and doubles nothing', async (when, scripted) => {
    for (let i = 0; i < 20; i += 1) ids.push(wecom.wrote(`wm-${when}-${i % 4}`, text(`${i}`)));
    if (scripted) wecom.next(SYNC, scripted);
    const before = asked().length;
    await ring();
    await until('the question', () => asked().length > before);
    await stage.gateway.restart();
    await expectOnce(ids);
  });

  it('for three days fetches all that WeCom kept, and goes on', async () => {
    await stage.gateway.kill9();
    for (let i = 0; i < 1_000; i += 1)
      ids.push(wecom.wrote(`wm-backlog-${i % 50}`, text(`${i}`), 3 * 86_400 - 600 - i * 200));
    await stage.gateway.start();
    await expectOnce(ids);
    ids.push(wecom.wrote('wm-backlog-0', text('and on')));
    await ring();
    await expectOnce(ids);
  });
});

describeWithPostgres('two processes', (postgres) => {
  beforeAll(async () => open({ databaseUrl: await postgres.database() }));
  afterAll(close);

  it('tell each other of callbacks, with their tokens', async () => {
    const twin = await stage.twin();
    for (const gateway of [stage.gateway, twin]) {
      const id = wecom.wrote('wm-twins', text(gateway.url));
      const token = wecom.ring();
      expect(await call('POST', { body: doorbell(token) }, { gateway })).toEqual({ status: 200, text: '' });
      await eventOf('message.received', id);
      expect(asked().at(-1)).toMatchObject({ token });
    }
    await twin.kill9();
  });
});

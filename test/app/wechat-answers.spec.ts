import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { FakeWechat, FakeWecomKf, rawRequest, sealed, xmlOf } from '#channels/testing';
import { setStage, stopEverything, until, type MessageView, type Stage } from '../support/index.js';

jest.setTimeout(240_000);

const SEND = '/cgi-bin/message/custom/send';
const KF_SEND = '/cgi-bin/kf/send_msg';
const SYNC = '/cgi-bin/kf/sync_msg';
const PICTURE = Buffer.from(
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg==',
  'base64',
);
const app = { appId: 'wx2c2769f8efd9abc2', appSecret: 'f0e1d2c3b4a5968778695a4b3c2d1e0f' };
const corp = { corpId: 'ww1a2b3c4d5e6f7890', secret: 'the-secret-of-the-app', openKfId: 'wkAAAA' };
const keys = { token: 'spamtest', encodingAESKey: 'abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG' };

/** What a server, or what stands before it, answers in place of what is documented. */
const TRUNCATED = { body: '{"errcode":0,"errm' };
const HTML = { headers: { 'content-type': 'text/html' }, body: '<html><body>Bad Gateway</body></html>' };
const BARE = { body: {} };

let stage: Stage;
let wechat: FakeWechat;
let wecom: FakeWecomKf;
let messages = 6_054_768_590_064_713_728n;

beforeAll(async () => {
  [wechat, wecom] = await Promise.all([FakeWechat.start(app), FakeWecomKf.start(corp)]);
  stage = await setStage({
    accounts: [
      { id: 'wechat', type: 'wechat-official', config: { ...app, ...keys, mode: 'safe', apiBase: wechat.url } },
      { id: 'kf', type: 'wecom-kf', config: { ...corp, ...keys, apiBase: wecom.url } },
    ],
  });
});
afterAll(async () => {
  await stage?.close();
  await Promise.all([wechat?.close(), wecom?.close()]);
  await stopEverything();
});

/** As long as WeChat waits for an answer to a callback. */
const BUDGET_MS = 5_000;

/** The provider calls an account: signed and encrypted. */
async function call(account: 'wechat' | 'kf', fields: Record<string, string | number>): Promise<void> {
  const who = account === 'kf' ? { receiverId: corp.corpId, family: 'wecom' as const } : { receiverId: app.appId };
  const body = xmlOf({ ToUserName: 'gh_1', CreateTime: Math.floor(Date.now() / 1_000), ...fields });
  const request = sealed(rawRequest({ method: 'POST', body }), { ...keys, ...who }, Date.now());
  const address = `${stage.gateway.url}/channels/${account}?${request.query}`;
  const signal = AbortSignal.timeout(BUDGET_MS);
  const { status } = await fetch(address, { method: 'POST', body: new Uint8Array(request.body), signal });
  expect(status).toBe(200);
}

const ring = () => call('kf', { MsgType: 'event', Event: 'kf_msg_or_event', Token: wecom.ring(), OpenKfId: corp.openKfId }); // prettier-ignore
const toldOf = async (id: string) => {
  const find = () => stage.helpdesk.of('message.received').find(({ data }) => data?.message?.externalIds[0] === id);
  const { data } = await until(`message ${id}`, find, 120_000);
  return { conversationId: data!.conversation!.id, message: data!.message! };
};

/** A customer writes to the official account. */
async function write(openid: string, fields: Record<string, string | number>) {
  messages += 1n;
  wechat.wrote(openid);
  await call('wechat', { FromUserName: openid, ...fields, MsgId: String(messages) });
  return toldOf(String(messages));
}

/** A customer writes to the customer service account. */
async function writeKf(customer: string) {
  const id = wecom.wrote(customer, { msgtype: 'text', text: { content: 'hi' } });
  await ring();
  return toldOf(id);
}

async function answer(conversationId: string, parts: readonly object[]): Promise<string> {
  const { status, body } = await stage.gateway.api.post<MessageView>(`/v1/conversations/${conversationId}/messages`, { parts }); // prettier-ignore
  expect(status).toBe(202);
  return body.id;
}
const text = (said: string) => ({ type: 'text', text: said });
/** How often a call was made with something in its body. */
const calls = (fake: { requests: FakeWechat['requests'] }, path: string, holds = ''): number =>
  fake.requests.filter((request) => request.path === path && request.body.includes(holds)).length;

const LOST = [
  ['cut short', TRUNCATED, 'reply-unreadable'],
  ['a page of HTML', HTML, 'reply-unreadable'],
  ['empty', { body: '' }, 'reply-unreadable'],
  ['without an errcode', BARE, 'reply-unreadable'],
  ['with an errcode that is none', { body: { errcode: null } }, 'reply-unreadable'],
  ['torn off', 'reset-mid-body', 'outcome-unknown'],
  ['none: the connection ends', 'reset', 'outcome-unknown'],
] as const;

describe.each([
  ['WeChat', 'custom/send', async () => ({ fake: wechat, path: SEND, ...(await write('lost', { MsgType: 'text', Content: 'hi' })) })],
  ['WeCom', 'kf/send_msg', async () => ({ fake: wecom, path: KF_SEND, ...(await writeKf('wm-lost')) })],
] as const)('an answer of %s to %s', (_name, _path, begin) => {
  it.each(LOST)('that is %s fails the message in words, and nothing is sent twice', async (what, given, code) => {
    const { fake, path, conversationId } = await begin();
    fake.next(path, given);
    const lost = await answer(conversationId, [text(`lost ${what}`)]);
    await stage.settled(lost, 'failed');
    expect((await stage.message(lost)).failure).toMatchObject({ code });
    const next = await answer(conversationId, [text(`after ${what}`)]);
    await stage.settled(next, 'sent');
    expect([calls(fake, path, `lost ${what}`), calls(fake, path, `after ${what}`)]).toEqual([1, 1]);
  });

  it('that does not come within 15 seconds leaves open what became of the message, which is not sent again', async () => {
    const { fake, path, conversationId } = await begin();
    fake.next(path, 'hang');
    const lost = await answer(conversationId, [text('slow')]);
    const next = await answer(conversationId, [text('after the slow one')]);
    await stage.settled(lost, 'failed');
    expect((await stage.message(lost)).failure).toMatchObject({ code: 'outcome-unknown' });
    await stage.settled(next, 'sent');
    expect(calls(fake, path, '"slow"')).toBe(1);
  });

  it.each([
    ['says that it is busy', { body: { errcode: -1, errmsg: 'system error' } }],
    ['is a 502', { ...HTML, status: 502 }],
  ])('that %s is tried again', async (what, given) => {
    const { fake, path, conversationId } = await begin();
    fake.next(path, given);
    await stage.settled(await answer(conversationId, [text(what)]), 'sent');
    expect(calls(fake, path, what)).toBe(2);
    expect(JSON.stringify(fake.sent).split(what)).toHaveLength(2);
  });
}); // prettier-ignore

describe('an answer of WeChat to a call that hands nothing over', () => {
  it.each([
    ['the token', '/cgi-bin/stable_token', TRUNCATED],
    ['the token', '/cgi-bin/stable_token', { body: { expires_in: 7_200 } }],
    ['the upload', '/cgi-bin/media/upload', HTML],
    ['the upload', '/cgi-bin/media/upload', { body: { type: 'image' } }],
    ['the upload', '/cgi-bin/media/upload', { body: { errcode: 42001, errmsg: 'access_token expired' } }],
  ])('for %s (%s) that is none is asked for again, and the picture is sent once', async (_what, path, given) => {
    const { conversationId } = await write('uploads', { MsgType: 'text', Content: 'hi' });
    const form = new FormData();
    form.append('file', new Blob([PICTURE], { type: 'image/png' }), '截图');
    const headers = { authorization: `Bearer ${stage.gateway.adminKey}` };
    const made = await fetch(`${stage.gateway.url}/v1/files`, { method: 'POST', headers, body: form });
    const { id: fileId } = (await made.json()) as { id: string };
    const before = wechat.sent.length;
    wechat.expireToken();
    wechat.next(path, given);
    await stage.settled(await answer(conversationId, [{ type: 'media', kind: 'image', fileId }]), 'sent');
    expect(wechat.sent.slice(before)).toMatchObject([{ msgtype: 'image' }]);
    const { media_id: id } = wechat.sent.at(-1)!['image'] as { media_id: string };
    expect(wechat.material.get(id)?.bytes).toEqual(PICTURE);
  });

  it('for a file is asked for again where it is none, and taken for the last word where it says that it is gone', async () => {
    const files = (type: 'attachment.ready' | 'attachment.unavailable', { id }: { id: string }) =>
      until(type, () => stage.helpdesk.of(type).find(({ data }) => data?.attachment?.messageId === id), 90_000);
    wechat.hold('VOICE', { type: 'voice', mimeType: 'audio/amr', bytes: Buffer.from('#!AMR\n') });
    wechat.next('/cgi-bin/media/get', { headers: { 'content-type': 'text/plain' }, ...TRUNCATED });
    const { message } = await write('files', { MsgType: 'voice', MediaId: 'VOICE', Format: 'amr' });
    await files('attachment.ready', message);
    const gone = await write('files', { MsgType: 'voice', MediaId: 'GONE', Format: 'amr' });
    await files('attachment.unavailable', gone.message);
  });

  it('is not waited for by the callback that needs it', async () => {
    wechat.expireToken();
    wechat.next('/cgi-bin/stable_token', 'hang');
    const { message } = await write('patient', { MsgType: 'voice', MediaId: 'VOICE', Format: 'amr' });
    expect(message.parts).toMatchObject([{ type: 'media', state: 'pending' }]);
  });

  it('on who wrote may be anything: the message is told all the same', async () => {
    for (const given of [TRUNCATED, HTML, { body: { errcode: 40003 } }, { body: { unionid: 7 } }, 'reset'] as const) {
      wechat.next('/cgi-bin/user/info', given);
      await write(`who-${JSON.stringify(given)}`.slice(0, 60), { MsgType: 'text', Content: 'hi' });
    }
  });
});

describe('an answer of WeCom to sync_msg', () => {
  it.each([
    ['is cut short', TRUNCATED],
    ['is a page of HTML', HTML],
    ['says that it is busy', { body: { errcode: -1, errmsg: 'busy' } }],
    ['says that it is called too often', { body: { errcode: 45009, errmsg: 'freq' } }],
    ['has no list where one should be', { body: { errcode: 0, has_more: 1, next_cursor: 'LOST', msg_list: 'none' } }],
    ['is torn off', 'reset-mid-body'],
  ] as const)('that %s loses nothing and doubles nothing', async (what, given) => {
    wecom.next(SYNC, given);
    const customer = `wm-${what.replace(/\W/g, '')}`;
    const ids = ['one', 'two'].map((content) => wecom.wrote(customer, { msgtype: 'text', text: { content } }));
    await ring();
    await ring();
    for (const id of ids) await toldOf(id);
    await stage.drained();
    const told = stage.helpdesk.of('message.received').flatMap(({ data }) => data?.message?.externalIds ?? []);
    expect(told.filter((id) => ids.includes(id)).sort()).toEqual([...ids].sort());
  });
});

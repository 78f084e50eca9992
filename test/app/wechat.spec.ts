import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { FakeWechat, rawRequest, sealed, xmlOf } from '#channels/testing';
import { setStage, stopEverything, until, type MessageView, type Stage } from '../support/index.js';

jest.setTimeout(120_000);

const PICTURE = Buffer.from(
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg==',
  'base64',
);
const app = { appId: 'wx2c2769f8efd9abc2', appSecret: 'f0e1d2c3b4a5968778695a4b3c2d1e0f' };
const mini = { appId: 'wxb11529c136998cb6', appSecret: '0f1e2d3c4b5a69788796a5b4c3d2e1f0' };
const seal = {
  token: 'spamtest',
  encodingAESKey: 'abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG',
  receiverId: app.appId,
};

const miniSeal = {
  token: 'pamtest',
  encodingAESKey: 'kWxPEV2UEDyxWpmPdKC3F4dgPDmOvfKX1HGnEUDS1aR',
  receiverId: mini.appId,
};

let stage: Stage;
let wechat: FakeWechat;
let miniProgram: FakeWechat;
let messages = 6_054_768_590_064_713_728n;

beforeAll(async () => {
  [wechat, miniProgram] = await Promise.all([FakeWechat.start(app), FakeWechat.start(mini)]);
  const config = ({ token, encodingAESKey }: typeof seal, fake: FakeWechat) => ({
    ...fake.options,
    ...{ token, encodingAESKey, mode: 'safe', apiBase: fake.url },
  });
  stage = await setStage({
    accounts: [
      { id: 'wechat', type: 'wechat-official', name: '公众号', config: config(seal, wechat) },
      { id: 'mini', type: 'wechat-mini-program', name: '小程序', config: config(miniSeal, miniProgram) },
    ],
  });
});
afterAll(async () => {
  await stage?.close();
  await Promise.all([wechat?.close(), miniProgram?.close()]);
  await stopEverything();
});

interface Posted {
  readonly status: number;
  readonly text: string;
}

/** WeChat calls: a callback as it is, signed and encrypted unless told otherwise. */
async function call(
  method: 'GET' | 'POST',
  given: { body?: string; query?: Record<string, string> },
  guard = seal,
): Promise<Posted> {
  const { query, body } = sealed(rawRequest({ method, ...given }), guard, Date.now());
  const account = guard.receiverId === mini.appId ? 'mini' : 'wechat';
  const answer = await fetch(`${stage.gateway.url}/channels/${account}?${query}`, {
    method,
    headers: { 'content-type': 'text/xml' },
    ...(method === 'POST' && { body: new Uint8Array(body) }),
  });
  return { status: answer.status, text: await answer.text() };
}

const callback = (openid: string, fields: Record<string, string | number>): string =>
  xmlOf({ ToUserName: 'gh_10f6c3c3ac5a', FromUserName: openid, CreateTime: Math.floor(Date.now() / 1_000), ...fields });

/** A customer writes, and WeChat opens their window; resolves with what was posted. */
async function write(openid: string, fields: Record<string, string | number>): Promise<string> {
  messages += 1n;
  wechat.wrote(openid, `union-${openid}`);
  const body = callback(openid, { ...fields, MsgId: String(messages) });
  expect(await call('POST', { body })).toEqual({ status: 200, text: 'success' });
  return body;
}

/** What the helpdesk was told of the last message. */
const told = async () => {
  const event = await until('the message', () =>
    stage.helpdesk.of('message.received').find(({ data }) => data?.message?.externalIds[0] === String(messages)),
  );
  return { conversationId: event.data!.conversation!.id, message: event.data!.message!, contact: event.data!.contact! };
};

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

const sends = (): number => wechat.requests.filter(({ path }) => path.endsWith('/custom/send')).length;

describe('an official account in safe mode', () => {
  it('answers the test of its address, to WeChat only', async () => {
    const query = { echostr: '5875293106548709742' };
    expect(await call('GET', { query })).toEqual({ status: 200, text: '5875293106548709742' });
    expect((await call('GET', { query }, { ...seal, token: 'pamtest' })).status).toBe(401);
    const { body } = await stage.gateway.api.post<{ ok: boolean; detail: string }>('/v1/accounts/wechat/check');
    expect(body).toEqual({ ok: true, detail: expect.any(String) });
  });

  it('carries a conversation both ways with pictures, while the token runs out', async () => {
    const openid = 'oyORnuP8q7ou2gfYjqLzSIWZf0rs';
    await write(openid, { MsgType: 'text', Content: '报表导不出来 /::)' });
    const first = await told();
    expect(first.message.text).toBe('报表导不出来 🙂');
    expect(first.contact.handles).toMatchObject([{ scheme: 'wechat-openid', scope: app.appId, value: openid }]);

    const known = await until('the unionid', async () => {
      const { body } = await stage.gateway.api.get<typeof first.contact>(`/v1/contacts/${first.contact.id}`);
      return body.handles.find(({ scheme }) => scheme === 'wechat-unionid');
    });
    expect(known).toMatchObject({ value: `union-${openid}`, proof: 'channel' });

    wechat.hold('PHOTO', { type: 'image', mimeType: 'image/png', bytes: PICTURE });
    await write(openid, { MsgType: 'image', PicUrl: `${wechat.url}/files/PHOTO`, MediaId: 'PHOTO' });
    const second = await told();
    expect(second.conversationId).toBe(first.conversationId);
    const ready = await until('the picture', () =>
      stage.helpdesk.of('attachment.ready').find(({ data }) => data?.attachment?.messageId === second.message.id),
    );
    const [part] = ready.data!.message!.parts;
    if (part?.type !== 'media' || !part.url) throw new Error('the picture has no address');
    const file = await fetch(new URL(new URL(part.url).pathname + new URL(part.url).search, stage.gateway.url));
    expect(Buffer.from(await file.arrayBuffer())).toEqual(PICTURE);

    wechat.expireToken();
    const fileId = await upload();
    const parts = [
      { type: 'text', text: '请看截图 👇' },
      { type: 'media', kind: 'image', fileId },
    ];
    const queued = await answer(first.conversationId, { parts });
    expect(queued.status).toBe(202);
    await stage.settled(queued.body.id, 'sent');
    expect(wechat.sent).toMatchObject([
      { touser: openid, msgtype: 'text', text: { content: '请看截图 👇' } },
      { touser: openid, msgtype: 'image', image: { media_id: 'MEDIA_1' } },
    ]);
    expect(wechat.material.get('MEDIA_1')?.bytes).toEqual(PICTURE);
    expect(wechat.tokens).toBeGreaterThan(1);
  });

  it('stores what WeChat repeats once', async () => {
    const body = await write('repeated', { MsgType: 'text', Content: 'once' });
    const { conversationId } = await told();
    for (let i = 0; i < 2; i += 1) expect(await call('POST', { body })).toEqual({ status: 200, text: 'success' });
    const event = callback('repeated', { MsgType: 'event', Event: 'CLICK', EventKey: 'MENU' });
    for (let i = 0; i < 3; i += 1) expect((await call('POST', { body: event })).status).toBe(200);
    const { body: page } = await stage.gateway.api.get<{ items: MessageView[] }>(
      `/v1/conversations/${conversationId}/messages`,
    );
    expect(page.items.map(({ text }) => text)).toEqual(['once', 'MENU']);
  });

  it('refuses what the window does not allow before it is sent', async () => {
    const openid = 'windowed';
    await write(openid, { MsgType: 'text', Content: 'hi' });
    const { conversationId } = await told();
    const path = `/v1/conversations/${conversationId}/sendability`;
    const left = async () => (await stage.gateway.api.get<{ items: object[] }>(path)).body.items;
    expect(await left()).toMatchObject([{ canSend: true, remaining: 5 }]);
    for (let i = 0; i < 5; i += 1)
      await stage.settled((await answer(conversationId, { text: `${i}` })).body.id, 'sent');
    const before = sends();
    expect(await answer(conversationId, { text: 'one more' })).toMatchObject({ body: { code: 'window-closed' } });
    expect(await left()).toMatchObject([{ canSend: false, code: 'window-closed', remaining: 0 }]);
    const view = callback(openid, { MsgType: 'event', Event: 'VIEW', EventKey: 'https://shop.example/' });
    expect((await call('POST', { body: view })).status).toBe(200);
    expect(await left()).toMatchObject([{ canSend: false }]);

    const template = { type: 'template', name: 'ORDER', values: { thing1: '茶' } };
    const notice = await answer(conversationId, { parts: [template] });
    await stage.settled(notice.body.id, 'sent');
    const { externalIds } = (await stage.message(notice.body.id)) as MessageView & { externalIds: string[] };
    expect(externalIds[0]).toMatch(/^\d{19}$/);
    const finished = { MsgType: 'event', Event: 'TEMPLATESENDJOBFINISH', MsgID: externalIds[0]!, Status: 'success' };
    expect((await call('POST', { body: callback(openid, finished) })).status).toBe(200);
    await stage.settled(notice.body.id, 'delivered');
    expect(sends()).toBe(before);
  });

  it.each<[string, Record<string, string>]>([
    ['a tap on the menu', { MsgType: 'event', Event: 'CLICK', EventKey: 'ORDERS' }],
    ['a scan', { MsgType: 'event', Event: 'SCAN', EventKey: 'store-7' }],
    ['following', { MsgType: 'event', Event: 'subscribe', EventKey: 'qrscene_9' }],
    ['a tap on an option', { MsgType: 'text', Content: '是', bizmsgmenuid: 'yes' }],
  ])('answers %s for a minute, three times, and refuses the rest before it is sent', async (what, fields) => {
    const openid = `acted-${what.replaceAll(' ', '-')}`;
    const happen = async (ageS: number) => {
      messages += 1n;
      const about: Record<string, string> = fields['MsgType'] === 'text' ? { MsgId: String(messages) } : {};
      const at = { CreateTime: Math.floor(Date.now() / 1_000) - ageS };
      expect((await call('POST', { body: callback(openid, { ...fields, ...about, ...at }) })).status).toBe(200);
    };
    await write(openid, { MsgType: 'text', Content: 'hi' });
    const { conversationId } = await told();
    const state = async () => {
      const path = `/v1/conversations/${conversationId}/sendability`;
      return (await stage.gateway.api.get<{ items: object[] }>(path)).body.items;
    };
    for (let i = 0; i < 5; i += 1)
      await stage.settled((await answer(conversationId, { text: `${i}` })).body.id, 'sent');
    await happen(61);
    expect(await state()).toMatchObject([{ canSend: false, code: 'window-closed' }]);
    wechat.customers.set(openid, { left: 3 });
    await happen(0);
    expect(await state()).toMatchObject([{ canSend: true, remaining: 3 }]);

    wechat.next('/cgi-bin/message/custom/send', { body: { errcode: 45002, errmsg: 'content size out of limit' } });
    await stage.settled((await answer(conversationId, { text: 'refused' })).body.id, 'failed');
    expect(await state()).toMatchObject([{ canSend: true, remaining: 3 }]);
    for (let i = 0; i < 3; i += 1)
      await stage.settled((await answer(conversationId, { text: `${i}` })).body.id, 'sent');
    const before = sends();
    expect(await answer(conversationId, { text: 'more' })).toMatchObject({ body: { code: 'window-closed' } });
    expect(sends()).toBe(before);
  });

  it('writes to nobody who unfollowed, and again to whoever came back', async () => {
    const openid = 'leaving';
    await write(openid, { MsgType: 'text', Content: 'bye' });
    const { conversationId } = await told();
    const follow = (Event: string, EventKey = '') =>
      call('POST', { body: callback(openid, { MsgType: 'event', Event, EventKey }) });
    expect((await follow('unsubscribe')).status).toBe(200);
    expect(await answer(conversationId, { text: 'stay' })).toMatchObject({ body: { code: 'opted-out' } });
    expect((await follow('subscribe', 'qrscene_7')).status).toBe(200);
    await stage.settled((await answer(conversationId, { text: 'welcome back' })).body.id, 'sent');
    await until('the return', () =>
      stage.helpdesk.of('contact.opted-in').find(({ data }) => data?.reason?.endsWith('scene 7')),
    );
  });

  it('says what WeChat refused, with its code', async () => {
    await write('refused', { MsgType: 'text', Content: 'hi' });
    const { conversationId } = await told();
    wechat.next('/cgi-bin/message/custom/send', { body: { errcode: 45015, errmsg: 'out of time' } });
    const { body } = await answer(conversationId, { text: 'too late' });
    await stage.settled(body.id, 'failed');
    expect((await stage.message(body.id)).failure).toMatchObject({ code: 'window-closed', providerCode: '45015' });
  });

  it('stores nothing that is not genuine', async () => {
    const count = async () => (await stage.drained()).length;
    const before = await count();
    const body = callback('forger', { MsgType: 'text', Content: 'forged', MsgId: '1' });
    const plain = { token: seal.token, receiverId: seal.receiverId, encodingAESKey: undefined as never };
    const statuses = [
      await call('POST', { body }, plain),
      await call('POST', { body }, { ...seal, token: 'pamtest' }),
      await call('POST', { body }, { ...seal, receiverId: 'wx0000000000000000' }),
      await call('POST', { body }, { ...seal, encodingAESKey: 'kWxPEV2UEDyxWpmPdKC3F4dgPDmOvfKX1HGnEUDS1aR' }),
      await call('POST', { body: `<!DOCTYPE xml [<!ENTITY a "b">]>${body}` }),
      await call('POST', { body: 'x'.repeat(70_000) }),
    ].map(({ status }) => status);
    expect(statuses).toEqual([401, 401, 400, 400, 400, 413]);
    expect(await count()).toBe(before);
  });
});

describe('a mini program in safe mode', () => {
  it('carries a conversation in JSON, with a page of its own', async () => {
    const openid = 'oGZUI0egBJY1zhBYw2KhdUfwVJJE';
    const write = (fields: object) => {
      messages += 1n;
      const common = {
        ToUserName: 'gh_7f083739789a',
        FromUserName: openid,
        CreateTime: Math.floor(Date.now() / 1_000),
      };
      const body = JSON.stringify({ ...common, MsgId: 0, ...fields }).replace('"MsgId":0', `"MsgId":${messages}`);
      return call('POST', { body }, miniSeal);
    };
    expect(await call('GET', { query: { echostr: '4375120948345356249' } }, miniSeal)).toEqual({
      status: 200,
      text: '4375120948345356249',
    });
    miniProgram.wrote(openid);
    miniProgram.hold('THUMB', { type: 'image', mimeType: 'image/png', bytes: PICTURE });
    const page = { AppId: mini.appId, PagePath: 'pages/order?id=7', ThumbMediaId: 'THUMB', ThumbUrl: '' };
    expect(await write({ MsgType: 'miniprogrampage', Title: '我的订单', ...page })).toEqual({
      status: 200,
      text: 'success',
    });
    const { conversationId, message } = await told();
    const [card] = message.parts;
    if (card?.type !== 'card') throw new Error('it is no card');
    await until('its picture', () =>
      stage.helpdesk.of('attachment.ready').find(({ data }) => data?.attachment?.messageId === message.id),
    );

    miniProgram.expireToken();
    const fileId = await upload();
    const back = {
      type: 'card',
      title: '退款',
      media: { type: 'media', kind: 'image', fileId },
      actions: card.actions,
    };
    const queued = await answer(conversationId, { parts: [{ type: 'text', text: '请看这里' }, back] });
    await stage.settled(queued.body.id, 'sent');
    expect(miniProgram.sent).toMatchObject([
      { touser: openid, msgtype: 'text', text: { content: '请看这里' } },
      {
        msgtype: 'miniprogrampage',
        miniprogrampage: { title: '退款', pagepath: 'pages/order?id=7', thumb_media_id: 'MEDIA_1' },
      },
    ]);
    expect(miniProgram.material.get('MEDIA_1')?.bytes).toEqual(PICTURE);
  });

  it('greets whoever opens its customer service, twice', async () => {
    const event = { MsgType: 'event', Event: 'user_enter_tempsession', SessionFrom: 'order-7' };
    const body = callback('entered', event);
    expect(await call('POST', { body }, miniSeal)).toEqual({ status: 200, text: 'success' });
    const { data } = await until('the entry', () =>
      stage.helpdesk.of('message.received').find((one) => one.data?.message?.text === 'order-7'),
    );
    miniProgram.customers.set('entered', { left: 2 });
    const { id } = data!.conversation!;
    for (const text of ['您好', '请问有什么可以帮您？'])
      await stage.settled((await answer(id, { text })).body.id, 'sent');
    expect(await answer(id, { text: 'more' })).toMatchObject({ body: { code: 'window-closed' } });
  });
});

import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { buffer } from 'node:stream/consumers';
import type { Handle, OutboundUnit, Part } from '#normalizer';
import { guardedHttp, type GuardedHttp } from '#transport';
import { fakeContext, FakeWecomKf } from '../wechat/testing/index.js';
import { check, type Context } from './wecom-kf.api.js';
import { wecomKfConfig } from './wecom-kf.config.js';
import { fetchMedia, profile, send } from './wecom-kf.send.js';
import { poll } from './wecom-kf.sync.js';

const account = { corpId: 'ww1a2b3c4d5e6f7890', secret: 'the-secret-of-the-app', openKfId: 'wkAAAA' };
const SEND = '/cgi-bin/kf/send_msg';
const PICTURE = Buffer.from('89504e470d0a1a0a', 'hex');
const person: Handle = { scheme: 'wecom-external-userid', scope: account.corpId, value: 'wm1', proof: 'channel' };
const hi = { msgtype: 'text', text: { content: 'hi' } };

let fake: FakeWecomKf;
let http: GuardedHttp;
beforeEach(async () => {
  [fake, http] = [await FakeWecomKf.start(account), guardedHttp({ allow: ['127.0.0.1/32'] })];
});
afterEach(() => Promise.all([fake.close(), http.close()]));

const context = (more: object = {}): Context =>
  fakeContext(
    wecomKfConfig.parse({ ...account, token: 'QDG6eK', encodingAESKey: 'a'.repeat(43), apiBase: fake.url, ...more }),
    { http, file: { bytes: PICTURE, mimeType: 'image/png' } },
  );
const UNIT = 'unt_0197f2d8a0b07c3e8f1122334455aabb';
const unit = (part: Part, id = UNIT): OutboundUnit => ({
  ...{ id, messageId: 'm', index: 0, count: 1, text: 'as text', parts: [part], idempotencyKey: id },
  thread: { id: 't', externalId: 'wm1', handles: [person] },
});
const text: Part = { type: 'text', text: 'hi' };
const template = (name: string, values: Record<string, string> = {}): Part => ({ type: 'template', name, values });

describe('a message', () => {
  it('bears an id of ours, by which a failure finds it', async () => {
    fake.wrote('wm1', hi);
    const { cursor } = await poll(null, context());
    expect(await send(unit(text), context())).toEqual({ externalIds: [UNIT] });
    expect(fake.sent).toMatchObject([{ touser: 'wm1', msgid: '0197f2d8a0b07c3e8f1122334455aabb' }]);
    fake.happened({ event_type: 'msg_send_fail', external_userid: 'wm1', fail_msgid: fake.sent[0]!.msgid, fail_type: 13 });
    const { events } = await poll(cursor, context());
    expect(events).toMatchObject([{ kind: 'receipt', externalId: UNIT, status: 'failed' }]);
  }); // prettier-ignore

  it('is sent once more, and only once, where the access token ran out', async () => {
    fake.wrote('wm1', hi);
    const ctx = context();
    await send(unit(text, 'unt_1'), ctx);
    fake.expireToken();
    await send(unit(text, 'unt_2'), ctx);
    expect(fake.sent).toHaveLength(2);
    for (let i = 0; i < 2; i += 1) fake.next(SEND, { body: { errcode: 40014, errmsg: 'invalid' } });
    await expect(send(unit(text, 'unt_3'), ctx)).rejects.toMatchObject({ code: 'unauthorized', providerCode: '40014' });
    expect(fake.calls(SEND)).toHaveLength(5);
  });

  it.each([
    [0, 95001, /used up/],
    [3, 95018, /an agent in WeCom has the session/],
    [2, 95018, /waits for an agent/],
    [4, 95018, /has ended/],
  ])('is refused in words in state %i', async (state, errcode, words) => {
    fake.wrote('wm1', hi);
    Object.assign(fake.customers.get('wm1')!, { state, left: 0 });
    const failure = { code: 'window-closed', providerCode: String(errcode), message: expect.stringMatching(words) };
    await expect(send(unit(text), context())).rejects.toMatchObject(failure);
  });

  it('is refused all the same where the state is not told', async () => {
    fake.next(SEND, { body: { errcode: 95018, errmsg: 'send msg session status invalid' } });
    fake.next('/cgi-bin/kf/service_state/get', { status: 500 });
    await expect(send(unit(text), context())).rejects.toMatchObject({ code: 'window-closed', providerCode: '95018' });
  });
});

describe('a link with a picture', () => {
  const link = (thumbnailUrl: string): Part => ({
    type: 'link',
    url: 'https://shop.example',
    title: '店',
    thumbnailUrl,
  });

  it('shows it', async () => {
    fake.wrote('wm1', hi);
    fake.next('/thumb', { headers: { 'content-type': 'image/png' }, body: PICTURE });
    await send(unit(link(`${fake.url}/thumb`)), context());
    expect(fake.sent).toMatchObject([{ msgtype: 'link', link: { title: '店', url: 'https://shop.example' } }]);
    const { thumb_media_id: id } = fake.sent[0]!['link'] as { thumb_media_id: string };
    expect(fake.material.get(id)?.bytes).toEqual(PICTURE);
  });

  it.each([
    ['is gone', 404, 'image/png'],
    ['is no picture', 200, 'text/html'],
  ])('goes as text where that %s', async (_what, status, type) => {
    fake.wrote('wm1', hi);
    fake.next('/thumb', { status, headers: { 'content-type': type }, body: '<html>' });
    await send(unit(link(`${fake.url}/thumb`)), context());
    expect(fake.sent).toMatchObject([{ msgtype: 'text', text: { content: 'as text' } }]);
  });

  it('waits where its server is only busy', async () => {
    await expect(send(unit(link('http://127.0.0.1:1/thumb')), context())).rejects.toMatchObject({
      code: 'unavailable',
    });
  });
});

describe('a session', () => {
  it('goes to an agent with words, and comes back when it has ended and the customer writes', async () => {
    fake.wrote('wm1', hi);
    await send(unit(template('session:servicer', { servicer: 'zhangsan', text: '请稍候' })), context());
    expect(fake.customers.get('wm1')).toMatchObject({ state: 3, servicer: 'zhangsan' });
    expect(fake.sent).toMatchObject([{ msgtype: 'text', text: { content: '请稍候' } }]);
    await expect(send(unit(text, 'unt_2'), context())).rejects.toMatchObject({ code: 'window-closed' });
    await send(unit(template('session:end')), context());
    fake.wrote('wm1', hi);
    await send(unit(text, 'unt_3'), context());
    expect(fake.sent).toHaveLength(2);
  });

  it.each(['hang up', 'refuse', 'fail'])('has changed also where its words cannot be said: %s', async (how) => {
    fake.wrote('wm1', hi);
    const answer = { refuse: { body: { errcode: 40029 } }, fail: { status: 500 } }[how];
    fake.next('/cgi-bin/kf/send_msg_on_event', answer ?? 'reset');
    const change = template('session:servicer', { servicer: 'zhangsan', text: '请稍候' });
    expect(await send(unit(change), context())).toEqual({ externalIds: [UNIT] });
    expect(fake.customers.get('wm1')).toMatchObject({ state: 3 });
  });

  it('says nothing where WeCom gives no code for it', async () => {
    fake.wrote('wm1', hi);
    await send(unit(template('session:assistant', { text: '机器人' })), context());
    expect(fake.customers.get('wm1')?.state).toBe(1);
    expect(fake.sent).toEqual([]);
  });

  it.each([
    [template('session:servicer'), /names a servicer/],
    [template('session:pool', { servicer: 'zhangsan' }), /names a servicer/],
    [template('constructor'), /there is no template constructor/],
    [template('session:end'), /cannot change/],
  ])('does not change by %j', async (part, words) => {
    fake.wrote('wm1', hi);
    const failure = { code: 'content-refused', message: expect.stringMatching(words) };
    await expect(send(unit(part), context())).rejects.toMatchObject(failure);
  });
});

describe('a person', () => {
  it('is known by a nickname, and by a unionid where WeCom tells one', async () => {
    fake.wrote('wm1', hi);
    expect(await profile(person, context())).toEqual({ handles: [], name: '张三' });
    fake.customers.get('wm1')!.unionid = 'u1';
    const handle = { scheme: 'wechat-unionid', scope: '', value: 'u1', proof: 'channel' };
    expect(await profile(person, context())).toEqual({ handles: [handle], name: '张三' });
    const { handles } = await profile(person, context({ openPlatform: 'brand-2' }));
    expect(handles).toEqual([{ ...handle, scope: 'brand-2' }]);
    expect(await profile({ ...person, value: 'nobody' }, context())).toEqual({ handles: [] });
  });

  it('is not asked about where the app may not', async () => {
    fake.next('/cgi-bin/kf/customer/batchget', { body: { errcode: 48002, errmsg: 'api forbidden' } });
    expect(await profile(person, context())).toEqual({ handles: [] });
    fake.next('/cgi-bin/kf/customer/batchget', { body: { errcode: -1, errmsg: 'busy' } });
    await expect(profile(person, context())).rejects.toMatchObject({ code: 'unavailable' });
  });
});

describe('a file', () => {
  it('is fetched from WeCom, which says in JSON that it has none', async () => {
    fake.material.set('M1', { type: 'file', mimeType: 'application/json', bytes: PICTURE });
    expect(await buffer((await fetchMedia('M1', context())).stream)).toEqual(PICTURE);
    await expect(fetchMedia('GONE', context())).rejects.toMatchObject({
      code: 'content-refused',
      providerCode: '40007',
    });
  });
});

describe('check', () => {
  it.each([
    [{}, true, /right/],
    [{ secret: 'wrong' }, false, /secret/],
    [{ openKfId: 'wkBBBB' }, false, /wkBBBB/],
  ])('of %j: %s', async (more, ok, words) =>
    expect(await check(context(more))).toEqual({ ok, detail: expect.stringMatching(words) }),
  );
});

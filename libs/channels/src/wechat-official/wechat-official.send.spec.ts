import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { buffer } from 'node:stream/consumers';
import type { Handle, OutboundUnit, Part } from '#normalizer';
import { guardedHttp, type GuardedHttp } from '#transport';
import { fakeContext, FakeWechat } from '../wechat/testing/index.js';
import { wechatOfficialConfig } from './wechat-official.config.js';
import { fetchMedia, profile, send } from './wechat-official.send.js';

const app = { appId: 'wx2c2769f8efd9abc2', appSecret: 'f0e1d2c3b4a5968778695a4b3c2d1e0f' };
const PICTURE = Buffer.from('89504e470d0a1a0a', 'hex');
const person: Handle = { scheme: 'wechat-openid', scope: app.appId, value: 'o1', proof: 'channel' };

let fake: FakeWechat;
let http: GuardedHttp;
beforeEach(async () => {
  [fake, http] = [await FakeWechat.start(app), guardedHttp({ allow: ['127.0.0.1/32'] })];
});
afterEach(() => Promise.all([fake.close(), http.close()]));

const context = (mimeType = 'image/png', bytes = PICTURE) =>
  fakeContext(wechatOfficialConfig.parse({ ...app, token: 'token', mode: 'plain', apiBase: fake.url }), {
    http,
    file: { bytes, mimeType },
  });

describe('a person', () => {
  it('is known by a unionid where WeChat tells one', async () => {
    fake.wrote('o1', 'u1');
    expect(await profile(person, context())).toEqual({
      handles: [{ scheme: 'wechat-unionid', scope: '', value: 'u1', proof: 'channel' }],
    });
    fake.wrote('o1');
    expect(await profile(person, context())).toEqual({ handles: [] });
  });

  it('is not asked about where the account may not', async () => {
    fake.next('/cgi-bin/user/info', { body: { errcode: 48001, errmsg: 'api unauthorized' } });
    expect(await profile(person, context())).toEqual({ handles: [] });
    await expect(profile(person, context())).rejects.toMatchObject({ providerCode: '40003' });
  });
});

describe('a picture', () => {
  const open = async (ref: string) => buffer((await fetchMedia(ref, context())).stream);

  it.each(['KEPT', 'GONE http://there', ' http://there'])('is fetched by %s', async (ref) => {
    fake.hold('KEPT', { type: 'image', mimeType: 'image/jpeg', bytes: PICTURE });
    expect(await open(ref.replace('http://there', `${fake.url}/files/KEPT`))).toEqual(PICTURE);
  });

  it.each(['GONE', 'GONE http://nowhere'])('that is nowhere is none: %s', async (ref) => {
    await expect(open(ref.replace('http://nowhere', `${fake.url}/files/no`))).rejects.toThrow();
  });

  it('is not fetched by its address while WeChat is only busy', async () => {
    fake.hold('KEPT', { type: 'image', mimeType: 'image/jpeg', bytes: PICTURE });
    fake.next('/cgi-bin/media/get', { body: { errcode: -1, errmsg: 'system error' } });
    await expect(open(`KEPT ${fake.url}/files/KEPT`)).rejects.toMatchObject({ code: 'unavailable' });
  });
});

describe('the picture of an article', () => {
  const card = (media: object): Part => ({
    type: 'card',
    title: 'T',
    media: { type: 'media', kind: 'image', mimeType: 'image/png', bytes: 8, state: 'ready', ...media },
    actions: [{ label: 'L', url: 'https://a' }],
  });
  const picurl = async (part: Part, ctx = context()): Promise<unknown> => {
    fake.wrote('o1');
    const thread = { id: 't', externalId: 'o1', handles: [person] };
    const unit = {
      id: 'unt_1',
      messageId: 'm',
      index: 0,
      count: 1,
      thread,
      parts: [part],
      text: 'T',
      idempotencyKey: 'k',
    };
    await send(unit as OutboundUnit, ctx);
    return fake.sent.at(-1)?.['news'];
  };
  const news = (url: string) => ({ articles: [{ title: 'T', description: '', url: 'https://a', picurl: url }] });

  it('is one that lasts: kept by WeChat, or its own address', async () => {
    expect(await picurl(card({ fileId: 'fil_1' }))).toEqual(news(`${fake.url}/files/MEDIA_1`));
    expect(fake.material.get('MEDIA_1')?.bytes).toEqual(PICTURE);
    expect(await picurl(card({ url: 'https://i/1.png' }))).toEqual(news('https://i/1.png'));
  });

  it('is ours for an hour where WeChat does not keep it', async () => {
    const large = context('image/png', Buffer.alloc(1_048_577));
    expect(await picurl(card({ fileId: 'fil_1' }), large)).toEqual(news('https://files.example/fil_1'));
  });

  it('is tried again while WeChat is only busy', async () => {
    fake.next('/cgi-bin/media/uploadimg', { body: { errcode: -1, errmsg: 'system error' } });
    await expect(picurl(card({ fileId: 'fil_1' }))).rejects.toMatchObject({ code: 'unavailable' });
    expect(fake.sent).toEqual([]);
  });
});

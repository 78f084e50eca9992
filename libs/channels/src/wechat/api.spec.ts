import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { ProviderFailure, type MediaPart } from '#normalizer';
import { guardedHttp, type GuardedHttp } from '#transport';
import type { AdapterContext } from '../core/adapter.js';
import { ApiClient } from './api.js';
import { miniProgramLink, miniProgramPage, sendCustom, showTyping } from './custom-message.js';
import { wechatErrcodes } from './errcodes.js';
import { bytesOf, download, openUrl, upload } from './media.js';
import { stableToken, type AppSettings } from './stable-token.js';
import { fakeContext, FakeWechat } from './testing/index.js';

const app = { appId: 'wx2c2769f8efd9abc2', appSecret: 'f0e1d2c3b4a5968778695a4b3c2d1e0f' };
const openid = 'oyORnuP8q7ou2gfYjqLzSIWZf0rs';
const PICTURE = Buffer.from('89504e470d0a1a0a', 'hex');
const api = new ApiClient(stableToken, wechatErrcodes);

let fake: FakeWechat;
let http: GuardedHttp;
/** What all processes share, and how often it was made. */
let shared: Map<string, Promise<string>>;

beforeEach(async () => {
  [fake, http, shared] = [await FakeWechat.start(app), guardedHttp({ allow: ['127.0.0.1/32'] }), new Map()];
});
afterEach(() => Promise.all([fake.close(), http.close()]));

function context(over: Partial<AppSettings> = {}): AdapterContext<AppSettings> {
  return fakeContext(
    { ...app, apiBase: fake.url, ...over },
    { http, shared, file: { bytes: PICTURE, mimeType: 'image/png' } },
  );
}

const say = (content: string, ctx = context()) =>
  sendCustom(api, { openid, message: { msgtype: 'text', text: { content } } }, ctx);
const calls = (path: string) => fake.requests.filter((request) => request.path.endsWith(path)).length;
const failure = (work: Promise<unknown>): Promise<ProviderFailure> =>
  work.then(
    () => Promise.reject(new Error('nothing failed')),
    (error: unknown) => (error instanceof ProviderFailure ? error : Promise.reject(error as Error)),
  );

describe('the access token', () => {
  beforeEach(() => fake.wrote(openid));

  it('is fetched once for many calls', async () => {
    await Promise.all(['a', 'b', 'c'].map((content) => say(content)));
    expect([calls('stable_token'), fake.sent.length]).toEqual([1, 3]);
  });

  it('is renewed when it ran out, and what was refused for it is sent once', async () => {
    await say('a');
    fake.expireToken();
    await say('b');
    expect(fake.sent.map(({ text }) => text)).toEqual([{ content: 'a' }, { content: 'b' }]);
    expect([calls('stable_token'), calls('custom/send')]).toEqual([2, 3]);
  });

  it('is renewed once by calls that find it out together', async () => {
    await say('a');
    fake.expireToken();
    await Promise.all(['b', 'c', 'd'].map((content) => say(content)));
    expect([fake.sent.length, fake.tokens]).toEqual([4, 2]);
  });

  it('is not forgotten where another process has renewed it meanwhile', async () => {
    await say('a');
    const stale = await shared.get('access-token')!;
    fake.expireToken();
    await say('b');
    const forgotten: string[] = [];
    let asked = 0;
    const ctx = context();
    const late: typeof ctx = {
      ...ctx,
      once: async (...of) => ((asked += 1) === 1 ? stale : ctx.once(...of)),
      forget: async (key) => void forgotten.push(key),
    };
    await say('c', late);
    expect([fake.sent.length, forgotten]).toEqual([3, []]);
  });

  it.each([40001, 40014, 42001])('is renewed after %i, and only once', async (errcode) => {
    await say('a');
    for (let i = 0; i < 2; i += 1) fake.next('/cgi-bin/message/custom/send', { body: { errcode, errmsg: 'x' } });
    expect(await failure(say('b'))).toMatchObject({ code: 'unauthorized', providerCode: String(errcode) });
    expect(calls('custom/send')).toBe(3);
  });

  it.each([
    ['a wrong secret', { appSecret: 'wrong' }, '40125'],
    ['a wrong id', { appId: 'wx0000000000000000' }, '40013'],
  ])('is not given for %s', async (_what, over, providerCode) => {
    expect(await failure(say('a', context(over)))).toMatchObject({ code: 'unauthorized', providerCode });
    const health = await api.check(context(over));
    expect(health).toEqual({ ok: false, detail: expect.stringContaining(providerCode) });
    expect((await api.check(context())).ok).toBe(true);
  });

  it.each(['hang', 'reset', 'reset-mid-body'] as const)(
    'that does not come (%s) leaves no outcome unknown',
    async (answer) => {
      fake.next('/cgi-bin/stable_token', answer);
      const impatient = guardedHttp({ allow: ['127.0.0.1/32'], limits: { answerMs: 300, totalMs: 400 } });
      expect((await failure(say('a', { ...context(), http: impatient }))).code).toBe('unavailable');
      await impatient.close();
      expect(calls('custom/send')).toBe(0);
    },
  );

  it.each([{}, '<html>', '[]', 'null', { access_token: '' }, { access_token: 7 }, { access_token: 't'.repeat(3_000) }])(
    'is not taken from %j',
    async (body) => {
      fake.next('/cgi-bin/stable_token', { body });
      expect((await failure(say('a'))).code).toBe('unavailable');
    },
  );
});

describe('messages', () => {
  it('are taken within the window and its quota only', async () => {
    expect(await failure(say('too early'))).toMatchObject({ code: 'window-closed', providerCode: '45015' });
    fake.wrote(openid);
    for (let i = 0; i < 5; i += 1) await say(`${i}`);
    expect(await failure(say('one more'))).toMatchObject({ code: 'window-closed', providerCode: '45047' });
    fake.wrote(openid);
    await say('again');
    expect(fake.sent).toHaveLength(6);
  });

  it('travel without \\u escapes, control characters left out', async () => {
    fake.wrote(openid);
    await say('中\u0000文\u001b👋\t"\\"\n\ud800');
    expect(fake.sent[0]?.['text']).toEqual({ content: '中文👋\t"\\"\n\uFFFD' });
  });

  it.each([
    { body: '' },
    { body: '[1]' },
    { body: '{}' },
    { body: { errcode: 'x' } },
    { body: { errcode: null } },
    { body: { errcode: '' } },
    { body: { errcode: false } },
    { body: { errcode: [] } },
    { body: '<html>' },
  ])('of which the answer is %j may have been sent', async (answer) => {
    fake.wrote(openid);
    fake.next('/cgi-bin/message/custom/send', answer);
    expect((await failure(say('a'))).code).toBe('reply-unreadable');
  });

  it('show typing to whoever is there', async () => {
    const ctx = context();
    expect((await failure(showTyping(api, { openid, on: true }, ctx))).providerCode).toBe('45080');
    fake.wrote(openid);
    await showTyping(api, { openid, on: false }, ctx);
    expect(JSON.parse(fake.requests.at(-1)!.body.toString())).toEqual({ touser: openid, command: 'CancelTyping' });
  });

  it('say nothing of what the provider quotes', () => {
    const { message } = wechatErrcodes.failure(40001);
    expect(message).toMatch(/AppSecret|app secret/);
    expect(wechatErrcodes.failure(123456)).toMatchObject({ code: 'content-refused', providerCode: '123456' });
  });
});

describe('material', () => {
  const part: MediaPart = {
    type: 'media',
    kind: 'image',
    fileId: 'fil_1',
    mimeType: 'image/png',
    bytes: 8,
    state: 'ready',
  };

  it('is uploaded whole, under a name with the ending of its type', async () => {
    const ctx = context();
    const file = await bytesOf(part, 100, ctx);
    const id = await upload(api, { type: 'image', file }, ctx);
    expect(fake.material.get(id)).toEqual({ type: 'image', mimeType: 'image/png', bytes: PICTURE });
  });

  it.each([
    ['image/png', undefined, 'file.png'],
    ['image/png', '', 'file.png'],
    ['image/png', '截图', '截图.png'],
    ['image/jpeg', 'photo.png', 'photo.png.jpg'],
    ['image/jpeg', 'photo.JPEG', 'photo.JPEG'],
    ['audio/mpeg; codecs=mp3', 'v.m4a', 'v.m4a.mp3'],
    ['application/pdf', 'invoice', 'invoice'],
  ] as const)('of type %s and name %j is called %s', async (mimeType, name, called) => {
    const given = { ...part, mimeType, ...(name !== undefined && { name }) };
    const ctx = { ...context(), openFile: async () => ({ stream: Readable.from([PICTURE]), mimeType }) };
    expect((await bytesOf(given, 100, ctx)).name).toBe(called);
  });

  it('is read from an address where it is no file of ours', async () => {
    fake.hold('there', { type: 'image', mimeType: 'image/png', bytes: PICTURE });
    const at = (name: string) =>
      bytesOf({ ...part, fileId: undefined, url: `${fake.url}/files/${name}` }, 100, context());
    expect((await at('there')).bytes).toEqual(PICTURE);
    expect((await failure(at('nowhere'))).code).toBe('content-refused');
  });

  it('is refused before it is sent where it is too large', async () => {
    expect((await failure(bytesOf(part, 7, context()))).code).toBe('content-refused');
    const file = { bytes: Buffer.alloc(2_097_153), mimeType: 'audio/amr', name: 'a.amr' };
    const refused = await failure(upload(api, { type: 'voice', file }, context()));
    expect(refused).toMatchObject({ code: 'content-refused', providerCode: '45001' });
  });

  it('is downloaded, videos by their address, with a token that ran out meanwhile', async () => {
    fake.hold('picture', { type: 'image', mimeType: 'image/jpeg', bytes: PICTURE });
    fake.hold('film', { type: 'video', mimeType: 'video/mp4', bytes: PICTURE });
    const picture = await download(api, 'picture', context());
    expect([picture.mimeType, picture.name, await buffer(picture.stream)]).toEqual([
      'image/jpeg',
      'picture.jpg',
      PICTURE,
    ]);
    fake.expireToken();
    const film = await download(api, 'film', context());
    expect([film.mimeType, await buffer(film.stream)]).toEqual(['video/mp4', PICTURE]);
    expect(fake.tokens).toBe(2);
  });

  it('that is gone, or answered by what is none, is no file', async () => {
    expect(await failure(download(api, 'gone', context()))).toMatchObject({ providerCode: '40007' });
    expect((await failure(openUrl(`${fake.url}/files/gone`, context()))).code).toBe('config-invalid');
    for (const body of [{}, '{"video_url":7}', 'no JSON']) {
      fake.next('/cgi-bin/media/get', { headers: { 'content-type': 'text/plain' }, body });
      expect((await failure(download(api, 'x', context()))).code).toBe('unavailable');
    }
  });
});

describe('links into mini programs', () => {
  it.each([
    { appId: 'wx1', path: 'pages/index' },
    { appId: 'wx1', path: 'pages/order?id=7&from=中文' },
  ])('are read as written: %j', (page) => expect(miniProgramPage(miniProgramLink(page))).toEqual(page));

  it.each([
    'https://a',
    'weixin://dl/business/?t=abc',
    'weixin://dl/business/?appid=wx1',
    'weixin://dl/businessx/?appid=a&path=b',
  ])('are not %s', (url) => expect(miniProgramPage(url)).toBeNull());
});

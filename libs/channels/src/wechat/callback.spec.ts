import { describe, expect, it } from '@jest/globals';
import { MalformedRequest, receive, type RawRequest } from '#transport';
import { rawRequest } from '#transport/testing';
import { openCallback, verifyCallback, type CallbackGuard } from './callback.js';
import { sealed } from './testing/index.js';

/** Tencent's own sample of an official account. */
const wechat: CallbackGuard = {
  token: 'spamtest',
  encodingAESKey: 'abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG',
  receiverId: 'wx2c2769f8efd9abc2',
  family: 'wechat',
};
const SIGNED = {
  timestamp: '1409735669',
  nonce: '1320562132',
  signature: '16120ec1b8dbb870f510d87ce6bc2463eae6ca1a',
  encrypt_type: 'aes',
  msg_signature: '5d197aaffba7e9b25a30732f161a50dee96bd5fa',
};
const ENCRYPT =
  'hyzAe4OzmOMbd6TvGdIOO6uBmdJoD0Fk53REIHvxYtJlE2B655HuD0m8KUePWB3+LrPXo87wzQ1QLvbeUgmBM4x6F8PGHQHFVAFmOD2LdJF9FrXpbUAh0B5GIItb52sn896wVsMSHGuPE328HnRGBcrS7C41IzDWyWNlZkyyXwon8T332jisa+h6tEDYsVticbSnyU8dKOIbgU6ux5VTjg3yt+WGzjlpKn6NPhRjpA912xMezR4kw6KWwMrCVKSVCZciVGCgavjIQ6X8tCOp3yZbGpy0VxpAe+77TszTfRd5RJSVO/HTnifJpXgCSUdUue1v6h0EIBYYI1BD1DlD+C0CR8e6OewpusjZ4uBl9FyJvnhvQl+q5rv1ixrcpCumEPo5MJSgM9ehVsNPfUM669WuMyVWQLCzpu9GhglF2PE=';
const envelope = `<xml><ToUserName><![CDATA[gh_10f6c3c3ac5a]]></ToUserName><Encrypt><![CDATA[${ENCRYPT}]]></Encrypt></xml>`;
const at = (timestamp: string): number => Number(timestamp) * 1_000;

/** Tencent's own sample of WeCom, which has no `signature` and encrypts `echostr`. */
const wecom: CallbackGuard = {
  token: 'QDG6eK',
  encodingAESKey: 'jWmYm7qr5nMoAUwZRjGtBxmz3KA1tkAj3ykkR6q2B2C',
  receiverId: 'wx5823bf96d3bd56c7',
  family: 'wecom',
};
const CHECK = {
  timestamp: '1409659589',
  nonce: '263014780',
  echostr: 'P9nAzCzyDtyTWESHep1vC5X9xho/qYX3Zpb4yKa9SKld1DsH3Iyt3tP3zNdtp+4RPcs8TgAE7OaBO+FZXvnaqQ==',
  msg_signature: '5c45ff5e21c57e6ad56bac8758b79b1d9ac89fd3',
};

describe('a callback of WeChat', () => {
  it('is taken as Tencent signed and encrypted it', () => {
    const request = rawRequest({ query: SIGNED, body: envelope });
    expect(verifyCallback(request, wechat, at(SIGNED.timestamp))).toEqual({ kind: 'accept' });
    expect({ ...openCallback(request, wechat) }).toEqual({
      ToUserName: 'gh_10f6c3c3ac5a',
      FromUserName: 'oyORnuP8q7ou2gfYjqLzSIWZf0rs',
      CreateTime: '1409735668',
      MsgType: 'text',
      Content: 'abcdteT',
      MsgId: '6054768590064713728',
    });
  });

  it.each([
    ['no signature', { signature: undefined }],
    ['no signature of the message', { msg_signature: undefined }],
    ['the one signature for the other', { msg_signature: SIGNED.signature }],
    ['another nonce', { nonce: '1320562133' }],
    ['another time', { timestamp: '1409735670' }],
    ['no time', { timestamp: undefined }],
    ['digits moved from the nonce to the time', { nonce: '132056213', timestamp: '21409735669' }],
    ['upper case', { signature: SIGNED.signature.toUpperCase() }],
  ])('is not with %s', (_what, change) => {
    const query = Object.fromEntries(Object.entries({ ...SIGNED, ...change }).flatMap(([k, v]) => (v ? [[k, v]] : [])));
    expect(verifyCallback(rawRequest({ query, body: envelope }), wechat, at(SIGNED.timestamp)).kind).toBe('reject');
  });

  it('is a test of the address only with an echostr', () => {
    const get = (query: Record<string, string>): RawRequest => rawRequest({ method: 'GET', query });
    const verdict = verifyCallback(get({ ...SIGNED, echostr: '<b>1</b>' }), wechat, at(SIGNED.timestamp));
    expect(verdict).toMatchObject({ kind: 'challenge', reply: { status: 200, body: '<b>1</b>' } });
    expect(verdict).toMatchObject({ reply: { headers: { 'content-type': 'text/plain; charset=utf-8' } } });
    for (const echostr of ['', 'x'.repeat(1_025)])
      expect(verifyCallback(get({ ...SIGNED, echostr }), wechat, at(SIGNED.timestamp)).kind).toBe('reject');
  });

  it('is opened by its key alone: whatever else is wrong says the same', () => {
    const request = rawRequest({ query: SIGNED, body: envelope });
    const errors = [{ receiverId: 'wx2c2769f8efd9abc3' }, { encodingAESKey: wecom.encodingAESKey }].map((change) => {
      try {
        return openCallback(request, { ...wechat, ...change });
      } catch (error) {
        return error;
      }
    });
    expect(errors[0]).toBeInstanceOf(MalformedRequest);
    expect(errors[1]).toEqual(errors[0]);
  });
});

describe('a callback of WeCom', () => {
  const get = (change: object = {}): RawRequest => rawRequest({ method: 'GET', query: { ...CHECK, ...change } });
  const verdict = (request: RawRequest) =>
    receive(
      {
        verify: (given) => verifyCallback(given, wecom, at(CHECK.timestamp)),
        parse: (given) => openCallback(given, wecom),
      },
      request,
      undefined,
    );

  it('is answered with the decrypted echostr', () => {
    expect(verdict(get())).toMatchObject({ kind: 'challenge', reply: { body: '1616140317555161061' } });
  });

  it('is not when somebody has a captured message read out as an echostr', () => {
    const message = sealed(rawRequest({ body: '<xml><Content>secret</Content></xml>' }), wecom, at(CHECK.timestamp));
    const echostr = /<Encrypt>(?:<!\[CDATA\[)?([^\]<]+)/.exec(Buffer.from(message.body).toString())![1]!;
    const signature = message.query.get('msg_signature')!;
    const [timestamp, nonce] = [message.query.get('timestamp')!, message.query.get('nonce')!];
    const asked = rawRequest({ method: 'GET', query: { msg_signature: signature, timestamp, nonce, echostr } });
    expect(verdict(asked).kind).toBe('reject');
  });

  it.each([
    ['another nonce', { nonce: '263014781' }],
    ['another echostr', { echostr: CHECK.echostr.replace('P9n', 'P9m') }],
    ['a signature cut short', { msg_signature: CHECK.msg_signature.slice(1) }],
  ])('is not with %s', (_what, change) => expect(verdict(get(change)).kind).toBe('reject'));

  it('is taken without the signature that WeCom does not write', () => {
    const body = '<xml><FromUserName>a</FromUserName></xml>';
    const request = sealed(rawRequest({ body }), wecom, at(CHECK.timestamp));
    expect(request.query.has('signature')).toBe(false);
    expect(verdict(request)).toEqual({ kind: 'parsed', parsed: expect.objectContaining({ FromUserName: 'a' }) });
  });
});

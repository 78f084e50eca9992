import { describe, expect, it, jest } from '@jest/globals';
import { createHmac, type Hmac } from 'node:crypto';
import { Webhook } from 'standardwebhooks';
import { constantTimeEqual, signWebhook, verifyWebhook, webhookHeaders } from './standard-webhooks.js';

const secret = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw';
const id = 'msg_p5jXN8AQM9LWM0D4loKWxJek';
const timestamp = 1_614_265_330;
const now = timestamp * 1_000;
const body = '{"test": 2432232314}';
const good = 'v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=';
const ed25519 = {
  private: 'whsk_6Xb/dCcHpPea21PS1N9VY/NZW723CEc77N4rJCubMbfVKIDij2HKpMKkioLlX0dRqSKJp4AJ6p9lMicMFs6Kvg==',
  public: 'whpk_1SiA4o9hyqTCpIqC5V9HUakiiaeACeqfZTInDBbOir4=',
  signature: 'v1a,hnO3f9T8Ytu9HwrXslvumlUpqtNVqkhqw/enGzPCXe5BdqzCInXqYXFymVJaA7AZdpXwVLPo3mNl8EM+m7TBAg==',
};

const headers = (changes: Record<string, string | undefined> = {}): Record<string, string> => {
  const all = { 'webhook-id': id, 'webhook-timestamp': String(timestamp), 'webhook-signature': good, ...changes };
  return Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined)) as Record<string, string>;
};
const verdict = (changes: Record<string, string | undefined>, at = now, bytes: string | Buffer = body) =>
  verifyWebhook([secret], { headers: headers(changes), body: bytes }, at).kind;

describe('signWebhook', () => {
  it.each([
    ['SW1', body, good],
    ['SW3, 22ff22', Buffer.from('22ff22', 'hex'), 'v1,cbJLFGWMd/vrbJxmIuELrW8+Ntt0t468pzFIono/A3w='],
    ['SW3, 22fe22', Buffer.from('22fe22', 'hex'), 'v1,scwKVXFrkZJg4O3/EE9YKgIlJYs33jRprPjiICQ+VYo='],
    ['SW4, Chinese and emoji', '{"t":"你好👋"}', 'v1,RR1ELcKd0a1G5qhgeijJL243tutvzIuDqYk4O3jODS4='],
    ['SW4, empty', '', 'v1,v48jdbgvh29KJz2Qc+ghw8G6vG3nAKnujWBg8oM/62A='],
  ])('gives the published signature (%s)', (_name, bytes, expected) => {
    expect(signWebhook([secret], { id, timestamp, body: bytes })).toBe(expected);
    expect(verdict({ 'webhook-signature': expected }, now, bytes)).toBe('accept');
  });

  it('signs with ed25519 (SW2), and verifies with the public key alone', () => {
    expect(signWebhook([ed25519.private], { id, timestamp, body })).toBe(ed25519.signature);
    const message = { headers: headers({ 'webhook-signature': ed25519.signature }), body };
    expect(verifyWebhook([ed25519.public], message, now).kind).toBe('accept');
    expect(verifyWebhook([ed25519.public], { ...message, body: `${body} ` }, now).kind).toBe('reject');
    expect(() => signWebhook([ed25519.public], { id, timestamp, body })).toThrow(TypeError);
  });

  it('gives one signature per secret while a secret is being rotated; either secret verifies', () => {
    const other = `whsec_${Buffer.alloc(24, 7).toString('base64')}`;
    const both = webhookHeaders([other, secret], { id, timestamp, body });
    expect(both['webhook-signature']?.split(' ')).toHaveLength(2);
    for (const one of [other, secret]) expect(verifyWebhook([one], { headers: both, body }, now).kind).toBe('accept');
  });

  it('takes a secret of plain text, also one that happens to be base64', () => {
    for (const plain of ['hook secret, in words', 'c2VjcmV0LWFuZC1sb25nLWVub3VnaA==']) {
      const signed = webhookHeaders([plain], { id, timestamp, body });
      expect(verifyWebhook([plain], { headers: signed, body }, now).kind).toBe('accept');
    }
    expect(signWebhook(['c2VjcmV0LWFuZC1sb25nLWVub3VnaA=='], { id, timestamp, body }).split(' ')).toHaveLength(2);
  });

  it.each([[''], ['whsec_'], ['whsec_not base64!'], ['whpk_']])('refuses the secret "%s"', (bad) => {
    expect(() => signWebhook([bad], { id, timestamp, body })).toThrow(TypeError);
    expect(() => verifyWebhook([bad], { headers: headers(), body }, now)).toThrow(TypeError);
  });

  it('refuses to work without any secret, and with an id that holds a dot', () => {
    expect(() => signWebhook([], { id, timestamp, body })).toThrow(TypeError);
    expect(() => signWebhook([secret], { id: 'a.b', timestamp, body })).toThrow(TypeError);
  });
});

describe('verifyWebhook', () => {
  it('refuses a lossy signature over bytes that are no UTF-8', () => {
    const lossy = { 'webhook-signature': 'v1,VdIG6rmBcxqeHlCj3EZTa2v7eurIXceZqgCdwZEZaSo=' };
    for (const bytes of ['22ff22', '22fe22']) expect(verdict(lossy, now, Buffer.from(bytes, 'hex'))).toBe('reject');
  });

  it.each(['webhook-id', 'webhook-timestamp', 'webhook-signature'])('refuses a message without %s', (name) => {
    expect(verdict({ [name]: undefined })).toBe('reject');
    expect(verdict({ [name]: '' })).toBe('reject');
  });

  it.each(['hello', '1614265330x', ' 1614265330', '-1614265330', '1e9', '1614265330.0'])(
    'refuses the time "%s"',
    (at) => {
      expect(verdict({ 'webhook-timestamp': at })).toBe('reject');
    },
  );

  it('takes a time up to 300 s off, either way, and no further', () => {
    for (const off of [-300, 300]) expect(verdict({}, now + off * 1_000)).toBe('accept');
    for (const off of [-301, 301]) expect(verdict({}, now + off * 1_000)).toBe('reject');
  });

  it.each([
    'v1,',
    'v1',
    good.slice(0, -4),
    good.slice(0, -1),
    `v2,${good.slice(3)}`,
    good.slice(3),
    good.toLowerCase(),
  ])('refuses the signature "%s"', (signature) => expect(verdict({ 'webhook-signature': signature })).toBe('reject'));

  it('takes a list with one good signature among bad, unknown and malformed ones', () => {
    expect(verdict({ 'webhook-signature': `v1,AAAA v2,x v1a,zz , ${good} v1` })).toBe('accept');
    expect(verdict({ 'webhook-signature': `v1,AAAA, ${good}` })).toBe('accept');
  });

  it('computes one signature per secret, however many are given, and refuses a list of more than ten', () => {
    const digest = jest.spyOn(Object.getPrototypeOf(createHmac('sha256', '')) as Hmac, 'digest');
    const list = (wrong: number) => ({ 'webhook-signature': `${'v1,x '.repeat(wrong)}${good}` });
    expect([verdict(list(9)), digest.mock.calls.length]).toEqual(['accept', 1]);
    expect([verdict(list(10)), verdict(list(3_100)), digest.mock.calls.length]).toEqual(['reject', 'reject', 1]);
    digest.mockRestore();
  });

  it('refuses every message in which one bit of body, id, time or signature is another', () => {
    const flip = (text: string, at: number) => {
      const bytes = Buffer.from(text);
      bytes[at >> 3] = (bytes[at >> 3] ?? 0) ^ (1 << (at & 7));
      return bytes.toString('latin1');
    };
    for (let bit = 0; bit < body.length * 8; bit += 1)
      expect(verdict({}, now, Buffer.from(flip(body, bit), 'latin1'))).toBe('reject');
    for (const name of ['webhook-id', 'webhook-timestamp', 'webhook-signature']) {
      const value = headers()[name] ?? '';
      for (let bit = 0; bit < value.length * 8; bit += 1) expect(verdict({ [name]: flip(value, bit) })).toBe('reject');
    }
  });
});

describe('the standardwebhooks package', () => {
  it('verifies what we sign, and we verify what it signs', () => {
    const theirs = new Webhook(secret);
    const at = Math.floor(Date.now() / 1_000);
    for (const text of [body, '{"t":"你好👋"}', '{}']) {
      const ours = webhookHeaders([secret], { id, timestamp: at, body: text });
      expect(theirs.verify(text, ours)).toEqual(JSON.parse(text));
      expect(ours['webhook-signature']).toBe(theirs.sign(id, new Date(at * 1_000), text));
    }
    const signed = headers({
      'webhook-timestamp': String(at),
      'webhook-signature': theirs.sign(id, new Date(at * 1_000), body),
    });
    expect(verifyWebhook([secret], { headers: signed, body }, at * 1_000).kind).toBe('accept');
  });
});

describe('constantTimeEqual', () => {
  it('compares texts and bytes, of any length', () => {
    expect(constantTimeEqual('你好', Buffer.from('你好'))).toBe(true);
    for (const other of ['', 'a', 'abd', 'abcd']) expect(constantTimeEqual('abc', other)).toBe(false);
  });
});

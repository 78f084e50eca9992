import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { handleKey, InvalidHandle, normalizeHandle, parseHandleKey } from './normalize-handle.js';

const phone = (value: string, defaultCountry?: string): string =>
  normalizeHandle({ scheme: 'phone', value }, defaultCountry ? { defaultCountry } : {}).value;
const email = (value: string): string => normalizeHandle({ scheme: 'email', value }).value;

describe('phone', () => {
  it.each([
    '+8613800138000',
    '+86 138 0013 8000',
    '008613800138000',
    '0086 138-0013-8000',
    '＋８６ １３８００１３８０００',
    'tel:+86-138-0013-8000',
    '\u202A+86 138 0013 8000\u202C',
    '+86 (0)138 0013 8000',
  ])('%j is one number', (spelling) => expect(phone(spelling)).toBe('+8613800138000'));

  it('reads national numbers by the default country only', () => {
    expect(phone('138 0013 8000', 'CN')).toBe('+8613800138000');
    expect(phone('8613800138000', 'CN')).toBe('+8613800138000');
    expect(phone('020 7946 0000', 'GB')).toBe('+442079460000');
    expect(() => phone('13800138000')).toThrow(InvalidHandle);
  });

  it('reads the 00 of the country that dials otherwise', () => {
    expect(phone('008613800138000', 'US')).toBe('+8613800138000');
    expect(phone('0011 86 138 0013 8000', 'AU')).toBe('+8613800138000');
  });

  it('takes numbers of ranges that no table knows', () => expect(phone('+15550001111')).toBe('+15550001111'));

  it.each([
    'TAOBAO',
    '10690',
    '12345',
    '',
    '+',
    '+1 555 000 1111 ext. 5',
    '1-800-FLOWERS',
    'call +8613800138000',
    '+123456789012345678',
  ])('refuses %j, and says what was expected', (value) => {
    expect(() => phone(value, 'US')).toThrow(/expected a phone number with its country code.*sms-sender/);
  });

  it('leaves senders with a name to sms-sender', () => {
    expect(normalizeHandle({ scheme: 'sms-sender', value: ' TAOBAO ' }).value).toBe('TAOBAO');
  });

  it('never quotes the value in its error', () => {
    expect(() => phone('canary-4711')).toThrow(
      expect.objectContaining({ message: expect.not.stringContaining('4711') }),
    );
  });
});

describe('email', () => {
  it.each([
    [' Li.Na+shop@EXAMPLE.com ', 'li.na+shop@example.com'],
    ['a@example.com.', 'a@example.com'],
    ['li@例子.中国', 'li@xn--fsqu00a.xn--fiqs8s'],
    ['e\u0301@x.com', 'é@x.com'],
    ['"a@b"@x.com', '"a@b"@x.com'],
    ['root@localhost', 'root@localhost'],
  ])('%j becomes %j', (value, expected) => expect(email(value)).toBe(expected));

  it.each(['a@b@c.com', 'a@x.com, b@x.com', '"x"@a.com,"y"@b.com', 'Li <a@x.com>', 'a@x.com;b', 'a b@x.com', '@x.com', 'a@', 'a',
    'a\r\nBcc: c@x.com', 'a@x..com', 'a@-x.com', 'a@%65x.com', 'a@1.2', 'a@１２７.0.0.1', 'a@例/子', 'a@[1.2.3.4]'])(
    'refuses %j: not exactly one address',
    (value) => expect(() => email(value)).toThrow(InvalidHandle),
  ); // prettier-ignore
});

describe('other schemes', () => {
  it('are trimmed and brought to NFC, scope included', () => {
    expect(normalizeHandle({ scheme: 'client', scope: ' shop ', value: ' e\u0301 ', proof: 'verified' })).toEqual({
      scheme: 'client',
      scope: 'shop',
      value: 'é',
      proof: 'verified',
    });
  });

  it.each([
    [{ scheme: 'client', value: '  ' }],
    [{ scheme: 'client', value: 'x'.repeat(321) }],
    [{ scheme: 'client', value: `a${'\u0301\u0323'.repeat(100_000)}` }],
    [{ scheme: 'phone', value: `${' '.repeat(1_000)}+8613800138000` }],
    [{ scheme: 'client', scope: 'x'.repeat(201), value: 'a' }],
    [{ scheme: 'Not Kebab', value: 'a' }],
  ])('refuses %#', (handle) => expect(() => normalizeHandle(handle)).toThrow(InvalidHandle));
});

describe('handleKey', () => {
  it('is the form of the API', () => {
    expect(handleKey({ scheme: 'phone', scope: '', value: '+8613800138000' })).toBe('phone:+8613800138000');
    expect(handleKey({ scheme: 'wechat-openid', scope: 'wx/1:2', value: 'o:A' })).toBe('wechat-openid/wx%2F1%3A2:o:A');
  });

  it('tells any two handles apart, and reads back', () => {
    const text = fc.string({ unit: fc.constantFrom('a', ':', '/', '%', '中', '\n') });
    const handle = fc.record({
      scheme: fc.constantFrom('a', 'a-b', 'phone'),
      scope: text,
      value: text.filter((value) => value !== ''),
    });
    fc.assert(fc.property(handle, (h) => expect(parseHandleKey(handleKey(h))).toEqual(h)));
  });

  it.each(['', 'phone', 'phone:', ':x', 'Phone:x', 'a/%E0%A4%A:x'])('refuses %j', (key) =>
    expect(() => parseHandleKey(key)).toThrow(InvalidHandle),
  );
});

import { describe, expect, it } from '@jest/globals';
import { smsSender } from './sender.js';

const from = (raw: string, digits: 'international' | 'short' = 'short') => smsSender(raw, { scope: 'acc', digits });
const phone = (value: string) => ({ thread: value, handle: { scheme: 'phone', scope: '', value, proof: 'channel' } });
const named = (value: string) => ({
  thread: value,
  handle: { scheme: 'sms-sender', scope: 'acc', value, proof: 'claimed' },
});

describe('the sender of an SMS', () => {
  it.each([
    ['+14158675309', '+14158675309'],
    ['+1 (415) 867-5309', '+14158675309'],
    ['＋８６１３８００１３８０００', '+8613800138000'],
    ['0086 138 0013 8000', '+8613800138000'],
    ['\u202a+8613800138000\u202c', '+8613800138000'],
  ])('%s is a person', (raw, value) => expect(from(raw)).toEqual(phone(value)));

  it.each([
    ['13800138000', '+8613800138000'],
    ['8613800138000', '+8613800138000'],
    ['85291234567', '+85291234567'],
    ['12025550123', '+12025550123'],
    ['4915112345678', '+4915112345678'],
  ])('%s, as providers in China write numbers, is %s', (raw, value) =>
    expect(from(raw, 'international')).toEqual(phone(value)),
  );

  it.each(['TAOBAO', 'My Bank', '12345', '10086', '+123', '800-FLOWERS', '中国银行'])('%s is nobody', (raw) => {
    expect(from(raw)).toEqual(named(raw));
    expect(from(raw, 'international')).toEqual(named(raw));
  });

  it('is another one on another account, where it is a short code', () => {
    expect(smsSender('12345', { scope: 'other', digits: 'short' }).handle.scope).toBe('other');
  });
});

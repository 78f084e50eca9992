import { describe, expect, it } from '@jest/globals';
import { consentIn, consentSettings } from './consent.js';

const say = (text: string, from = '+14158675309', settings: object = {}) =>
  consentIn(text, from, consentSettings.parse(settings));
const CHINA = '+8613800138000';

describe('what a message says of consent', () => {
  it.each(['STOP', 'stop', ' Stop. ', '"STOP"', 'Stop all', 'OPT-OUT', 'ＳＴＯＰ', 'Unsubscribe!', 'quit', 'END'])(
    '%j refuses further messages',
    (text) => expect(say(text)).toBe('opted-out'),
  );

  it.each(['START', 'unstop', 'Opt in'])('%j takes them again', (text) => expect(say(text)).toBe('opted-in'));

  it.each(['T', 'td', 'R', 'N', '退订', '【退订】', '退 订', '0000', '回T', 'TD。', 'Ｔ', '取消订阅', 'STOP'])(
    '%j refuses them in China',
    (text) => expect(say(text, CHINA)).toBe('opted-out'),
  );

  it.each(['T', 'N', 'R', '0000', '退订'])('%j says nothing elsewhere', (text) => expect(say(text)).toBeNull());

  it.each([
    ['+33612345678', 'ARRÊT'],
    ['+4915112345678', 'abmelden'],
    ['+5511987654321', 'SAIR'],
    ['+85291234567', '退訂'],
    ['+819012345678', '配信停止'],
    ['+15145550101', 'ARRÊT'],
    ['+32470123456', 'afmelden'],
  ])('%s knows %s', (from, word) => expect(say(word, from)).toBe('opted-out'));

  it.each([
    ['+15145550101', 'abonner'],
    ['+34612345678', 'ALTA'],
    ['+85291234567', '訂閱'],
  ])('%s takes them again by %s', (from, word) => expect(say(word, from)).toBe('opted-in'));

  it.each(['Please stop the delivery', 'YES', 'HELP', 'Y', '', '。', 'TT', '我要退订套餐', 'stop '.repeat(50)])(
    '%j is a message like any other',
    (text) => expect([say(text), say(text, CHINA)]).toEqual([null, null]),
  );

  it('takes further words from the settings, or only those', () => {
    expect(say('No More', undefined, { optOut: ['no more'] })).toBe('opted-out');
    expect(say('yes', undefined, { optIn: ['YES'] })).toBe('opted-in');
    expect(say('STOP', undefined, { builtin: false, optOut: ['no more'] })).toBeNull();
  });
});

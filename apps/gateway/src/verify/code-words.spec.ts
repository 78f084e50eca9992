import { describe, expect, it } from '@jest/globals';
import { countSegments } from '#normalizer';
import { codeWords } from './code-words.js';

describe('the message of a code', () => {
  it('says what it is, in the language of the page', () => {
    expect(codeWords('004711', { locale: 'en-GB' })).toEqual({
      subject: 'Your code',
      text: 'Your code is 004711. It is valid for 10 minutes. If you did not ask for it, ignore this message.',
    });
    expect(codeWords('004711', { locale: 'zh-Hant', name: '转角书店' })).toEqual({
      subject: '【转角书店】您的验证码',
      text: '【转角书店】您的验证码是 004711，10 分钟内有效。若非本人操作，请忽略。',
    });
    expect(codeWords('004711', { name: 'Corner Shop' }).text).toMatch(/^Corner Shop: your code is 004711\./);
  });

  it('is one SMS', () => {
    for (const locale of ['en', 'zh']) expect(countSegments(codeWords('004711', { locale }).text).segments).toBe(1);
  });
});

import { describe, expect, it } from '@jest/globals';
import { stringsFor } from './strings.js';

describe('what was refused', () => {
  const problem = { code: 'too-large', detail: 'a file may have at most 500 bytes' };

  it('is told in the words of the page', () => {
    expect(stringsFor('en-GB').failedBecause(problem)).toBe('Not sent: a file may have at most 500 bytes');
    expect(stringsFor('zh-Hant').failedBecause(problem)).toBe('发送失败：文件太大');
  });

  it('is told as the gateway says it where there are no words for it', () => {
    expect(stringsFor('zh').failedBecause({ code: 'new', detail: 'something new' })).toBe('发送失败：something new');
  });
});

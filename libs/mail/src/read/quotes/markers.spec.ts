import { describe, expect, it } from '@jest/globals';
import { cutPlain } from './plain.js';
import * as markers from './markers.js';

const reply = { answers: true, forwards: false, files: false };

describe('markers', () => {
  const units = ['-', '- ', '_', 'From: a', 'On a 10:00 ', 'a@b ', '<a', '>', ' wrote', '写道', '发自我的', '*', '一 ', '2026年', '|', ' ', 'sent from ', ': ', '1.']; // prettier-ignore
  const { isHistoryLine, isForwardLine, isRule, isCaption, isDeviceLine, isDisclaimer, isDelimiter } = markers;
  const tests: readonly ((text: string) => unknown)[] = [
    ...[isHistoryLine, isForwardLine, isRule, isCaption, isDeviceLine, isDisclaimer, isDelimiter],
    ...[markers.attribution, markers.headerField, markers.beginsAttribution],
  ];

  it('come to an end, whatever is tried', () => {
    const texts = units.flatMap((unit) => [10, 600, 100_000].map((count) => `${unit.repeat(count)}!`));
    for (const text of texts) expect(tests.map((test) => test(text))).toHaveLength(tests.length);
  });

  it.each([
    ['a name that is no program', '发自内心地感谢你们'],
    ['a form without a subject', 'From: Shanghai\nTo: Hamburg\nDate: 5 May 2026\nWeight: 3 kg'],
    ['somebody quoted in a sentence', 'On Monday your colleague wrote: "it is in stock".'],
    ['one sign', 'Is it\n> 5 kg\nor less?'],
    ['dashes', 'one\n-----\ntwo'],
    ['a colon after a time', 'We open at 10:30 as you wrote:\n\nMonday to Friday'],
  ])('are not found in %s', (_what, text) => {
    expect(cutPlain(text, reply)).toEqual({ text, quoted: '' });
  });

  it('keeps a mail whole of which nothing would be left, unless it carries files', () => {
    const text = 'Sent from my iPhone';
    expect(cutPlain(text, reply).text).toBe(text);
    expect(cutPlain(text, { ...reply, files: true })).toEqual({ text: '', quoted: text });
  });
});

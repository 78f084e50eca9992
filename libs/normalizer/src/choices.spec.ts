import { describe, expect, it } from '@jest/globals';
import { choiceIndex, choiceKey, matchChoice, numberedChoices } from './choices.js';

const options = [
  { id: 'yes', label: 'Yes, please' },
  { id: 'no', label: 'No' },
  { id: 'hl', label: '转人工' },
];
const idOf = (typed: string, among = options): string | undefined => matchChoice(typed, among)?.id;

describe('numberedChoices', () => {
  it('is the text and a numbered line per option', () => {
    expect(numberedChoices({ text: '继续吗？', options })).toBe('继续吗？\n1. Yes, please\n2. No\n3. 转人工');
    expect(numberedChoices({ text: '', options: options.slice(0, 1) })).toBe('1. Yes, please');
  });
});

describe('matchChoice', () => {
  it.each([
    '2',
    '２',
    ' 2 ',
    '2.',
    '2．',
    '2)',
    '(2)',
    '（２）',
    '2、',
    '②',
    '2️⃣',
    '02',
    'no',
    'NO',
    'ｎｏ',
    '2. No',
    '2. no\n',
  ])('%j is the second', (typed) => expect(idOf(typed)).toBe('no'));

  it.each(['转人工', '3', 'hl', ' HL '])('%j is the third', (typed) => expect(idOf(typed)).toBe('hl'));

  it.each(['', ' ', '0', '4', '22', '2.5', '-2', 'no thanks', '2 3', '__proto__', 'x'.repeat(200_000)])(
    '%j is none',
    (typed) => expect(matchChoice(typed, options)).toBeNull(),
  );

  it('does not guess between two that fit', () => {
    const twins = [{ id: 'a', label: 'Same' }, { id: 'b', label: 'same ' }, { id: 'c', label: '1' }]; // prettier-ignore
    expect(idOf('same', twins)).toBeUndefined();
    expect(idOf('1', twins)).toBeUndefined();
    expect(idOf('2', twins)).toBe('b');
    expect(idOf('3', twins)).toBe('c');
  });

  it('lets what was shown win over ids that nobody saw', () => {
    const zeroBased = [{ id: '0', label: 'Yes' }, { id: '1', label: 'No' }]; // prettier-ignore
    expect(idOf('1', zeroBased)).toBe('0');
    expect(idOf('2', zeroBased)).toBe('1');
    expect(idOf('0', zeroBased)).toBe('0');
  });
});

describe('choiceKey and choiceIndex', () => {
  it('meet in one look-up, also after JSON', () => {
    const stored = JSON.parse(JSON.stringify(choiceIndex(options))) as Record<string, { id: string }>;
    expect(stored[choiceKey([{ type: 'text', text: '（２）' }]) ?? '']?.id).toBe('no');
    expect(choiceIndex([{ id: '__proto__', label: '__proto__' }])['1']?.id).toBe('__proto__');
  });

  it('has no key for what is not one short text', () => {
    expect(choiceKey([])).toBeNull();
    expect(choiceKey([{ type: 'text', text: '1' }, { type: 'text', text: '2' }])).toBeNull(); // prettier-ignore
    expect(choiceKey([{ type: 'location', latitude: 1, longitude: 2 }])).toBeNull();
    expect(choiceKey([{ type: 'text', text: `a${'\u0301'.repeat(100_000)}` }])).toBeNull();
  });
});

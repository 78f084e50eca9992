import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { splitText } from './split-text.js';
import { measure, TextUnit } from './text-unit.js';

const family = '👨‍👩‍👧';
const graphemes = new Intl.Segmenter('und', { granularity: 'grapheme' });
const squeezed = (text: string): string => text.replace(/\s/g, '');

describe('measure', () => {
  it.each([
    ['utf8-bytes', 1_800],
    ['utf16', 600],
    ['code-points', 600],
  ] as const)('600 ideographs in %s', (unit, size) => expect(measure('中'.repeat(600), unit)).toBe(size));

  it('counts emoji in every unit', () => {
    expect(TextUnit.options.map((unit) => measure(family, unit))).toEqual([18, 8, 5, 18]);
  });

  it('lets 160 and 153 septets hold what a segment holds of UCS-2', () => {
    expect(measure('中'.repeat(70), 'gsm7')).toBe(160);
    expect(measure('中'.repeat(71), 'gsm7')).toBeGreaterThan(160);
    expect(measure('中'.repeat(67), 'gsm7')).toBe(153);
    expect(measure('中'.repeat(68), 'gsm7')).toBeGreaterThan(153);
  });

  it('grows with the text and agrees with the last sum of the split', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), fc.string({ unit: 'grapheme' }), fc.constantFrom(...TextUnit.options), (a, b, unit) =>
        expect(measure(a + b, unit)).toBeGreaterThanOrEqual(measure(a, unit)),
      ),
    ); // prettier-ignore
  });
});

describe('splitText prefers', () => {
  it.each<[string, string, [max: number, pieces: string[]]]>([
    ['a paragraph', 'one two three.\n\na\nbcd efgh', [21, ['one two three.', 'a\nbcd efgh']]],
    ['then a line', 'one two. three\nfour. five six', [20, ['one two. three', 'four. five six']]],
    ['then a sentence', 'one two three. four five six', [18, ['one two three.', 'four five six']]],
    ['then a word', 'one two three four five six', [17, ['one two three', 'four five six']]],
    ['a Chinese sentence', '报表导不出来。请看一下！谢谢你们', [14, ['报表导不出来。请看一下！', '谢谢你们']]],
    [
      'a sentence with its closing quote',
      '他说：“报表导不出来。”请看一下',
      [13, ['他说：“报表导不出来。”', '请看一下']],
    ],
    ['never closing punctuation first', '一二三四五六七八九，十', [9, ['一二三四五六七八', '九，十']]],
    [
      'no decimal point for a sentence',
      'pay 100 now at 1234567.89 please',
      [24, ['pay 100 now at', '1234567.89 please']],
    ],
    [
      'a whole URL',
      'see https://shop.example/a/very/long/path',
      [40, ['see', 'https://shop.example/a/very/long/path']],
    ],
  ])('%s', (_what, text, [max, pieces]) => expect(splitText(text, max, 'utf16')).toEqual(pieces));

  it('what is in the last third: an early sentence end makes no short piece', () => {
    expect(splitText('No. This is a very long sentence with words', 30, 'utf16')[0]).toBe('No. This is a very long');
  });

  it('the end exactly at the limit', () => expect(splitText('aaaa bbbb', 4, 'utf16')).toEqual(['aaaa', 'bbbb']));
});

describe('splitText never divides', () => {
  it('a surrogate pair', () => expect(splitText('a😀😀', 4, 'utf16')).toEqual(['a😀', '😀']));
  it('an escape pair', () => expect(splitText(`${'a'.repeat(152)}€`, 153, 'gsm7')).toEqual(['a'.repeat(152), '€']));
  it('an emoji sequence', () => expect(splitText(family.repeat(3), 20, 'utf16')).toEqual([family.repeat(2), family]));
  it('a flag', () => expect(splitText('🇨🇳🇨🇳🇨🇳', 6, 'utf16')).toEqual(['🇨🇳', '🇨🇳', '🇨🇳']));
  it('a letter and its mark', () => expect(splitText('abcde\u0301', 5, 'utf16')).toEqual(['abcd', 'e\u0301']));
  it('a joiner from the ideograph before it', () =>
    expect(splitText('中\u200d€', 8, 'utf8-bytes')).toEqual(['中\u200d', '€']));
  it('a space and its mark', () => expect(splitText('abcd \u0301e', 5, 'utf16')).toEqual(['abcd', ' \u0301e']));
  it('a Devanagari cluster', () => expect(splitText('aaकि', 3, 'utf16')).toEqual(['aa', 'कि']));

  it('except a grapheme that is larger than a piece, which is divided between code points', () => {
    const zalgo = `a${'\u0301'.repeat(9)}`;
    expect(splitText(zalgo, 4, 'utf16')).toEqual(['a\u0301\u0301\u0301', '\u0301'.repeat(4), '\u0301\u0301']);
  });
});

describe('splitText', () => {
  it('leaves whitespace out only at cuts', () => {
    expect(splitText('  ab  \n  cd  ', 8, 'utf16')).toEqual(['  ab', 'cd  ']);
    expect(splitText('', 10, 'utf16')).toEqual([]);
    expect(splitText('   ', 10, 'utf16')).toEqual(['   ']);
    expect(splitText(' '.repeat(50), 10, 'utf16')).toEqual([]);
  });

  it('gives each SMS its own alphabet', () => {
    expect(splitText(`${'a'.repeat(150)} ${'中'.repeat(60)}`, 160, 'gsm7')).toEqual(['a'.repeat(150), '中'.repeat(60)]);
  });

  it('refuses a limit that cannot hold every character', () => {
    expect(() => splitText('😀', 3, 'utf8-bytes')).toThrow(RangeError);
    expect(splitText('😀', 4, 'utf8-bytes')).toEqual(['😀']);
  });

  it('keeps to the limit, loses nothing but whitespace and divides no grapheme that fits', () => {
    const token = fc.constantFrom('a', 'word', ' ', '\n', '\n\n', '. ', '中', '。', '”', '€', '[', '😀', family, '🇨🇳', 'e\u0301', '\u0301', 'कि', '\u200d', '한'); // prettier-ignore
    const text = fc.array(token, { maxLength: 80 }).map((tokens) => tokens.join(''));
    const check = (whole: string, max: number, unit: TextUnit): void => {
      const pieces = splitText(whole, max, unit);
      expect(squeezed(pieces.join(''))).toBe(squeezed(whole));
      const segments = graphemes.segment(whole);
      let at = 0;
      for (const [i, piece] of pieces.entries()) {
        expect(measure(piece, unit)).toBeLessThanOrEqual(max);
        expect(piece.isWellFormed()).toBe(true);
        const found = whole.indexOf(piece, at);
        expect(whole.slice(at, found).trim()).toBe('');
        at = found + piece.length;
        const around = segments.containing(at);
        const divides = i < pieces.length - 1 && around !== undefined && around.index < at;
        if (divides) expect(measure(around.segment, unit)).toBeGreaterThan(max);
      }
    };
    fc.assert(fc.property(text, fc.integer({ min: 8, max: 60 }), fc.constantFrom(...TextUnit.options), check), {
      numRuns: 2_000,
    });
  });

  it.each([
    ['ideographs', '报表导不出来。'.repeat(150_000)],
    ['combining marks', `a${'\u0301\u0323'.repeat(500_000)}`],
    ['emoji sequences', family.repeat(130_000)],
    ['spaces', `a${' '.repeat(1_000_000)}b`],
    ['one word', 'x'.repeat(1_000_000)],
  ])('takes a megabyte of %s', (_what, text) => {
    const pieces = splitText(text, 2_048, 'utf8-bytes');
    expect(squeezed(pieces.join('')) === squeezed(text)).toBe(true);
  });
});

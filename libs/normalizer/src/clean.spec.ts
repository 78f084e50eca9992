import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { cleanDeep, cleanText, MAX_DEPTH } from './clean.js';
import { InvalidInput } from './invalid.js';

describe('cleanText', () => {
  it.each([
    ['NUL', 'a\0b', 'a\uFFFDb'],
    ['a lone high surrogate', 'a\uD83Db', 'a\uFFFDb'],
    ['a lone low surrogate at the end', 'a\uDE00', 'a\uFFFD'],
    ['CRLF', 'a\r\nb', 'a\nb'],
    ['a lone CR', 'a\rb\r\r\nc', 'a\nb\n\nc'],
  ])('replaces %s', (_what, dirty, clean) => expect(cleanText(dirty)).toBe(clean));

  it.each([
    ['bidi controls', '\u202Eevil\u202C\u2066x\u2069'],
    ['zero-width characters', 'a\u200B\u200D\uFEFFb'],
    ['emoji sequences', '👨‍👩‍👧 🇨🇳'],
    ['ten thousand combining marks', `a${'\u0301\u0323'.repeat(5_000)}`],
    ['CJK compatibility ideographs, which NFC would change', '\uFA10\u212B'],
    ['decomposed letters', 'e\u0301'],
  ])('keeps %s', (_what, text) => expect(cleanText(text)).toBe(text));

  it('is well-formed, free of NUL and CR, and a second time changes nothing', () => {
    const hostile = fc.string({ unit: fc.constantFrom('\0', '\r', '\n', '\uD83D', '\uDE00', 'a', '中', '\u202E') });
    fc.assert(
      fc.property(hostile, (text) => {
        const clean = cleanText(text);
        expect(clean.isWellFormed()).toBe(true);
        expect(clean).not.toMatch(/[\0\r]/);
        expect(cleanText(clean)).toBe(clean);
      }),
    );
  });
});

describe('cleanDeep', () => {
  it('cleans every string and key, and leaves other values alone', () => {
    const dirty = { 'k\0': ['a\0', 1, null, { x: 'b\r\n' }], ok: true, n: 1.5 };
    expect(cleanDeep(dirty)).toEqual({ 'k\uFFFD': ['a\uFFFD', 1, null, { x: 'b\n' }], ok: true, n: 1.5 });
    expect(dirty['k\0'][0]).toBe('a\0');
  });

  it('returns clean values themselves', () => {
    const clean = { a: ['b', { c: '中' }] };
    expect(cleanDeep(clean)).toBe(clean);
  });

  it('shares what is clean with the original', () => {
    const part = { text: 'fine' };
    const cleaned = cleanDeep({ part, bad: '\0' });
    expect(cleaned.part).toBe(part);
  });

  it('refuses __proto__ as a key, at any depth, and pollutes nothing', () => {
    const bomb: unknown = JSON.parse('{"a":[{"__proto__":{"polluted":true},"b":"\\u0000"}]}');
    expect(() => cleanDeep(bomb)).toThrow(InvalidInput);
    expect(({} as Record<string, unknown>)['polluted']).toBeUndefined();
  });

  it(`takes ${MAX_DEPTH} levels and refuses one more, and a hundred thousand, without a stack overflow`, () => {
    const nested = (levels: number): unknown => {
      let value: unknown = 'x';
      for (let i = 0; i < levels; i += 1) value = [value];
      return value;
    };
    expect(cleanDeep(nested(MAX_DEPTH))).toEqual(nested(MAX_DEPTH));
    expect(() => cleanDeep(nested(MAX_DEPTH + 1))).toThrow('64 levels');
    expect(() => cleanDeep(nested(100_000))).toThrow(InvalidInput);
  });
});

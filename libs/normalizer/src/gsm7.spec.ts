import { describe, expect, it } from '@jest/globals';
import { countSegments, fromGsm7, isGsm7, toGsm7 } from './gsm7.js';
import { measure } from './text-unit.js';

const a = (count: number): string => 'a'.repeat(count);

describe('countSegments', () => {
  it.each([
    ['160 letters', a(160), 1],
    ['161 letters', a(161), 2],
    ['159 letters and an escape pair', `${a(159)}€`, 2],
    ['307 letters', a(307), 3],
    ['306 septets with the escape pair on the border', `${a(152)}€${a(152)}`, 3],
    ['306 letters', a(306), 2],
    ['70 ideographs', '中'.repeat(70), 1],
    ['71 ideographs', '中'.repeat(71), 2],
    ['134 ideographs', '中'.repeat(134), 2],
    ['135 ideographs', '中'.repeat(135), 3],
    ['35 astral emoji', '😀'.repeat(35), 1],
    ['36 astral emoji', '😀'.repeat(36), 2],
    ['67 astral emoji, 33 a segment', '😀'.repeat(67), 3],
    ['one character outside the alphabet', `${a(159)}’`, 3],
    ['nothing', '', 1],
  ])('%s', (_what, text, segments) => expect(countSegments(text).segments).toBe(segments));

  it('counts units in the encoding that is used', () => {
    expect(countSegments('👨‍👩‍👧')).toEqual({ encoding: 'ucs2', units: 8, segments: 1 });
    expect(countSegments('[€]')).toEqual({ encoding: 'gsm7', units: 6, segments: 1 });
    expect(countSegments(`${a(159)}’`)).toEqual({ encoding: 'ucs2', units: 160, segments: 3 });
  });
});

describe('countSegments, as message centres have it', () => {
  const by = (text: string, carriage: object) => countSegments(text, { alphabet: 'gsm7', ...carriage }).segments;

  it('leaves room for the header', () => {
    expect([by(a(160), { header: 7 }), by(a(304), { header: 7 }), by(a(305), { header: 7 })]).toEqual([1, 2, 3]);
    expect([by(a(306), {}), by('中'.repeat(132), { header: 7 }), by('中'.repeat(133), { header: 7 })]).toEqual([
      2, 2, 3,
    ]);
  });

  it('sends as UCS-2 what Latin-1 does not have', () => {
    expect(countSegments(a(160), { alphabet: 'latin1' })).toEqual({ encoding: 'gsm7', units: 160, segments: 1 });
    expect(countSegments(`${a(70)}€`, { alphabet: 'latin1' })).toEqual({ encoding: 'ucs2', units: 71, segments: 2 });
    expect(countSegments('[ä]', { alphabet: 'latin1' })).toEqual({ encoding: 'gsm7', units: 5, segments: 1 });
    expect(countSegments('ç', { alphabet: 'latin1' }).encoding).toBe('ucs2');
  });
});

describe('countSegments, as providers in China count', () => {
  const inChina = (text: string, added: number) => countSegments(text, { alphabet: 'ucs2', added });

  it('takes the signature for part of the text', () => {
    expect(inChina('中'.repeat(64), 6)).toEqual({ encoding: 'ucs2', units: 70, segments: 1 });
    expect(inChina('中'.repeat(65), 6)).toEqual({ encoding: 'ucs2', units: 71, segments: 2 });
    expect(inChina('中'.repeat(129), 6)).toEqual({ encoding: 'ucs2', units: 135, segments: 3 });
  });

  it('has 70 characters in a segment, whatever they are', () => {
    expect(inChina(a(70), 0)).toEqual({ encoding: 'ucs2', units: 70, segments: 1 });
    expect(inChina(a(71), 0)).toEqual({ encoding: 'ucs2', units: 71, segments: 2 });
  });
});

describe('the alphabet', () => {
  it('has 127 characters that cost one septet (ESC is none) and ten that cost two', () => {
    const costs = Array.from({ length: 0x10000 }, (_, i) => String.fromCharCode(i)).filter((char) => isGsm7(char));
    const two = costs.filter((char) => measure(char, 'gsm7') === 2);
    expect(costs.length - two.length).toBe(127);
    expect(two.sort().join('')).toBe('\f[\\]^{|}~€');
  });

  it.each(['`', 'ç', '\t', '’', '中', '\0', '\x1b'])('does not have %j', (char) =>
    expect(isGsm7(`a${char}`)).toBe(false),
  );
});

describe('the octets', () => {
  it('are those of 3GPP TS 23.038', () => {
    expect(toGsm7('@£Δ ÆaÄàz€[').toString('hex')).toBe('000110201c615b7f7a1b651b3c');
    expect(toGsm7('a中b').toString()).toBe('a?b');
  });

  it('lead back to the text, every character of it', () => {
    const all = Array.from({ length: 0x10000 }, (_, i) => String.fromCharCode(i))
      .filter((char) => isGsm7(char))
      .join('');
    expect(fromGsm7(toGsm7(all))).toBe(all);
  });

  it('are read whatever they are', () => {
    expect(fromGsm7(Buffer.from([0x1b]))).toBe(' ');
    expect(fromGsm7(Buffer.from([0x61, 0x1b, 0x61, 0xe1]))).toBe('a aa');
  });
});

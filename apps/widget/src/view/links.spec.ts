import { runInNewContext } from 'node:vm';
import { describe, expect, it } from '@jest/globals';
import { pieces } from './links.js';

const links = (text: string) => pieces(text).flatMap(({ text: shown, href }) => (href ? [[shown, href]] : []));

describe('links in a text', () => {
  it.each([
    ['see https://x.example/a?b=c#d.', [['https://x.example/a?b=c#d', 'https://x.example/a?b=c#d']]],
    ['(www.x.example)', [['www.x.example', 'https://www.x.example']]],
    ['https://x.example/a_(b) and', [['https://x.example/a_(b)', 'https://x.example/a_(b)']]],
    ['Mail ann.lee+1@x-y.example!', [['ann.lee+1@x-y.example', 'mailto:ann.lee+1@x-y.example']]],
    ['...ann@x.example, see...HTTP://X.example', [['ann@x.example', 'mailto:ann@x.example'], ['HTTP://X.example', 'HTTP://X.example']]],
    ['请看https://x.example/路径，谢谢', [['https://x.example/路径', 'https://x.example/路径']]],
    ['user_https://x.example', []],
    ['javascript:alert(1) www. http:// www.) a@b @c.d', []],
  ])('are found: %s', (text, expected) => {
    expect(links(text)).toEqual(expected);
    expect(pieces(text).map((piece) => piece.text).join('')).toBe(text);
  }); // prettier-ignore

  /** The time is no measure but an end: what is looked at over and over would take hours. */
  it.each([
    'a',
    'a.',
    '.',
    'a@',
    'a@a',
    '@',
    'www.',
    'http',
    'http://',
    'a-',
    ')',
    'https://x).',
    ' ',
    'a@b.',
    'w',
    '你',
    '-+.',
  ])('are looked for in a time that grows with the text alone: %s again and again', (unit) => {
    for (const [before, after] of [['', ''], ['www.x', 'y'], ['http://x', ' '], ['a@', '!'], ['', '@x']] as const) {
      const text = `${before}${unit.repeat(1_000_000 / unit.length)}${after}`;
      const found = runInNewContext('pieces(text)', { pieces, text }, { timeout: 20_000 }) as ReturnType<typeof pieces>;
      expect(found.reduce((sum, piece) => sum + piece.text.length, 0)).toBe(text.length);
    }
  }); // prettier-ignore
});

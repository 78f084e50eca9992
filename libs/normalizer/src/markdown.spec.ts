import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { markdownToHtml, markdownToText, withoutMarkdown } from './markdown.js';

describe('markdown as text', () => {
  it.each([
    ['**bold**, *slanted*, ~~gone~~ and `code`', 'bold, slanted, gone and code'],
    ['# Title\n\nFirst line\nsecond line\n\nNext', 'Title\n\nFirst line\nsecond line\n\nNext'],
    ['[our shop](https://shop.example/a?b=c)', 'our shop (https://shop.example/a?b=c)'],
    ['<https://shop.example> [https://a.example](https://a.example)', 'https://shop.example https://a.example'],
    ['<anna@shop.example>', 'anna@shop.example'],
    ['[帮助](https://shop.example/帮助)', '帮助 (https://shop.example/帮助)'],
    ['![logo](https://shop.example/l.png)', 'logo (https://shop.example/l.png)'],
    ['- one\n- two\n  - deeper\n\n3. three\n4. four', '- one\n- two\n  - deeper\n\n3. three\n4. four'],
    ['1. first\n\n   more of it\n2. second', '1. first\n   more of it\n2. second'],
    ['> said\n> before\n\nand now', '> said\n> before\n\nand now'],
    ['```js\nlet a = **b**;\n  c();\n```', 'let a = **b**;\n  c();'],
    ['| a | b |\n| - | - |\n| 1 |   |', 'a | b\n1 |'],
    ['a\n\n---\n\nb', 'a\n\n---\n\nb'],
    ['2 * 3 * 4 and snake_case_name', '2 * 3 * 4 and snake_case_name'],
    ['<b onclick="x()">raw</b>', '<b onclick="x()">raw</b>'],
    ['[a][1]\n\n[1]: https://shop.example', '[a][1]\n\n[1]: https://shop.example'],
  ])('%j', (source, text) => expect(markdownToText(source)).toBe(text));

  it('keeps what is no markdown, or more than markdown is', () => {
    expect(markdownToText('[](/x)')).toBe('/x');
    expect(markdownToText('   \n')).toBe('   \n');
    const deep = `${'> '.repeat(300)}the end`;
    expect(markdownToText(deep)).toBe(deep);
    expect(markdownToHtml(deep)).toContain('the end');
  });

  it('takes what is longer than anybody writes for text', () => {
    for (const long of ['**a** '.repeat(2_000), `${'| a '.repeat(2_100)}|`]) {
      expect(markdownToText(long)).toBe(long);
      expect(markdownToHtml(long)).toBe(`<p>${long}</p>\n`);
    }
    expect(markdownToText('**a** '.repeat(1_500))).not.toContain('*');
  });

  it('shows addresses as they were written, but for what nobody could see', () => {
    expect(markdownToText('[a](https://shop.example/%E4%BD%A0)')).toBe('a (https://shop.example/你)');
    for (const escape of ['%00', '%0d%0a', '%E2%80%AE', '%E2%80%A8', '%1b'])
      expect(markdownToText(`[a](https://shop.example/${escape})`)).toBe(`a (https://shop.example/${escape})`);
  });

  it('is never empty, and at most a little longer than what it is made of', () => {
    const piece = fc.constantFrom(
      '**',
      '*',
      '_',
      '`',
      '[',
      '](',
      ')',
      '<',
      '>',
      '\n',
      '- ',
      '1. ',
      '|',
      '#',
      'a',
      ' ',
      '![',
      'http://x',
    );
    fc.assert(
      fc.property(fc.array(piece, { minLength: 1, maxLength: 60 }), (pieces) => {
        const source = pieces.join('');
        const text = markdownToText(source);
        expect(text === '').toBe(source === '');
        expect(text.length).toBeLessThanOrEqual(2 * source.length + 20);
      }),
      { numRuns: 500 },
    ); // prettier-ignore
  });
});

describe('markdown as html', () => {
  it('is written by us alone: html in it is text, and no link leads to a script', () => {
    expect(markdownToHtml('**a** [b](https://b.example)\nc')).toBe('<p><strong>a</strong> <a href="https://b.example">b</a><br>\nc</p>\n'); // prettier-ignore
    const attacks = [
      '<script>alert(1)</script>',
      '<img src=x onerror=alert(1)>',
      '[a](javascript:alert(1))',
      '![a](javascript:alert(1))',
      '[a](data:text/html,<script>alert(1)</script>)',
      '[a](https://x" onmouseover="alert(1))',
      '<javascript:alert(1)>',
      '```"><script>\na\n```',
      '| <svg onload=alert(1)> |\n| - |\n| [x](vbscript:a) |',
    ];
    for (const attack of attacks) {
      const tags = markdownToHtml(attack).match(/<[^>]*>/g) ?? [];
      for (const tag of tags) {
        expect(tag).toMatch(
          /^<\/?(?:p|a|img|pre|code|table|thead|tbody|tr|th|td|br|strong|em)(?: (?:href|src|alt|class)="[^"<>]*")*>$/,
        );
        expect(tag).not.toMatch(/(?:href|src)="(?:javascript|vbscript|data):/i);
      }
    }
  });

  it('takes no time that grows faster than it', () => {
    // As long as a part may be: each of these takes minutes, or the stack, where anything is tried from every place.
    for (const bad of ['[', '>', '![', '*a ', '[a](', '<!--', '1. ', '[a]: /b\n', 'a@', '|a'])
      expect(markdownToHtml(bad.repeat(Math.floor(100_000 / bad.length))).length).toBeLessThan(2_000_000);
  });
});

describe('a part', () => {
  it('is plain text where it was markdown, else as it is', () => {
    expect(withoutMarkdown({ type: 'text', text: '**a**', format: 'markdown' })).toEqual({ type: 'text', text: 'a' });
    const plain = { type: 'text', text: '**a**' } as const;
    expect(withoutMarkdown(plain)).toBe(plain);
  });
});

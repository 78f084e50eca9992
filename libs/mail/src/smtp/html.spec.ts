import { describe, expect, it } from '@jest/globals';
import { cidsIn, escapeHtml, sanitize, textOf } from './html.js';

const clean = (html: string, shown: readonly string[] = []) => sanitize(html, new Set(shown));
const link = (href: string, text: string) =>
  `<a href="${href}" target="_blank" rel="noopener noreferrer nofollow">${text}</a>`;

describe('html that is sent', () => {
  it.each([
    ['<p>Hello <b>you</b>,<br>see</p>'],
    ['<table border="1"><tbody><tr><td colspan="2" style="color:#f00;text-align:center">1</td></tr></tbody></table>'],
    ['<img src="https://a.example/x.png" width="10" alt="x">'],
    ['<ul><li>您好</li><li>&lt;script&gt;</li></ul>'],
    [link('https://a.example/?a=1&amp;b=2', 'this')],
    [link('mailto:a@b.example', 'a') + link('tel:+4930123', 'b')],
  ])('keeps %s', (html) => {
    expect(clean(html)).toBe(html);
  });

  it.each([
    '<script>alert(1)</script>',
    '<SCRIPT SRC=//x.example/x.js></SCRIPT >a',
    '<img src=x onerror=alert(1)>',
    '<img src="https://x.example/a" onerror="alert(1)">',
    '<a href="javascript:alert(1)">x</a>',
    '<a href="java\nscript:alert(1)">x</a>',
    '<a href="&#106;avascript&colon;alert(1)">x</a>',
    '<a href=" \u0001javascript:alert(1)">x</a>',
    '<a href="data:text/html,alert(1)">x</a>',
    '<svg><script>alert(1)</script><p>x</p></svg>y',
    '<math><mtext><table><mglyph><style><img src=x onerror=alert(1)>',
    '<noscript><p title="</noscript><img src=x onerror=alert(1)>">',
    '<style>@import "//x.example"; p{}</style><p>x</p>',
    '<p style="background: url(https://x.example/a); color: red">x</p>',
    '<p style="width: expression(alert(1)); position: fixed">x</p>',
    '<form action="//x.example"><input name=a>x</form>',
    '<iframe src="//x.example">a</iframe>b',
    '<meta http-equiv=refresh content="0;url=//x.example"><base href="//x.example"><link rel=stylesheet href=x>a',
    '<!--[if mso]><script>alert(1)</script><![endif]-->a',
    '<img alt="<img data-src=x onerror=alert(1)>" src="https://x.example/a">',
    '<img data-src="javascript:alert(1)">',
  ])('leaves nothing that acts of %j', (html) => {
    const out = clean(html);
    // What a text says may look like anything: only tags and what is in them can act.
    for (const tag of out.match(/<[^>]*>/g) ?? []) {
      expect(tag).toMatch(/^<\/?(?:p|a|img|table|tbody|tr|td|b|br|ul|li|div)\b/);
      expect(tag.replace(/"[^"]*"/g, '""')).not.toMatch(/\son|script|iframe|form|data-src/i);
      for (const [, name, value] of tag.matchAll(/\s(href|src|style)="([^"]*)"/g))
        expect(value).toMatch(
          name === 'style' ? /^(?!.*(?:url|expression|position)).*$/ : /^(?:https?:\/\/|mailto:|tel:)/,
        );
    }
  });

  it('shows pictures of the mail by their id, where the mail has them', () => {
    const html = '<img src="cid:a%20b@c"><p>x<img src="CID:d" alt="y"></p><img src="https://x.example/">';
    expect(cidsIn(html)).toEqual(['a b@c', 'd']);
    expect(clean(html, ['d'])).toBe('<p>x<img src="cid:d" alt="y"></p><img src="https://x.example/">');
  });

  it('is refused where it is too deep to be sent whole, not sent in part', () => {
    expect(() => clean(`${'<div>'.repeat(20_000)}x`)).toThrow('nested too deeply');
    expect(clean(`${'<b>'.repeat(150)}x`)).toContain('x');
    expect(clean('<a '.repeat(20_000)).length).toBeLessThan(100);
  });

  it('has a text', () => {
    const html =
      '<head><title>t</title></head><p>a\n  b</p><p>c<br>d</p><style>x</style><ul><li>e</li></ul><img src="cid:x">';
    expect(textOf(html)).toBe('a b\n\nc\nd\n- e');
    expect(textOf('<h1>Hello</h1><div>one &amp; two</div>')).toBe('Hello\none & two');
  });

  it('takes a text for nothing but text', () => {
    expect(escapeHtml('<b>&amp;</b>\0')).toBe('&lt;b&gt;&amp;amp;&lt;/b&gt;\uFFFD');
  });
});

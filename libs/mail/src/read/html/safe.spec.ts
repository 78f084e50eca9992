import { describe, expect, it } from '@jest/globals';
import { htmlAttacks, TRACKER } from '../../testing/html-attacks.js';
import { ATTRIBUTES, KEPT, STYLES, VOID } from './allowed.js';
import { safeHtml } from './safe.js';
import { parseHtml } from './tree.js';

const safe = (html: string) => safeHtml(parseHtml(html).root);
/** Every tag of html that this writer wrote: values hold no quotes and no angles. */
const TAG = /<(\/?)([a-z0-9]+)((?: [a-z-]+="[^"<>`]*")*)>/g;
const attributesOf = (text: string) =>
  [...text.matchAll(/ ([a-z-]+)="([^"]*)"/g)].map(([, name, value]) => [name!, value!] as const);

describe('safe html', () => {
  it('of what goes deeper than any honest mail leaves the rest out, and says so', () => {
    const { root, whole } = parseHtml(`${'<div>'.repeat(200_000)}x`);
    expect(whole).toBe(false);
    expect(safeHtml(root).html.length).toBeLessThan(40_000);
    expect(parseHtml(`${'<div>'.repeat(150)}x`).whole).toBe(true);
  });

  it.each(htmlAttacks)('of %j holds nothing but what is on the list', (attack) => {
    const { html } = safe(attack);
    expect(html.replace(TAG, '')).not.toMatch(/[<>]/);
    for (const [, , tag, attributes] of html.matchAll(TAG)) {
      expect(KEPT).toContain(tag);
      for (const [name, value] of attributesOf(attributes!)) {
        expect([
          ...Object.keys({ ...ATTRIBUTES['*'], ...ATTRIBUTES[tag!] }),
          'style',
          'href',
          'target',
          'rel',
          'src',
          'data-src',
          'alt',
        ]).toContain(name);
        if (name === 'src') expect(value).toMatch(/^(?:cid:|data:image\/(?:png|gif|jpe?g|webp);base64,)/);
        if (name === 'href') expect(value).toMatch(/^(?:https?:\/\/|mailto:|tel:)/);
        if (name === 'style') expect(value).not.toMatch(/url|expression|import|@|\\|var|position|behavior|binding/i);
        if (value.includes(TRACKER)) expect(['data-src', 'alt', 'href']).toContain(name);
      }
    }
  });

  it('is the same when it is made safe again', () => {
    const twice = htmlAttacks.map((attack) => safe(attack).html).map((html) => [safe(html).html, html]);
    for (const [again, once] of twice) expect(again).toBe(once);
  }); // prettier-ignore

  it('keeps what people format with', () => {
    const html =
      '<p style="color:#1f3864;margin:0 0 10px;font-family:Arial, sans-serif"><b>Bold</b> <i>words</i>, <a href="https://shop.example/?a=1&amp;b=2">a link</a><br>and more</p><ul><li>one</li></ul><table border="1"><tr><td colspan="2" bgcolor="#eee">cell</td></tr></table>';
    const { html: written, changed } = safe(html);
    expect(changed).toBe(false);
    expect(written).toContain(
      '<p style="color:#1f3864;margin:0 0 10px;font-family:Arial, sans-serif"><b>Bold</b> <i>words</i>',
    );
    expect(written).toContain(
      '<a href="https://shop.example/?a=1&amp;b=2" target="_blank" rel="noopener noreferrer nofollow">a link</a>',
    );
    expect(written).toContain(
      '<td colspan="2" bgcolor="#eee">cell</td>'.replace(' colspan="2" bgcolor="#eee"', ' bgcolor="#eee" colspan="2"'),
    );
  });

  it('holds remote images back and names them', () => {
    const { html, changed } = safe(
      '<img src="https://tracker.example/p.gif?id=1&amp;x=2" alt="Logo" width="20" onload="x()">',
    );
    expect(html).toBe(
      '<img data-src="https://tracker.example/p.gif?id=1&amp;x=2" alt="Logo" width="20">'.replace(
        ' alt="Logo" width="20"',
        ' width="20" alt="Logo"',
      ),
    );
    expect(changed).toBe(true);
  });

  it('keeps images of the mail itself', () => {
    const { html } = safe('<img src="cid:image001.png%4001DB.ABCD"><img src="data:image/png;base64,iVBORw0KGgo=">');
    expect(html).toBe('<img src="cid:image001.png@01DB.ABCD"><img src="data:image/png;base64,iVBORw0KGgo=">');
  });

  it('says whether anything that acts or shows was left out', () => {
    expect(safe('<p>x</p>').changed).toBe(false);
    expect(safe('<style>p{color:red}</style><p class="x">x</p>').changed).toBe(false);
    for (const html of [
      '<script>x()</script>',
      '<p onclick="x()">x</p>',
      '<a href="javascript:x()">x</a>',
      '<form><input></form>',
      '<svg><g/></svg>',
    ])
      expect([html, safe(html).changed]).toEqual([html, true]);
  });

  it.each([
    ['deep', '<div>'.repeat(200_000) + 'x'],
    ['wide', '<b>x</b>'.repeat(150_000)],
    ['unclosed', '<table><tr><td>'.repeat(50_000)],
    ['attributes', `<p ${'a="b" '.repeat(200_000)}>x</p>`],
    ['styles', `<p style="${'color:red;'.repeat(100_000)}">x</p>`],
    ['spaces', `<a href="${' '.repeat(500_000)}">x</a>`],
    ['entities', '&lt;'.repeat(500_000)],
  ])('%s html comes to an end', (_what, html) => {
    expect(safe(html).html.length).toBeLessThan(html.length * 2 + 1_000);
  });
});

describe('the patterns of values', () => {
  const patterns = [...Object.values(ATTRIBUTES).flatMap((rules) => Object.values(rules)), ...STYLES.flat()];
  const hostile = ['a', '1', '1.', ' ', '#f', '(', 'rgb(1,', 'solid ', '1px ', '-', "a'", '%', '.1'].flatMap((unit) => [`${unit.repeat(100)}!`, `x${unit.repeat(100)}\\`]); // prettier-ignore

  it('come to an end, whatever is tried', () => {
    expect(hostile.filter((text) => patterns.some((pattern) => pattern.test(text)))).toEqual([]);
  });

  it.each(['1px solid #ccc', 'none', 'solid windowtext 1.0pt', '1px solid rgb(204, 204, 204)'])(
    'of borders know %s',
    (value) => {
      expect(safe(`<p style="border:${value}">x</p>`).html).toBe(`<p style="border:${value}">x</p>`);
    },
  );
});

it('every void element is one that is kept', () => {
  expect([...VOID].filter((tag) => !KEPT.has(tag))).toEqual([]);
});

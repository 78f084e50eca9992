import { expect, it } from '@jest/globals';
import { textOf, document, wiki } from './jira-service-management.text.js';
import { shownWiki } from './testing/wiki.js';

const TEXTS = [
  'plain & simple: a/b, c; d = "e" <f>',
  '*bold* _italic_ -gone- +new+ ^up^ ~down~ ??cited?? {{mono}} {color:red}red{color}',
  '!https://evil.example/pixel.png! [words|https://evil.example] [~accountid:1] @all',
  'C:\\dir\\*.txt \\\\server\\share ends in \\',
  'h1. no heading\n bq. no quote\n# no list\n* nor this\n- nor that\n||no|table|\n----',
  ':) :D ;P (y) (on) &lt;b&gt; &#42; &amp;',
  'see https://shop.example/a_b-c?x=1&y=%20#top (or not)',
  'https://shop.example/{color:red}x!y!',
];

it.each(TEXTS)('shows %j letter by letter as wiki markup', (text) => {
  expect(shownWiki(wiki(text)).replaceAll('\u200b', '')).toBe(text);
});

it('leaves no address with a backslash in it, and none that loads a picture', () => {
  expect(wiki('https://shop.example/a_b-c?x=1#top')).toBe('https://shop.example/a_b-c?x=1#top');
  expect(wiki('!https://evil.example/p.png!')).toBe('\\!https://evil.example/p.png\\!');
});

it.each(TEXTS)('shows %j letter by letter as a document', (text) => {
  expect(textOf(document(text)).replace(/\n$/, '')).toBe(text);
});

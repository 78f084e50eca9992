import { describe, expect, it } from '@jest/globals';
import { MalformedRequest } from '#transport';
import { withEmoji } from './emoji.js';
import { parseJson, readJson } from './json.js';
import { readXml } from './xml.js';

describe('XML', () => {
  const read = (inner: string): object => ({ ...readXml(`<xml>${inner}</xml>`) });

  it.each([
    ['<A>1</A><B><![CDATA[<b>&amp;]]></B>', { A: '1', B: '<b>&amp;' }],
    ['<A>a &lt;&#98;&#x1F44B;&quot; &nbsp; &</A>', { A: 'a <b👋" &nbsp; &' }],
    ['<A>x<![CDATA[ ]]]]><![CDATA[> ]]>y</A>', { A: 'x ]]> y' }],
    ['<A></A><B/><C><![CDATA[]]></C>', { A: '', B: '', C: '' }],
    ['<Id>6054768590064713728</Id>', { Id: '6054768590064713728' }],
    ['<L><Item><Id>1</Id></Item><Item><Id>2</Id></Item></L>', { L: '', 'L.Item': '', 'L.Item.Id': '1' }],
    ['<A><![CDATA[<!DOCTYPE html><!ENTITY x "y">]]></A>', { A: '<!DOCTYPE html><!ENTITY x "y">' }],
    ['<A>&#1114112;</A>', { A: '\uFFFD' }],
    [
      '<__proto__>1</__proto__><constructor>2</constructor>',
      JSON.parse('{"__proto__":"1","constructor":"2"}') as object,
    ],
  ])('reads %s', (inner, fields) => expect(Object.entries(read(inner)).sort()).toEqual(Object.entries(fields).sort()));

  it('reads what stands around the root', () => {
    expect({ ...readXml('<?xml version="1.0" encoding="UTF-8"?>\n<xml><A>1</A></xml>\n') }).toEqual({ A: '1' });
  });

  it.each([
    ['a document type', '<!DOCTYPE xml [<!ENTITY a "b">]><xml><A>&a;</A></xml>'],
    ['one in other letters', '<!doctype xml><xml></xml>'],
    ['one within', '<xml><!DOCTYPE xml></xml>'],
    ['an entity within', '<xml><!ENTITY a "b"></xml>'],
    ['a comment', '<xml><!-- --></xml>'],
    ['an instruction', '<xml><?php ?></xml>'],
    ['an attribute', '<xml><A b="c">1</A></xml>'],
    ['a name twice', '<xml><FromUserName>a</FromUserName><FromUserName>b</FromUserName></xml>'],
    ['a name twice, once empty', '<xml><FromUserName/><FromUserName>b</FromUserName></xml>'],
    ['tags that cross', '<xml><A><B></A></B></xml>'],
    ['an open end', '<xml><A>1'],
    ['open CDATA', '<xml><A><![CDATA[1</A></xml>'],
    ['two roots', '<xml></xml><xml></xml>'],
    ['a text after the root', '<xml></xml>x'],
    ['another root', '<html></html>'],
    ['too deep a nesting', `<xml>${'<a>'.repeat(9)}${'</a>'.repeat(9)}</xml>`],
    ['a byte order mark within', '<xml>\uFEFF</\uFEFFxml>'],
    ['nothing', ''],
  ])('refuses %s', (_what, text) => expect(() => readXml(text)).toThrow(MalformedRequest));

  it.each([
    ['numeric references', `<xml><A>${'&#65;'.repeat(1_000_000)}</A></xml>`],
    ['opened brackets', `<xml>${'<'.repeat(1_000_000)}`],
    ['opened elements', `<xml>${'<a>'.repeat(300_000)}`],
    ['opened CDATA', `<xml><A>${'<![CDATA['.repeat(200_000)}`],
    ['ampersands', `<xml><A>${'&'.repeat(1_000_000)}</A></xml>`],
    ['spaces', `${' '.repeat(1_000_000)}<`],
  ])('is over with a million %s in one pass', (_what, text) => {
    try {
      readXml(text);
    } catch (error) {
      expect(error).toBeInstanceOf(MalformedRequest);
    }
  });
});

describe('JSON', () => {
  it.each([
    [
      '{"MsgId":6054768590064713728,"n":1.5,"e":1234567890123456e2}',
      { MsgId: '6054768590064713728', n: '1.5', e: '123456789012345600' },
    ],
    ['{"t":"6054768590064713728 \\" 6054768590064713728"}', { t: '6054768590064713728 " 6054768590064713728' }],
    ['{"a":{"b":[{"c":true},null]}}', { 'a.b.0.c': 'true' }],
  ])('reads %s', (text, fields) => expect({ ...readJson(text) }).toEqual(fields));

  it('keeps negative and long integers as digits', () => {
    expect(parseJson('[-6054768590064713728, 999999999999999, -1]')).toEqual([
      '-6054768590064713728',
      999_999_999_999_999,
      -1,
    ]);
  });

  it.each(['', '[]', 'null', '"a"', '{', '{"a":', `${'{"a":'.repeat(9)}1${'}'.repeat(9)}`])('refuses %s', (text) =>
    expect(() => readJson(text)).toThrow(MalformedRequest),
  );

  it.each([
    ['quotes that nothing closes', `{"${'\\"'.repeat(500_000)}`],
    ['digits before a point', `{"a":${'1'.repeat(1_000_000)}.}`],
    ['backslashes', `{"a":"${'\\'.repeat(999_999)}`],
  ])('is over with a million %s in one pass', (_what, text) => expect(() => readJson(text)).toThrow(MalformedRequest));

  it('writes to no prototype', () => {
    const fields = readJson('{"__proto__":{"polluted":"1"},"constructor":"2"}');
    expect(fields['__proto__.polluted']).toBe('1');
    expect('polluted' in {}).toBe(false);
  });
});

describe('faces', () => {
  it.each([
    ['你好/::)', '你好🙂'],
    ['/::-|/::-S/:,@-D/:,@@', '😅🤬😊😵'],
    ["/::'(/:<W>/:&>", '😢🍉☯️'],
    ['[Facepalm] [捂脸] 👋', '[Facepalm] [捂脸] 👋'],
    ['https://a.example/b:c', 'https://a.example/b:c'],
    ['/:unknown', '/:unknown'],
  ])('%s', (text, shown) => expect(withEmoji(text)).toBe(shown));
});

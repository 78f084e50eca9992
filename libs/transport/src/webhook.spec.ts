import { describe, expect, it, jest } from '@jest/globals';
import { jsonBody } from './json-body.js';
import { rawRequest } from './testing/index.js';
import { MalformedRequest, receive, type Verdict } from './webhook.js';

const request = rawRequest({ json: { a: 1 } });

describe('receive', () => {
  it('parses only what verify accepted', () => {
    const parse = jest.fn(() => 'parsed');
    const verdicts: Verdict[] = [
      { kind: 'reject', reason: 'no' },
      { kind: 'challenge', reply: { status: 200 } },
    ];
    for (const verdict of verdicts) expect(receive({ verify: () => verdict, parse }, request, {})).toBe(verdict);
    expect(parse).not.toHaveBeenCalled();
    expect(receive({ verify: () => ({ kind: 'accept' }), parse }, request, {})).toEqual({
      kind: 'parsed',
      parsed: 'parsed',
    });
  });

  it('takes a throwing verify for a reject that does not repeat the message', () => {
    const verify = (): Verdict => {
      throw new TypeError('secret-4711');
    };
    const received = receive({ verify, parse: () => 'parsed' }, request, {});
    expect(received).toEqual({ kind: 'reject', reason: 'verification failed: TypeError' });
  });
});

describe('jsonBody', () => {
  it('reads JSON in UTF-8, with or without a byte order mark', () => {
    expect(jsonBody({ body: Buffer.from('\ufeff{"t":"你好"}') })).toEqual({ t: '你好' });
  });

  it.each(['', '{', 'NaN', '\0'])('finds "%s" malformed', (text) => {
    expect(() => jsonBody({ body: Buffer.from(text) })).toThrow(MalformedRequest);
  });

  it('finds bytes that are no UTF-8 malformed, and pollutes nothing', () => {
    expect(() => jsonBody({ body: Buffer.from('{"a":"\xff"}', 'latin1') })).toThrow(MalformedRequest);
    jsonBody({ body: Buffer.from('{"__proto__":{"polluted":true}}') });
    expect({}).not.toHaveProperty('polluted');
  });
});

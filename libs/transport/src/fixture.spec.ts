import { describe, expect, it } from '@jest/globals';
import { fixtureOfAnswer, fixtureOfCall, redact, type RawExchange } from './index.js';
import { rawRequest } from './testing/index.js';

const json = { 'content-type': 'application/json' };
const exchange = (request: Partial<RawExchange['request']>, response?: Partial<NonNullable<RawExchange['response']>>) =>
  redact(
    {
      ...{ at: 0, durationMs: 1, failure: null },
      request: { method: 'POST', url: 'https://gateway.example/channels/a', headers: {}, body: null, ...request },
      response: response ? { status: 200, headers: {}, body: null, ...response } : null,
    },
    ['path-secret', 'key-4711'],
  );

describe('a fixture of what came in', () => {
  it('is the request as the suite sends it, without signature, texts and the headers of the way', () => {
    const headers = {
      ...json,
      'x-signature': 'abc',
      host: 'gateway.example',
      'user-agent': 'Provider/1',
      'x-event': 'text',
    };
    const body = Buffer.from(JSON.stringify({ id: 'm-1', from: 'u-7', text: 'private words', n: 3, token: 't' }));
    const recorded = fixtureOfCall(
      exchange({ url: 'https://gateway.example/channels/a/deep/er?v=2&sig=xyz', headers, body }),
    );
    expect(recorded).toEqual({
      path: 'deep/er',
      query: { v: '2' },
      headers: { ...json, 'x-event': 'text' },
      json: { id: 'm-1', from: 'u-7', text: '[text: 13 chars]', n: 3, token: '***' },
    });
    expect(JSON.parse(rawRequest(recorded).body.toString())).toMatchObject({ id: 'm-1', text: '[text: 13 chars]' });
  });

  it('has no path where a secret guarded it, and a form where one came', () => {
    const headers = { 'content-type': 'application/x-www-form-urlencoded; charset=utf-8' };
    const body = Buffer.from('From=%2B4915112345678&Body=hello&MediaUrl=a&MediaUrl=b');
    const url = 'https://gateway.example/channels/a/path-secret';
    expect(fixtureOfCall(exchange({ url, headers, body }))).toEqual({
      headers,
      body: 'From=%2B4915112345678&Body=%5Btext%3A+5+chars%5D&MediaUrl=a&MediaUrl=b',
    });
  });

  it('tells how much there was where a body is of no kind that is shown', () => {
    const body = Buffer.from('<xml>private</xml>');
    expect(fixtureOfCall(exchange({ method: 'GET', headers: { 'content-type': 'text/xml' }, body }))).toEqual({
      method: 'GET',
      headers: { 'content-type': 'text/xml' },
      body: '[18 bytes of text/xml]',
    });
  });
});

describe('a fixture of what was answered', () => {
  it('is what the fake provider answers, beside what it was asked', () => {
    const request = {
      url: 'https://api.example/v1/send?to=7',
      headers: { ...json, authorization: 'Bearer key-4711' },
      body: Buffer.from('{"to":"7"}'),
    };
    const response = {
      status: 429,
      headers: { ...json, 'retry-after': '7', date: 'now' },
      body: Buffer.from('{"code":12,"error":"too many of key-4711"}'),
    };
    const fixture = fixtureOfAnswer(exchange(request, response));
    expect(fixture).toEqual({
      request: { method: 'POST', path: '/v1/send', query: { to: '7' }, headers: json, json: { to: '7' } },
      answer: { status: 429, headers: { ...json, 'retry-after': '7' }, body: { code: 12, error: 'too many of ***' } },
    });
  });

  it('is empty where none came', () => {
    expect(fixtureOfAnswer(exchange({ url: 'https://api.example/v1/send' })).answer).toEqual({});
  });
});

import { createHash } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import type { RawRequest } from '#transport';
import fc from 'fast-check';
import { getExpectedTwilioSignature, validateRequest } from 'twilio/lib/webhooks/webhooks.js';
import { rawRequest } from '#transport/testing';
import { signedFields, twilioSignature, verifySignature } from './sms-twilio.signature.js';

/** The vectors that Twilio's own libraries are tested with. */
const form = 'CallSid=CA1234567890ABCDE&Caller=%2B14158675309&Digits=1234&From=%2B14158675309&To=%2B18005551212';
const json = '{"property": "value", "boolean": true}';
const hash = '0a1ff7634d9ab3b95db5c9a2dfe9416e41502b283a80c7cf19632632f96e6620';
const emptyHash = '44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a';
const page = 'https://mycompany.com/myapp.php';

interface Changes {
  readonly body?: string;
  readonly query?: Record<string, string>;
  readonly method?: 'GET' | 'POST';
  readonly tokens?: readonly string[];
}

const verdict = (publicUrl: string, signature: string, { tokens = ['12345'], ...changes }: Changes = {}) => {
  const headers: Record<string, string> = signature ? { 'x-twilio-signature': signature } : {};
  const request: RawRequest = rawRequest({ body: form, query: { foo: '1', bar: '2' }, ...changes, headers });
  return verifySignature(request, { tokens, publicUrl }).kind;
};

describe('the published vectors', () => {
  it.each<[string, string, string, Changes]>([
    ['a form', page, 'RSOYDt4T1cUTdK1PDd93/VVr8B8=', {}],
    [
      'a JSON body',
      page,
      'a9nBmqA0ju/hNViExpshrM61xv4=',
      { body: json, query: { foo: '1', bar: '2', bodySHA256: hash } },
    ],
    [
      'a JSON body without other query',
      page,
      'y77kIzt2vzLz71DgmJGsen2scGs=',
      { body: json, query: { bodySHA256: hash } },
    ],
    [
      'an empty object, signed with the standard port',
      page,
      'Ldidvp12m26NI7eqEvxnEpkd9Hc=',
      { body: '{}', query: { foo: '1', bar: '2', bodySHA256: emptyHash } },
    ],
    ['a port of its own', 'http://mycompany.com:1234/myapp.php', 'Zmvh+3yNM1Phv2jhDCwEM3q5ebU=', {}],
  ])('%s', (...[, url, signature, changes]) => expect(verdict(url, signature, changes)).toBe('accept'));
});

describe('a signature of Twilio', () => {
  const fields = signedFields(Buffer.from(form));
  const sign = (address: string, body = fields) => twilioSignature('12345', address + body);

  it.each([
    ['https://mycompany.com:443/myapp.php?foo=1&bar=2', page],
    ['https://mycompany.com/myapp.php?foo=1&bar=2', page],
    ['http://mycompany.com:80/myapp.php?foo=1&bar=2', 'http://mycompany.com/myapp.php'],
    ['http://mycompany.com/myapp.php?foo=1&bar=2', 'http://mycompany.com:1234/myapp.php'],
    ['https://user:pass@mycompany.com/myapp.php?foo=1&bar=2', 'https://user:pass@mycompany.com/myapp.php'],
  ])('over %s is one for %s', (address, url) => expect(verdict(url, sign(address))).toBe('accept'));

  it.each(["?a=it's+(5)~", "?a=it's%20(5)~", '?a=it%27s%20(5)~', '?a=it%27s+%285%29%7E'])(
    'over the query as %s',
    (query) =>
      expect(verdict(page, sign(page + query), { query: { a: "it's (5)~" } })).toBe(
        query.startsWith("?a=it's+") ? 'reject' : 'accept',
      ),
  );

  it('covers a GET by its address alone', () => {
    const address = `${page}?From=%2B14158675309`;
    const query = { From: '+14158675309' };
    expect(verdict(page, sign(address, ''), { method: 'GET', body: '', query })).toBe('accept');
    expect(verdict(page, sign(address, ''), { method: 'GET', body: 'more', query })).toBe('reject');
  });

  it('counts a repeated value once, and sorts', () => {
    expect(signedFields(Buffer.from('b=2&a=z&a=y&a=z'))).toBe('ayazb2');
  });

  it('may be by the secondary token while tokens change', () => {
    const address = `${page}?foo=1&bar=2`;
    expect(verdict(page, sign(address), { tokens: ['new', '12345'] })).toBe('accept');
    expect(verdict(page, sign(address), { tokens: ['new'] })).toBe('reject');
  });

  it.each<[string, Parameters<typeof verdict>]>([
    ['another host', ['https://evil.example/myapp.php', 'RSOYDt4T1cUTdK1PDd93/VVr8B8=']],
    ['another path', ['https://mycompany.com/other.php', 'RSOYDt4T1cUTdK1PDd93/VVr8B8=']],
    ['another scheme', ['http://mycompany.com/myapp.php', 'RSOYDt4T1cUTdK1PDd93/VVr8B8=']],
    ['one field more', [page, 'RSOYDt4T1cUTdK1PDd93/VVr8B8=', { body: `${form}&Z=1` }]],
    ['another query', [page, 'RSOYDt4T1cUTdK1PDd93/VVr8B8=', { query: { foo: '1', bar: '3' } }]],
    [
      'another body than the hash names',
      [page, 'y77kIzt2vzLz71DgmJGsen2scGs=', { body: '{}', query: { bodySHA256: hash } }],
    ],
    ['no signature', [page, '']],
  ])('is none for %s', (_what, given) => expect(verdict(...given)).toBe('reject'));

  it('of an address is not one of a body that nobody hashed', () => {
    const bare = twilioSignature('12345', page);
    expect(createHash('sha256').update(json).digest('hex')).toBe(hash);
    expect(verdict(page, bare, { body: json, query: {} })).toBe('reject');
  });
});

describe('what Twilio’s own library signs', () => {
  const text = fc.string({ unit: 'binary', maxLength: 20 }).filter((value) => value.isWellFormed());
  const fields = fc.dictionary(fc.stringMatching(/^[A-Z][A-Za-z0-9]{0,9}$/), text, { maxKeys: 6 });
  const search = fc
    .stringMatching(/^[a-z]{1,5}=[\w.,;:@!$'()*~+%20/-]{0,20}$/)
    .filter((query) => !/%(?![0-9a-f]{2})/i.test(query));
  const root = fc.constantFrom('https://gw.example', 'http://gw.example:8080', 'https://gw.example:8443');
  const asked = fc.record({ root, search: fc.option(search, { nil: '' }), fields });

  const post = (given: { search: string; fields: Record<string, string> }, signature: string) => ({
    ...rawRequest({ body: new URLSearchParams(given.fields).toString() }),
    ...{ query: new URLSearchParams(given.search), search: given.search, headers: { 'x-twilio-signature': signature } },
  });

  it('is taken, whatever the address, the query and the fields', () => {
    fc.assert(
      fc.property(asked, (given) => {
        const publicUrl = `${given.root}/channels/sms`;
        const url = `${publicUrl}${given.search && `?${given.search}`}`;
        const signature = getExpectedTwilioSignature('12345', url, given.fields);
        expect(validateRequest('12345', signature, url, given.fields)).toBe(true);
        expect(verifySignature(post(given, signature), { tokens: ['12345'], publicUrl }).kind).toBe('accept');
        expect(verifySignature(post(given, signature), { tokens: ['54321'], publicUrl }).kind).toBe('reject');
        const more = post({ ...given, fields: { ...given.fields, Zz: 'x' } }, signature);
        expect(verifySignature(more, { tokens: ['12345'], publicUrl }).kind).toBe('reject');
      }),
      { numRuns: 300 },
    );
  });
});

import { describe, expect, it } from '@jest/globals';
import { secret } from '#normalizer';
import { z } from 'zod';
import { rebase } from './payload.js';
import { redact, secretValues, withoutSecrets, type RawExchange } from './redact.js';

const SECRET = 'canary+secret/4711=';
const BODY = '客户的话 canary-body with words';

function exchange(
  request: Partial<RawExchange['request']>,
  response: Partial<NonNullable<RawExchange['response']>> = {},
): RawExchange {
  return {
    at: 0,
    durationMs: 5,
    request: { method: 'POST', url: 'https://api.example/send', headers: {}, body: null, ...request },
    response: { status: 200, headers: {}, body: null, ...response },
    failure: null,
  };
}
const json = (value: unknown) => Buffer.from(JSON.stringify(value));
const form = { 'content-type': 'application/x-www-form-urlencoded' };

describe('redact', () => {
  const canaries: [string, RawExchange][] = [
    ['authorization', exchange({ headers: { authorization: `Bearer ${SECRET}` } })],
    ['an ordinary header', exchange({ headers: { 'x-app': `id=${SECRET}` } })],
    ['cookies', exchange({ headers: { cookie: SECRET } }, { headers: { 'set-cookie': SECRET } })],
    ['a query parameter', exchange({ url: `https://api.example/?appid=1&app=${encodeURIComponent(SECRET)}` })],
    ['the path', exchange({ url: `https://api.example/bot${encodeURIComponent(SECRET)}/send` })],
    ['user and password of the URL', exchange({ url: `https://user:${encodeURIComponent(SECRET)}@api.example/` })],
    ['a JSON field, a key, and deep inside', exchange({ body: json({ app: [{ [SECRET]: SECRET, x: { y: `a${SECRET}b` } }] }) })],
    ['a form field', exchange({ headers: form, body: Buffer.from(new URLSearchParams({ App: SECRET }).toString()) })],
    ['base64', exchange({ headers: { 'x-basic': Buffer.from(SECRET).toString('base64') } })],
    ['the answer', exchange({}, { body: json({ errmsg: `invalid secret ${SECRET} rid: 1` }) })],
    ['the failure', { ...exchange({}), failure: { code: 'unavailable', message: `cannot reach ${SECRET}` } }],
    ['text in a JSON field', exchange({ body: json({ touser: 'o1', text: { content: BODY } }) })],
    ['text under a name of its own', exchange({ body: json({ whatever: BODY }) })],
    ['text in a form', exchange({ headers: form, body: Buffer.from(new URLSearchParams({ Body: BODY }).toString()) })],
    ['text in the query', exchange({ url: `https://api.example/?q=${encodeURIComponent(BODY)}` })],
    ['text in XML', exchange({ headers: { 'content-type': 'text/xml' }, body: Buffer.from(`<Content>${BODY}</Content>`) })],
    ['text without a type', exchange({ body: Buffer.from(BODY) })],
    ['an answer that repeats it', exchange({ body: json({ text: BODY }) }, { body: json({ body: BODY, errmsg: `bad: ${BODY}` }) })],
    ['a body too large to look into', exchange({ body: json({ text: `${BODY} ${SECRET} `.repeat(5_000) }) })],
  ]; // prettier-ignore

  it.each(canaries)('leaves no canary in %s', (_place, raw) => {
    const shown = JSON.stringify(redact(raw, [SECRET]));
    for (const canary of ['canary', SECRET, encodeURIComponent(SECRET), '客户']) expect(shown).not.toContain(canary);
    expect(decodeURIComponent(shown)).not.toContain('canary');
  });

  it.each(['token', 'access_token', 'appSecret', 'X-Signature', 'api_key', 'Password', 'sig', 'session_key'])(
    'hides whatever is named %s',
    (name) => {
      const raw = exchange({
        url: `https://api.example/?${name}=hide-me`,
        headers: { [name]: 'hide-me' },
        body: json({ [name]: 'hide-me', text: { [name]: 'hide-me' } }),
      });
      const shown = JSON.stringify(redact(raw, []));
      expect(shown).not.toContain('hide-me');
      expect(shown).toContain(name);
    },
  );

  it.each(['first_name', 'last_name', 'nickName', 'ProfileName', 'pushName', 'formatted_name', 'file_name'])(
    'takes the word of a %s for what it is, and not for an id',
    (name) => {
      const shown = redact(exchange({ body: json({ from: { [name]: 'Ada' }, FromUserName: 'oABC' }) }), []);
      expect(shown.request.body).toBe(`{"from":{"${name}":"[text: 3 chars]"},"FromUserName":"oABC"}`);
    },
  );

  it('shows the length of texts, the ids, and why the provider refused', () => {
    const raw = exchange(
      { body: json({ touser: 'oABC', msgtype: 'text', text: { content: 'hi' } }) },
      { status: 400, body: json({ errcode: 40001, errmsg: 'invalid credential, see rid 77' }) },
    );
    const { request, response } = redact(raw, []);
    expect(request.body).toBe('{"touser":"oABC","msgtype":"text","text":{"content":"[text: 2 chars]"}}');
    expect(response?.body).toBe('{"errcode":40001,"errmsg":"invalid credential, see rid 77"}');
  });

  it('hides the signature inside a URL that is a value', () => {
    const raw = exchange({ body: json({ media: 'https://files.example/f/1?sig=hide-me&e=5' }) });
    expect(redact(raw, []).request.body).toBe('{"media":"https://files.example/f/1?sig=***&e=5"}');
  });

  it('is bounded in size and depth, and changes nothing of what it was given', () => {
    const body = json({ list: Array.from({ length: 3_000 }, (_, n) => `id-${n}`) });
    const raw = exchange({ body });
    const before = JSON.stringify(raw);
    expect(redact(raw, []).request.body?.length).toBeLessThan(4_100);
    expect(JSON.stringify(raw)).toBe(before);
    const deep = Buffer.from(`${'{"a":'.repeat(5_000)}1${'}'.repeat(5_000)}`);
    expect(redact(exchange({ body: deep }), []).request.body).toContain('[deeper]');
  });

  it('takes secrets out of a text, the longest first', () => {
    expect(withoutSecrets('a secret-long and secret', ['secret', 'secret-long'])).toBe('a *** and ***');
  });
});

describe('secretValues', () => {
  it('finds every secret of the settings, nested ones included', () => {
    const schema = z.object({
      user: z.string(),
      password: secret(),
      headers: z.record(z.string(), secret()).optional(),
    });
    expect(secretValues(schema, { user: 'u', password: 'p1', headers: { a: 'h1' } })).toEqual(['p1', 'h1']);
  });
});

describe('rebase', () => {
  it('puts another root before a configured address', () => {
    expect(rebase('https://a.example/x?y=1', 'http://127.0.0.1:8/base/')).toBe('http://127.0.0.1:8/base/x?y=1');
    expect(rebase('https://a.example/x', undefined)).toBe('https://a.example/x');
  });
});

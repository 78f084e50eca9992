import { createHash, createHmac } from 'node:crypto';
import { constantTimeEqual, type RawRequest, type Verdict } from '#transport';

const BODY_HASH = 'bodySHA256';

/**
 * Checks `X-Twilio-Signature`: base64 of HMAC-SHA1 over the address that Twilio called and, of a form, all names and values, sorted
 * (https://www.twilio.com/docs/usage/webhooks/webhooks-security). A JSON body is named by its hash in the query (`bodySHA256`), and the address alone is
 * signed. Twilio signs with or without the standard port, and has written the query in several ways: each is tried. `publicUrl` is the
 * configured one, without query.
 */
export function verifySignature(
  request: Pick<RawRequest, 'method' | 'query' | 'search' | 'headers' | 'body'>,
  { tokens, publicUrl }: { tokens: readonly string[]; publicUrl: string },
): Verdict {
  const given = request.headers['x-twilio-signature'] ?? '';
  if (given === '') return { kind: 'reject', reason: 'there is no X-Twilio-Signature' };
  const hash = request.query.get(BODY_HASH);
  if (hash !== null && !constantTimeEqual(hash.toLowerCase(), sha256(request.body)))
    return { kind: 'reject', reason: 'the body has another hash than bodySHA256' };
  const fields = hash === null && request.method === 'POST' ? signedFields(request.body) : '';
  if (hash === null && request.method === 'GET' && request.body.length > 0)
    return { kind: 'reject', reason: 'a GET has a body, which nothing signs' };
  const candidates = addresses(publicUrl, request);
  const genuine = tokens.some((token) =>
    candidates.some((address) => constantTimeEqual(given, twilioSignature(token, address + fields))),
  );
  return genuine ? { kind: 'accept' } : { kind: 'reject', reason: 'X-Twilio-Signature does not match' };
}

/** The signature of an address followed by the sorted fields. */
export function twilioSignature(token: string, signed: string): string {
  return createHmac('sha1', token).update(signed, 'utf8').digest('base64');
}

/** Names and values of a form, sorted by name; of one that comes several times the distinct values, sorted. */
export function signedFields(body: Buffer): string {
  const form = new URLSearchParams(body.toString('utf8'));
  return [...new Set(form.keys())]
    .sort()
    .flatMap((name) => [...new Set(form.getAll(name))].sort().map((value) => name + value))
    .join('');
}

/** Every way in which Twilio may have written the address. */
function addresses(publicUrl: string, request: Pick<RawRequest, 'query' | 'search'>): string[] {
  const { protocol, username, password, hostname, port, pathname } = new URL(publicUrl);
  const user = username && `${username}${password && `:${password}`}@`;
  const hosts = [hostname, `${hostname}:${port || (protocol === 'https:' ? '443' : '80')}`];
  const searches = [...new Set(writings(request))];
  return hosts.flatMap((host) => searches.map((search) => `${protocol}//${user}${host}${pathname}${search}`));
}

/** The query as it came, as forms write it, as URLs are mostly written, and with the quotes that older signers left as they were. */
function writings({ query, search = '' }: Pick<RawRequest, 'query' | 'search'>): string[] {
  if (query.size === 0) return [''];
  const came = new URLSearchParams(search).toString() === query.toString() ? [search] : [];
  const plain = [...query].map(([name, value]) => `${encodeURIComponent(name)}=${encodeURIComponent(value)}`).join('&');
  return [...came, query.toString(), plain.replaceAll("'", '%27'), plain].map((text) => `?${text}`);
}

function sha256(body: Buffer): string {
  return createHash('sha256').update(body).digest('hex');
}

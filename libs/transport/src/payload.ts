import { validateHeaderName, validateHeaderValue } from 'node:http';
import { ProviderFailure } from '#normalizer';
import type { HttpRequest } from './http.js';

/** Where a request goes; throws `config-invalid` for what is no http or https URL. */
export function target(request: HttpRequest): URL {
  const url = parsed(request.url);
  if (url?.protocol !== 'http:' && url?.protocol !== 'https:') {
    throw new ProviderFailure('config-invalid', 'the address is no http or https URL');
  }
  for (const [name, value] of Object.entries(request.query ?? {})) url.searchParams.set(name, value);
  return url;
}

/** Once, not twice as after `URL.canParse`: every delivery comes by here. */
function parsed(text: string): URL | null {
  try {
    return new URL(text);
  } catch {
    return null;
  }
}

/** Headers and bytes of the request. Credentials inside the URL become an `authorization` header. */
export function payload(request: HttpRequest, url: URL): Payload | Promise<Payload> {
  const encoded = encode(request.body);
  return encoded instanceof Promise
    ? encoded.then((body) => withHeaders(request, url, body))
    : withHeaders(request, url, encoded);
}

export type Payload = readonly [headers: Record<string, string>, body: Buffer | undefined];
type Encoded = readonly [type: string | null, body: Buffer | undefined];

function withHeaders(request: HttpRequest, url: URL, [type, body]: Encoded): Payload {
  const headers: Record<string, string> = { 'accept-encoding': 'identity', 'user-agent': 'tributary' };
  if (type) headers['content-type'] = type;
  if (url.username || url.password) {
    const pair = `${decodeURIComponent(url.username)}:${decodeURIComponent(url.password)}`;
    headers.authorization = `Basic ${Buffer.from(pair).toString('base64')}`;
    url.username = url.password = '';
  }
  for (const [name, value] of Object.entries(request.headers ?? {})) {
    try {
      validateHeaderName(name);
      validateHeaderValue(name, value);
    } catch {
      throw new ProviderFailure('config-invalid', 'a header of the request holds characters that no header may hold');
    }
    headers[name.toLowerCase()] = value;
  }
  return [headers, body];
}

/** Only forms, whose encoding may take files in, are encoded by and by. */
function encode(body: unknown): Encoded | Promise<Encoded> {
  if (body === undefined) return [null, undefined];
  if (Buffer.isBuffer(body)) return ['application/octet-stream', body];
  if (typeof body === 'string') return ['text/plain; charset=utf-8', Buffer.from(body)];
  if (body instanceof URLSearchParams || body instanceof FormData) return form(body);
  return ['application/json; charset=utf-8', Buffer.from(JSON.stringify(body))];
}

async function form(body: URLSearchParams | FormData): Promise<Encoded> {
  const encoded = new Response(body);
  return [encoded.headers.get('content-type'), Buffer.from(await encoded.arrayBuffer())];
}

/** A configured URL with the root `base` in place of its own scheme, host and port, where one is given: for proxies and tests. */
export function rebase(url: string, base: string | undefined): string {
  if (!base) return url;
  const { pathname, search } = new URL(url);
  return `${base.replace(/\/+$/, '')}${pathname}${search}`;
}

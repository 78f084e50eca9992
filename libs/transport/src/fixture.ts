import { z } from 'zod';
import type { Exchange } from './redact.js';
import type { RawRequest } from './webhook.js';

/**
 * A request as a fixture file holds it: JSON with `method` (default POST), `path` below the account's address (default empty), `query`,
 * `headers`, and the body as `body` (text as it travels), `json` (written compactly) or `bodyBase64` (any bytes).
 */
export const RecordedRequest = z.strictObject({
  method: z.enum(['GET', 'POST']).optional(),
  path: z.string().optional(),
  query: z.record(z.string(), z.string()).optional(),
  headers: z.record(z.string(), z.string()).optional(),
  body: z.string().optional(),
  json: z.unknown().optional(),
  bodyBase64: z.string().optional(),
});
export type RecordedRequest = Readonly<z.infer<typeof RecordedRequest>>;

/** An answer as a fixture file holds it, with the request that it answers beside it. */
export interface RecordedAnswer {
  readonly request: RecordedBody & { readonly method: string; readonly path: string };
  readonly answer: {
    readonly status?: number;
    readonly headers?: Readonly<Record<string, string>>;
    readonly body?: string | object;
  };
}

type RecordedBody = Pick<RecordedRequest, 'query' | 'headers' | 'body' | 'json'>;

/** Headers of the way, not of what is said. */
const OF_THE_WAY =
  /^(host|connection|keep-alive|content-length|transfer-encoding|accept|accept-.*|user-agent|forwarded|x-forwarded-.*|x-real-ip|via|trace(parent|state)|date|server)$/;
const HIDDEN = '***';

/** What a provider called with, as a fixture of the suite: its signature is gone, since the suite signs anew, and its texts are `[text: N chars]`. */
export function fixtureOfCall({ request }: Exchange): RecordedRequest {
  const { pathname } = new URL(request.url);
  const below = pathname.replace(/^.*?\/channels\/[^/]+\/?/, '').replace(/^(\*\*\*|%2A%2A%2A)\/?/, '');
  return {
    ...(request.method !== 'POST' && { method: request.method as 'GET' }),
    ...(below && { path: below }),
    ...saidBy(request),
  };
}

/** What we asked a provider and what it answered, likewise: `answer` goes into a case of the suite as it is. */
export function fixtureOfAnswer({ request, response }: Exchange): RecordedAnswer {
  const { json, body, headers = {} } = response ? saidBy({ url: request.url, ...response }) : {};
  return {
    request: { method: request.method, path: new URL(request.url).pathname, ...saidBy(request) },
    answer: {
      ...(response && response.status !== 200 && { status: response.status }),
      ...(Object.keys(headers).length > 0 && { headers }),
      ...((json ?? body) !== undefined && { body: (json ?? body) as string | object }),
    },
  };
}

function saidBy({
  url,
  headers,
  body,
}: {
  url: string;
  headers: Readonly<Record<string, string>>;
  body: string | null;
}): RecordedBody {
  const query = [...new URL(url).searchParams].filter(([, value]) => value !== HIDDEN);
  const kept = Object.entries(headers).filter(
    ([name, value]) => value !== HIDDEN && !OF_THE_WAY.test(name.toLowerCase()),
  );
  return {
    ...(query.length > 0 && { query: Object.fromEntries(query) }),
    ...(kept.length > 0 && { headers: Object.fromEntries(kept) }),
    ...(body !== null && bodyOf(body, headers['content-type'] ?? '')),
  };
}

/** Forms are shown as objects; they travel as forms. */
function bodyOf(shown: string, type: string): Pick<RecordedRequest, 'body' | 'json'> {
  try {
    const parsed = JSON.parse(shown) as Record<string, string[]>;
    if (!type.startsWith('application/x-www-form-urlencoded')) return { json: parsed };
    const fields = Object.entries(parsed).flatMap(([name, values]) =>
      values.map((value): [string, string] => [name, value]),
    );
    return { body: new URLSearchParams(fields).toString() };
  } catch {
    return { body: shown };
  }
}

/** A recorded request in the form in which endpoints get it. */
export function rawRequest(recorded: RecordedRequest): RawRequest {
  const headers = Object.entries(recorded.headers ?? {}).map(([name, value]) => [name.toLowerCase(), value] as const);
  return {
    method: recorded.method ?? 'POST',
    subPath: recorded.path ?? '',
    query: new URLSearchParams(recorded.query),
    headers: Object.fromEntries(headers),
    body: bytesOf(recorded),
    remoteAddress: '203.0.113.7',
  };
}

function bytesOf(recorded: RecordedRequest): Buffer {
  if (recorded.bodyBase64 !== undefined) return Buffer.from(recorded.bodyBase64, 'base64');
  return Buffer.from(recorded.body ?? (recorded.json === undefined ? '' : JSON.stringify(recorded.json)));
}

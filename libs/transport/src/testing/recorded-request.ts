import { readFileSync } from 'node:fs';
import type { RawRequest } from '../webhook.js';

/**
 * A request as a fixture file holds it: JSON with `method` (default POST), `path` below the account's address (default empty), `query`,
 * `headers`, and the body as `body` (text as it travels), `json` (written compactly) or `bodyBase64` (any bytes).
 */
export interface RecordedRequest {
  readonly method?: 'GET' | 'POST';
  readonly path?: string;
  readonly query?: Readonly<Record<string, string>>;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
  readonly json?: unknown;
  readonly bodyBase64?: string;
}

/** Reads a fixture: `loadFixture(new URL('./fixtures/text.json', import.meta.url))`. */
export function loadFixture(file: URL): RawRequest {
  return rawRequest(JSON.parse(readFileSync(file, 'utf8')) as RecordedRequest);
}

/** A recorded request in the form in which endpoints get it. */
export function rawRequest(recorded: RecordedRequest): RawRequest {
  const headers = Object.entries(recorded.headers ?? {}).map(([name, value]) => [name.toLowerCase(), value] as const);
  return {
    method: recorded.method ?? 'POST',
    subPath: recorded.path ?? '',
    query: new URLSearchParams(recorded.query),
    headers: Object.fromEntries(headers),
    body: bodyOf(recorded),
    remoteAddress: '203.0.113.7',
  };
}

function bodyOf(recorded: RecordedRequest): Buffer {
  if (recorded.bodyBase64 !== undefined) return Buffer.from(recorded.bodyBase64, 'base64');
  return Buffer.from(recorded.body ?? (recorded.json === undefined ? '' : JSON.stringify(recorded.json)));
}

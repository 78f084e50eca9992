import { readFileSync } from 'node:fs';
import type { RecordedAnswer, RecordedRequest } from '../fixture.js';
import type { RawRequest } from '../webhook.js';
import type { FakeAnswer } from './fake-provider.js';

export type { RecordedAnswer, RecordedRequest };

/** Reads a fixture: `loadFixture(new URL('./fixtures/text.json', import.meta.url))`. */
export function loadFixture(file: URL): RawRequest {
  return rawRequest(JSON.parse(readFileSync(file, 'utf8')) as RecordedRequest);
}

/** Reads the answer of a fixture: `refusals: [{ name, answer: loadAnswer(new URL('./fixtures/busy.json', import.meta.url)), code }]`. */
export function loadAnswer(file: URL): FakeAnswer {
  return (JSON.parse(readFileSync(file, 'utf8')) as RecordedAnswer).answer;
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

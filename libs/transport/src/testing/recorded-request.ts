import { readFileSync } from 'node:fs';
import { rawRequest, type RecordedAnswer, type RecordedRequest } from '../fixture.js';
import type { RawRequest } from '../webhook.js';
import type { FakeAnswer } from './fake-provider.js';

export { rawRequest, type RecordedAnswer, type RecordedRequest };

/** Reads a fixture: `loadFixture(new URL('./fixtures/text.json', import.meta.url))`. */
export function loadFixture(file: URL): RawRequest {
  return rawRequest(JSON.parse(readFileSync(file, 'utf8')) as RecordedRequest);
}

/** Reads the answer of a fixture: `refusals: [{ name, answer: loadAnswer(new URL('./fixtures/busy.json', import.meta.url)), code }]`. */
export function loadAnswer(file: URL): FakeAnswer {
  return (JSON.parse(readFileSync(file, 'utf8')) as RecordedAnswer).answer;
}

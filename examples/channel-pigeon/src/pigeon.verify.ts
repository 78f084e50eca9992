import { createHmac } from 'node:crypto';
import {
  constantTimeEqual,
  jsonBody,
  type RawRequest,
  type Verdict,
  type VerifyContext,
  z,
} from 'tributary/channel-kit';
import type { PigeonConfig } from './pigeon.config.js';

const MOST_AGE_S = 300;
const Hello = z.object({ type: z.literal('hello'), challenge: z.string().max(200) });

/** `Pigeon-Signature`: HMAC-SHA256 over the time, a dot, and the body. The test of the address is answered with its challenge. */
export function verify(request: RawRequest, { config, now }: VerifyContext<PigeonConfig>): Verdict {
  const given = /^t=(\d{1,12}),v1=([0-9a-f]{64})$/.exec(request.headers['pigeon-signature'] ?? '');
  if (!given) return { kind: 'reject', reason: 'there is no Pigeon-Signature' };
  const [, at = '', signature = ''] = given;
  if (Math.abs(now / 1_000 - Number(at)) > MOST_AGE_S) return { kind: 'reject', reason: 'it was signed too long ago' };
  const expected = createHmac('sha256', config.signingSecret).update(`${at}.`).update(request.body).digest('hex');
  if (!constantTimeEqual(expected, signature)) return { kind: 'reject', reason: 'Pigeon-Signature does not match' };
  const challenge = challengeIn(request);
  return challenge === undefined
    ? { kind: 'accept' }
    : { kind: 'challenge', reply: { status: 200, headers: { 'content-type': 'text/plain' }, body: challenge } };
}

function challengeIn(request: RawRequest): string | undefined {
  if (!request.body.includes('"hello"')) return undefined;
  try {
    return Hello.safeParse(jsonBody(request)).data?.challenge;
  } catch {
    return undefined;
  }
}

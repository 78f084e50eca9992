import { createHmac } from 'node:crypto';
import { constantTimeEqual, type RawRequest, type Verdict } from '#transport';
import type { VerifyContext } from '../core/adapter.js';
import type { WhatsappCloudConfig } from './whatsapp-cloud.config.js';

/** `X-Hub-Signature-256`: HMAC-SHA256 of the body (https://developers.facebook.com/docs/graph-api/webhooks/getting-started). A GET is the test of the address. */
export function verify(request: RawRequest, { config }: VerifyContext<WhatsappCloudConfig>): Verdict {
  if (request.method === 'GET') return tested(request.query, config.verifyToken);
  const expected = `sha256=${createHmac('sha256', config.appSecret).update(request.body).digest('hex')}`;
  return constantTimeEqual(expected, request.headers['x-hub-signature-256'] ?? '')
    ? { kind: 'accept' }
    : { kind: 'reject', reason: 'X-Hub-Signature-256 does not match' };
}

function tested(query: URLSearchParams, token: string): Verdict {
  const challenge = query.get('hub.challenge') ?? '';
  if (query.get('hub.mode') !== 'subscribe' || !constantTimeEqual(token, query.get('hub.verify_token') ?? ''))
    return { kind: 'reject', reason: 'the verify token is another' };
  if (!/^[\w-]{1,200}$/.test(challenge)) return { kind: 'reject', reason: 'there is no hub.challenge' };
  return { kind: 'challenge', reply: { status: 200, headers: { 'content-type': 'text/plain' }, body: challenge } };
}

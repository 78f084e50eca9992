import { createHash } from 'node:crypto';
import { fingerprint, type IdempotentRequest } from '#conversations';
import { cleanDeep, parseWith } from '#normalizer';
import { z } from 'zod';
import type { Call, CallingRequest, Endpoint } from './endpoint.js';
import { Refusal } from './problem.js';

const NOTHING = z.object({});
const IdempotencyKey = z.string().regex(/^[\x21-\x7e]{1,255}$/, 'expected 1 to 255 visible ASCII characters');
const Header = z.object({ 'Idempotency-Key': IdempotencyKey });

/** Path, query and body as the endpoint declares them. Throws `InvalidInput`, or `Refusal` where there is no readable body. */
export function readInput(spec: Endpoint, request: CallingRequest): { params: unknown; query: unknown; body: unknown } {
  return {
    params: parseWith(spec.params ?? NOTHING, cleanDeep(request.params)),
    query: parseWith(spec.query ?? NOTHING, cleanDeep({ ...(request.query as object) })),
    body: spec.body ? parseWith(spec.body, cleanDeep(bodyOf(spec, request.body))) : undefined,
  };
}

function bodyOf(spec: Endpoint, body: unknown): unknown {
  if (typeof body === 'string') throw new Refusal('unsupported-media-type', 'send the body as application/json');
  if (body !== undefined) return body;
  if (spec.bodyOptional) return {};
  throw new Refusal('malformed', 'a JSON body is needed, sent as application/json');
}

/** What makes two POSTs the same one; null where the caller did not ask for that. Of the key a hash is kept: it may name a person, and outlives them. */
export function idempotent(
  spec: Endpoint,
  { caller, request }: Pick<Call, 'caller' | 'request'>,
): IdempotentRequest | null {
  const header = request.headers['idempotency-key'];
  if (spec.method !== 'POST' || header === undefined) return null;
  const path = request.url.split('?', 1)[0] ?? '';
  return {
    scope: `${caller.id} ${spec.method} ${path}`,
    key: createHash('sha256')
      .update(parseWith(Header, { 'Idempotency-Key': header })['Idempotency-Key'])
      .digest('hex'),
    fingerprint: fingerprint([spec.method, path, request.query, spec.body ? request.body : null]),
  };
}

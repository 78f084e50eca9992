import { ProviderFailure, type FailureCode } from '#normalizer';

/** wechaty's words for what a puppet has no way to do. */
const UNSUPPORTED = 'Unsupported API';

/** Did the puppet say that it has no way to do this? */
export function isUnsupported(error: unknown): boolean {
  const { code, message = '' } = error as { code?: unknown; message?: string };
  return code === 12 || message.includes(UNSUPPORTED);
}

/** What gRPC's status codes say of puppets behind a wire. Source: grpc.io, "Status codes". */
const CODES: Readonly<Record<number, FailureCode>> = {
  3: 'content-refused', 5: 'recipient-gone', 7: 'unauthorized', 8: 'throttled', 12: 'content-refused', 16: 'unauthorized',
}; // prettier-ignore
const UNCONNECTED = /ECONNREFUSED|ENOTFOUND|EAI_AGAIN|No connection established|not logged in/;

/** Puppets throw what they like: what does not clearly say that nothing was sent has an unknown outcome. Their words are not repeated, since they may name secrets. */
export function failureOf(error: unknown): ProviderFailure {
  if (error instanceof ProviderFailure) return error;
  const { code, message = '' } = error as { code?: unknown; message?: string };
  const providerCode = typeof code === 'number' || typeof code === 'string' ? { providerCode: String(code) } : {};
  const fail = (as: FailureCode, words: string) => new ProviderFailure(as, words, providerCode);
  if (isUnsupported(error)) return fail('content-refused', 'this puppet cannot send that');
  if (UNCONNECTED.test(message) || UNCONNECTED.test(String(code))) return fail('unavailable', 'the puppet is not connected');
  const known = typeof code === 'number' ? CODES[code] : undefined;
  return known ? fail(known, 'the puppet refused') : fail('outcome-unknown', 'the puppet failed while sending');
} // prettier-ignore

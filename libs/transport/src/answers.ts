import { ProviderFailure, type FailureCode } from '#normalizer';
import type { HttpResponse } from './http.js';

/**
 * What a `Retry-After` header asks for, in milliseconds from now: whole seconds, or an HTTP date (RFC 9110, 10.2.3; one that has passed
 * is 0). Anything else is garbage and gives undefined.
 */
export function parseRetryAfter(value: string | undefined, nowMs: number): number | undefined {
  const text = value?.trim() ?? '';
  if (/^\d{1,10}$/.test(text)) return Number(text) * 1_000;
  if (!/^[A-Za-z]{3,9},? .*GMT$/.test(text)) return undefined;
  const at = Date.parse(text);
  return Number.isNaN(at) ? undefined : Math.max(0, at - nowMs);
}

/** `parseRetryAfter` of an answer's header. */
export function retryAfterOf(response: Pick<HttpResponse, 'headers'>, nowMs: number): number | undefined {
  return parseRetryAfter(response.headers['retry-after'], nowMs);
}

/**
 * What an HTTP status that is no success means where the provider documents nothing better. The message names the status only: an
 * answer's body may repeat secrets.
 */
export function statusFailure(response: Pick<HttpResponse, 'status' | 'headers'>, nowMs: number): ProviderFailure {
  const { status } = response;
  return new ProviderFailure(codeOf(status), `the other side answered ${status}`, {
    providerCode: String(status),
    retryAfterMs: retryAfterOf(response, nowMs),
  });
}

function codeOf(status: number): FailureCode {
  if (status === 401 || status === 403 || status === 407) return 'unauthorized';
  if (status === 429) return 'throttled';
  if (status === 408 || status === 425 || status >= 500) return 'unavailable';
  if (status < 400 || status === 404 || status === 405 || status === 410) return 'config-invalid';
  return 'content-refused';
}

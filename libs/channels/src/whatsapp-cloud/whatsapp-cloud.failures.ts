import { ProviderFailure, type FailureCode } from '#normalizer';
import { statusFailure, type HttpResponse } from '#transport';
import { z } from 'zod';

type Known = readonly [code: FailureCode, meaning: string];

/** Codes of the Cloud API (https://developers.facebook.com/docs/whatsapp/cloud-api/support/error-codes) by what they mean here. */
const CODES: Readonly<Record<number, Known>> = {
  1: ['unavailable', 'it failed for a reason that it does not know'],
  2: ['unavailable', 'it is down or overloaded'],
  4: ['throttled', 'the app calls too often'],
  10: ['unauthorized', 'the token lacks a right'],
  33: ['config-invalid', 'the business number is not known'],
  100: ['content-refused', 'it does not take a parameter'],
  190: ['unauthorized', 'the token is not valid any more'],
  368: ['config-invalid', 'the account is blocked for a breach of policy'],
  80007: ['throttled', 'the account sends too often'],
  130429: ['throttled', 'the number sends too fast'],
  130472: ['content-refused', 'the person is in a group that gets no marketing'],
  131000: ['unavailable', 'it failed for a reason that it does not know'],
  131005: ['unauthorized', 'the token lacks a right'],
  131016: ['unavailable', 'a service of it is down'],
  131026: ['recipient-gone', 'the number is not on WhatsApp, or takes no messages of businesses'],
  131031: ['config-invalid', 'the account is locked'],
  131042: ['config-invalid', 'the account has no way to pay'],
  131047: ['window-closed', 'the person wrote more than 24 hours ago'],
  131048: ['throttled', 'too many of its messages were reported'],
  131049: ['content-refused', 'the person gets no more marketing for now'],
  131050: ['opted-out', 'the person does not want marketing'],
  131051: ['content-refused', 'it does not know this type'],
  131052: ['unavailable', 'the file could not be fetched from the person'],
  131053: ['content-refused', 'it could not take the file'],
  131056: ['throttled', 'too many messages to this person'],
  133010: ['config-invalid', 'the number is not registered'],
  133016: ['throttled', 'the number was registered too often'],
};
/** Of one recipient: it holds up no other. */
const PAIR_RATE = 131056;

/** A failure by its code, whatever `status` it came with. Codes from 132000 are of templates; others refuse the message. */
export function failureOf(code: number): { code: FailureCode; providerCode: string; message: string } {
  const template: Known = ['content-refused', 'the template does not take it'];
  const [failure, meaning] =
    (Object.hasOwn(CODES, code) ? CODES[code] : undefined) ??
    (code >= 132_000 && code < 133_000 ? template : ['content-refused', 'it is refused']);
  return { code: failure, providerCode: String(code), message: `WhatsApp ${code}: ${meaning}` };
}

const Refused = z.object({ error: z.object({ code: z.int() }) });

/** What an answer that is no success says; null for one that holds no error. */
export function refusalIn(answer: HttpResponse, now: number): ProviderFailure | null {
  const read = Refused.safeParse(jsonOf(answer));
  if (!read.success) return answer.status === 200 ? null : statusFailure(answer, now);
  const { code, providerCode, message } = failureOf(read.data.error.code);
  const { retryAfterMs } = statusFailure(answer, now);
  return new ProviderFailure(code, message, {
    providerCode,
    ...(retryAfterMs !== undefined && { retryAfterMs }),
    ...(read.data.error.code === PAIR_RATE && { scope: 'item' }),
  });
}

function jsonOf(answer: HttpResponse): unknown {
  try {
    return answer.json();
  } catch {
    return undefined;
  }
}

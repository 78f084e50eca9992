import { ProviderFailure, type FailureCode } from '#normalizer';
import { statusFailure, type HttpResponse } from '#transport';
import { unsure } from '../sms/unsure.js';

/** `here`: it concerns this one message, whatever its code says: others go on. */
type Known = readonly [code: FailureCode, meaning: string, here?: 'item'];

/** Twilio's error codes (https://www.twilio.com/docs/api/errors) by what they mean here. Others go by the HTTP status. */
const CODES: Readonly<Record<number, Known>> = {
  20003: ['unauthorized', 'the account SID or the auth token is refused'],
  20404: ['config-invalid', 'the account is not known'],
  20429: ['throttled', 'too many requests'],
  21211: ['recipient-gone', 'the number is not valid'],
  21212: ['config-invalid', 'the sender is not valid'],
  21408: ['config-invalid', 'sending to this country is not enabled', 'item'],
  21601: ['config-invalid', 'the sender cannot send SMS'],
  21602: ['content-refused', 'the message is empty'],
  21603: ['config-invalid', 'a sender is needed'],
  21604: ['content-refused', 'a recipient is needed'],
  21606: ['config-invalid', 'the sender cannot send to this number', 'item'],
  21608: ['config-invalid', 'a trial account sends to verified numbers only', 'item'],
  21609: ['config-invalid', 'the public address of the gateway is not one that Twilio can call'],
  21610: ['opted-out', 'the recipient replied STOP'],
  21611: ['throttled', "the sender's queue is full"],
  21612: ['recipient-gone', 'the number cannot be reached from this sender'],
  21614: ['recipient-gone', 'the number is no mobile number'],
  21617: ['content-refused', 'the message is too long'],
  21619: ['content-refused', 'the message needs a text or a picture'],
  21620: ['content-refused', 'the address of the picture cannot be used'],
  21623: ['content-refused', 'there are more pictures than an MMS takes'],
  21659: ['config-invalid', 'the sender is no number of this account'],
  21660: ['config-invalid', 'the sender is no number of this account'],
  21703: ['config-invalid', 'the messaging service has no sender'],
  21704: ['config-invalid', 'the messaging service has no number that could send'],
  30001: ['throttled', "the sender's queue overflowed"],
  30002: ['config-invalid', 'the account is suspended'],
  30003: ['unavailable', 'the handset cannot be reached'],
  30004: ['recipient-gone', 'the number is blocked: it takes no such messages'],
  30005: ['recipient-gone', 'the number is not in use'],
  30006: ['recipient-gone', 'the number is a landline, or its carrier cannot be reached'],
  30007: ['content-refused', 'a carrier filtered it'],
  30008: ['unavailable', 'the carrier gives no reason'],
  30010: ['config-invalid', 'the price is above the limit that is set', 'item'],
  30019: ['content-refused', 'the carrier refuses its size'],
  30022: ['throttled', 'the rate of the campaign is used up'],
  30023: ['throttled', 'the daily limit of the brand is used up'],
  30024: ['config-invalid', 'the sender is not provisioned by the carrier', 'item'],
  30032: ['config-invalid', 'the toll-free number is not verified', 'item'],
  30034: ['config-invalid', 'the number is not registered for A2P messages', 'item'],
  30410: ['unavailable', 'the carrier did not answer in time'],
  30450: ['content-refused', 'Twilio holds it for fraud'],
  30453: ['throttled', 'the account sends more than it may'],
};

/** A failure by Twilio's code; undefined for a code that is not known. Holds no word of Twilio's, which may repeat what was sent. */
export function knownFailure(code: number): { code: FailureCode; providerCode: string; message: string } | undefined {
  const known = Object.hasOwn(CODES, code) ? CODES[code] : undefined;
  return known && { code: known[0], providerCode: String(code), message: `Twilio ${code}: ${known[1]}` };
}

/** The failure that a code is of a message just ordered, whether it is known or not. */
export function codeFailure(code: number, otherwise: FailureCode, retryAfterMs?: number): ProviderFailure {
  const { message = `Twilio refused it with code ${code}`, code: meant = otherwise } = knownFailure(code) ?? {};
  const here = Object.hasOwn(CODES, code) ? CODES[code]?.[2] : undefined;
  return new ProviderFailure(meant, message, {
    providerCode: String(code),
    ...(retryAfterMs !== undefined && { retryAfterMs }),
    ...(here && { scope: here }),
  });
}

/** What an answer that is no success says. */
export function refusal(answer: HttpResponse, now: number): ProviderFailure {
  const plain = statusFailure(answer, now);
  const code = codeIn(answer);
  if (answer.status >= 500) return unsure(plain, code === null ? undefined : String(code));
  return code === null ? plain : codeFailure(code, plain.code, plain.retryAfterMs);
}

function codeIn(answer: HttpResponse): number | null {
  try {
    const { code } = answer.json<{ code?: unknown }>();
    return typeof code === 'number' ? code : null;
  } catch {
    return null;
  }
}

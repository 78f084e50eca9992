import { ProviderFailure, type FailureCode } from '#normalizer';
import type { HttpResponse } from '#transport';
import { untilTomorrow } from '../sms/mainland.js';
import { plainFailure } from '../sms/unsure.js';

/** `here`: it concerns this one message, whatever its code says: others go on. */
type Known = readonly [code: FailureCode, meaning: string, here?: 'item'];

/** Codes of the API (https://help.aliyun.com/document_detail/101346.html). Others go by the status, and are refusals where that is 200. */
const CODES: Readonly<Record<string, Known>> = {
  'isv.ACCOUNT_ABNORMAL': ['config-invalid', 'the account is not in order'],
  'isv.ACCOUNT_NOT_EXISTS': ['config-invalid', 'the account does not exist'],
  'isv.AMOUNT_NOT_ENOUGH': ['config-invalid', 'the balance is used up'],
  'isv.BLACK_KEY_CONTROL_LIMIT': ['content-refused', 'a value holds a forbidden word'],
  'isv.CUSTOMER_REFUSED': ['opted-out', 'the recipient refused these messages'],
  'isv.DAY_LIMIT_CONTROL': ['throttled', "the account's limit of the day is reached"],
  'isv.DENY_IP_RANGE': ['config-invalid', 'the gateway calls from outside of mainland China'],
  'isv.DOMESTIC_NUMBER_NOT_SUPPORTED': ['content-refused', 'the template is for numbers abroad'],
  'isv.ERROR_EMPTY_FILE': ['content-refused', 'the template is not complete'],
  'isv.EXTEND_CODE_ERROR': ['config-invalid', 'the extension belongs to another signature'],
  'isv.INVALID_JSON_PARAM': ['content-refused', 'a value is none that the template takes'],
  'isv.INVALID_PARAMETERS': ['content-refused', 'a value is none that the template takes'],
  'isv.MOBILE_COUNT_OVER_LIMIT': ['content-refused', 'there are too many recipients'],
  'isv.MOBILE_NUMBER_ILLEGAL': ['recipient-gone', 'the number is not valid'],
  'isv.MONTH_LIMIT_CONTROL': ['config-invalid', "the account's limit of the month is reached"],
  'isv.OUT_OF_SERVICE': ['config-invalid', 'the service is stopped: pay the account'],
  'isv.PARAM_LENGTH_LIMIT': ['content-refused', 'a value is longer than the template takes'],
  'isv.PARAM_NOT_SUPPORT_URL': ['content-refused', 'a value holds a web address'],
  'isv.PRODUCT_UNSUBSCRIBE': ['config-invalid', 'the service is not opened'],
  'isv.PRODUCT_UN_SUBSCRIPT': ['config-invalid', 'the service is not opened'],
  'isv.SIGN_STATE_ILLEGAL': ['config-invalid', 'the signature is not usable'],
  'isv.SMS_CONTENT_ILLEGAL': ['content-refused', 'the content is forbidden'],
  'isv.SMS_SIGNATURE_ILLEGAL': ['config-invalid', 'the signature does not exist or is not approved'],
  'isv.SMS_SIGNATURE_SCENE_ILLEGAL': ['content-refused', 'the signature is not for this kind of template'],
  'isv.SMS_SIGN_ILLEGAL': ['config-invalid', 'the signature is forbidden'],
  'isv.SMS_TEMPLATE_ILLEGAL': ['content-refused', 'the template does not exist or is not approved'],
  'isv.TEMPLATE_MISSING_PARAMETERS': ['content-refused', 'the template needs further values'],
  'isv.TEMPLATE_PARAMS_ILLEGAL': ['content-refused', 'a value is none that the template takes'],
  'isp.RAM_PERMISSION_DENY': ['unauthorized', 'the RAM user may not send SMS'],
  'isp.SYSTEM_ERROR': ['unavailable', 'the provider failed'],
  INVALID_SENDERID: ['config-invalid', 'the sender abroad is not approved', 'item'],
  InvalidTimeStamp: ['unavailable', "the gateway's clock is wrong"],
  SignatureNonceUsed: ['unavailable', 'the request was a repetition'],
  IncompleteSignature: ['unauthorized', 'the signature of the request is refused'],
  SignatureDoesNotMatch: ['unauthorized', 'the AccessKey secret is refused'],
};
const BY_PREFIX: readonly (readonly [string, FailureCode])[] = [
  ['InvalidAccessKeyId', 'unauthorized'],
  ['Forbidden', 'unauthorized'],
  ['NoPermission', 'unauthorized'],
  ['Throttling', 'throttled'],
  ['ServiceUnavailable', 'unavailable'],
  ['InternalError', 'outcome-unknown'],
];

/** Codes of delivery reports (https://help.aliyun.com/document_detail/101347.html) and of operators that say more than "not delivered". */
const REPORTS: readonly (readonly [RegExp, FailureCode, string])[] = [
  [/(?:SIGN|TEMPLATE|CONTENT)\w*BLACK|BLACK_?KEY/i, 'content-refused', 'an operator refused it'],
  [/BLACK|COMPLAIN|CUSTOMER_REFUSED|USER_REJECT|UNSUBSCRI/i, 'opted-out', 'the recipient is on a block list'],
  [
    /NOT_EXIST|NULL_NUMBER|MOBILE_NUMBER_ILLEGAL|^MK:0*1$|^UNKNOWN_SUBSCRIBER/i,
    'recipient-gone',
    'the number is not in use',
  ],
  [/NOT_BY_INTER/i, 'recipient-gone', 'the number takes no messages from abroad'],
  [/SEND_LIMIT/i, 'throttled', 'this number has had as many messages as it may be sent'],
  [/KEY_?WORD|CONTENT|REJECT|SPAM|SIGN|TEMPLATE/i, 'content-refused', 'an operator refused it'],
  [
    /EXPIRED|UNDELIV|NOT_ON_SERVICE|SHUTDOWN|POWER|TIMEOUT|INVALID_NUMBER|ACCOUNT_ABNORMAL|TERMINAL_ERROR|IS_CLOSE|NO_ROUTE|REQUEST_SUCCESS|SP_UNKNOWN/i,
    'unavailable',
    'the handset could not be reached',
  ],
];

/** What the provider said, and when. */
export interface Said {
  readonly code: string | undefined;
  readonly words?: string | undefined;
  /** Milliseconds since the epoch. */
  readonly now: number;
}

/** Throws what an answer says, unless it says OK. Words of the provider are left out: they may repeat what was sent. */
export function demandOk(answer: HttpResponse, { code, words = '', now }: Said): void {
  if (answer.status === 200 && code === 'OK') return;
  if (code === undefined || code === 'OK') {
    if (answer.status === 200) throw new ProviderFailure('reply-unreadable', 'the answer has no code');
    throw plainFailure(answer, now);
  }
  throw failureOf(answer, { code, words, now });
}

function failureOf(
  answer: HttpResponse,
  { code, words, now }: Required<Said> & { code: string; words: string },
): ProviderFailure {
  const providerCode = code.slice(0, 100);
  if (code === 'isv.BUSINESS_LIMIT_CONTROL')
    return new ProviderFailure('throttled', 'this number has had as many messages as the signature may send it', {
      ...{ providerCode, scope: 'item', retryAfterMs: limitOver(words, now) },
    });
  const known = Object.hasOwn(CODES, code) ? CODES[code] : undefined;
  const plain = plainFailure(answer, now);
  const byStatus = answer.status === 200 ? 'content-refused' : plain.code;
  const meant = known?.[0] ?? BY_PREFIX.find(([prefix]) => code.startsWith(prefix))?.[1] ?? byStatus;
  const retryAfterMs = code === 'isv.DAY_LIMIT_CONTROL' ? untilTomorrow(now) : plain.retryAfterMs;
  return new ProviderFailure(meant, `Alibaba Cloud: ${known?.[1] ?? 'it was refused'}`, {
    providerCode,
    ...(retryAfterMs !== undefined && { retryAfterMs }),
    ...(known?.[2] && { scope: known[2] }),
  });
}

/** The limits of one number are of a minute, an hour and a day; the words say which (`触发分钟级流控Permits:1`). */
function limitOver(words: string, now: number): number {
  if (words.includes('天级')) return untilTomorrow(now);
  return words.includes('小时级') ? 3_600_000 : 60_000;
}

/** Why a message was not delivered, by the code of its report. */
export function reportFailure(code: string): { code: FailureCode; providerCode?: string; message: string } {
  const known = REPORTS.find(([pattern]) => pattern.test(code));
  const providerCode = code.slice(0, 100);
  return {
    code: known?.[1] ?? 'content-refused',
    ...(providerCode && { providerCode }),
    message: `Alibaba Cloud: ${known?.[2] ?? 'it was not delivered'}`,
  };
}

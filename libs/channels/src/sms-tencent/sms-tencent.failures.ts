import { ProviderFailure, type FailureCode } from '#normalizer';
import { untilTomorrow } from '../sms/mainland.js';
import { quietFor } from '../sms/quiet-hours.js';

type Known = readonly [code: FailureCode, meaning: string];

/** Codes of the API (https://cloud.tencent.com/document/api/382/59177), the longest that fits first. */
const CODES: readonly (readonly [string, ...Known])[] = [
  ['FailedOperation.ContainSensitiveWord', 'content-refused', 'a word is forbidden'],
  ['FailedOperation.InsufficientBalanceInSmsPackage', 'config-invalid', 'the package is used up'],
  ['FailedOperation.MissingSignature', 'config-invalid', 'the application has no signature'],
  ['FailedOperation.PhoneNumberInBlacklist', 'opted-out', 'the recipient refused these messages'],
  ['FailedOperation.PhoneNumberParseFail', 'recipient-gone', 'the number is not valid'],
  ['FailedOperation.SignatureIncorrectOrUnapproved', 'config-invalid', 'the signature is not approved'],
  ['FailedOperation.Template', 'content-refused', 'the template is not approved, or takes other values'],
  ['FailedOperation', 'content-refused', 'it was refused'],
  ['InternalError.RequestTimeException', 'unavailable', "the gateway's clock is wrong"],
  ['InternalError.SigFieldMissing', 'unauthorized', 'the request is not signed'],
  ['InternalError.SigVerificationFail', 'unauthorized', 'the signature of the request is refused'],
  ['InternalError.Timeout', 'outcome-unknown', 'the operator did not answer'],
  ['InternalError', 'outcome-unknown', 'the provider failed: it may have taken the message'],
  ['InvalidParameterValue.IncorrectPhoneNumber', 'recipient-gone', 'the number is not valid'],
  ['InvalidParameterValue.SdkAppIdNotExist', 'config-invalid', 'there is no such application'],
  ['InvalidParameterValue.ContentLengthLimit', 'content-refused', 'the message is too long'],
  ['InvalidParameterValue.ProhibitedUseUrlInTemplateParameter', 'content-refused', 'a value holds a web address'],
  ['InvalidParameterValue.TemplateParameter', 'content-refused', 'a value is none that the template takes'],
  ['InvalidParameter', 'content-refused', 'a value is none that the provider takes'],
  ['MissingParameter', 'content-refused', 'a value is missing'],
  ['LimitExceeded.PhoneNumberCountLimit', 'content-refused', 'there are too many recipients'],
  ['LimitExceeded', 'throttled', "the application's limit is reached"],
  ['RequestLimitExceeded', 'throttled', 'too many requests'],
  ['AuthFailure', 'unauthorized', 'the credentials are refused'],
  ['UnauthorizedOperation.IndividualUserMarketingSmsPermissionDeny', 'content-refused', 'private accounts send no advertisements'],
  ['UnauthorizedOperation.RequestIpNotInWhitelist', 'config-invalid', "the gateway's address is not in the list of the application"],
  ['UnauthorizedOperation.RequestPermissionDeny', 'unauthorized', 'the user may not send SMS'],
  ['UnauthorizedOperation.SdkAppIdIsDisabled', 'config-invalid', 'the application is disabled'],
  ['UnauthorizedOperation.SerivceSuspendDueToArrears', 'config-invalid', 'the service is stopped: pay the account'],
  ['UnauthorizedOperation.ServiceSuspendDueToArrears', 'config-invalid', 'the service is stopped: pay the account'],
  ['UnauthorizedOperation.SmsSdkAppIdVerifyFail', 'config-invalid', 'the application belongs to another account'],
  ['UnauthorizedOperation', 'unauthorized', 'the user may not do this'],
  ['UnsupportedOperation', 'content-refused', 'the template is not for this number'],
  ['ResourceInsufficient', 'unavailable', 'the provider is full'],
  ['ResourceUnavailable', 'unavailable', 'the provider is not ready'],
]; // prettier-ignore

/** Limits that concern one number, and when each is over. */
const LIMITS: Readonly<Record<string, (now: number) => number>> = {
  'LimitExceeded.PhoneNumberThirtySecondLimit': () => 30_000,
  'LimitExceeded.PhoneNumberOneHourLimit': () => 3_600_000,
  'LimitExceeded.PhoneNumberDailyLimit': untilTomorrow,
  'LimitExceeded.PhoneNumberSameContentDailyLimit': untilTomorrow,
  'LimitExceeded.DeliveryFrequencyLimit': () => 60_000,
  'FailedOperation.MarketingSendTimeConstraint': (now) =>
    Math.max(60_000, quietFor({ from: '22:00', to: '08:00', timeZone: 'Asia/Shanghai' }, now)),
};

/** Codes of delivery reports (https://cloud.tencent.com/document/product/382/3771) and of operators that say more than "not delivered". */
const REPORTS: readonly (readonly [RegExp, ...Known])[] = [
  [/(?:签名|模板|内容)[^，。]{0,8}黑名单/, 'content-refused', 'an operator refused it'],
  [/BLACK|退订|黑名单/i, 'opted-out', 'the recipient is on a block list'],
  [/^MK:0*1$|空号|不存在/i, 'recipient-gone', 'the number is not in use'],
  [/KEY_?WORD|REJECT|^-106$|关键字|敏感|签名|模板/i, 'content-refused', 'an operator refused it'],
  [/EXPIRED|UNDELIV|^002$|关机|停机|超时|服务区/i, 'unavailable', 'the handset could not be reached'],
];

/** The failure that a code is. Words of the provider are left out: they may repeat what was sent. */
export function failureOf(code: string, now: number): ProviderFailure {
  const providerCode = code.slice(0, 100);
  const over = Object.hasOwn(LIMITS, code) ? LIMITS[code] : undefined;
  if (over)
    return new ProviderFailure('throttled', 'this number has had as many messages as it may be sent now', {
      ...{ providerCode, scope: 'item', retryAfterMs: over(now) },
    });
  const [, meant, why] = CODES.find(([prefix]) => code.startsWith(prefix)) ?? [
    '',
    'content-refused' as const,
    'it was refused',
  ];
  const daily = /^LimitExceeded\.\w*DailyLimit$/.test(code);
  return new ProviderFailure(meant, `Tencent Cloud: ${why}`, {
    providerCode,
    ...(daily && { retryAfterMs: untilTomorrow(now) }),
  });
}

/** Why a message was not delivered, by what its report says. */
export function reportFailure(
  code: string,
  words: string,
): { code: FailureCode; providerCode?: string; message: string } {
  const [, meant, why] = REPORTS.find(([pattern]) => pattern.test(code) || pattern.test(words)) ?? [];
  const providerCode = code.slice(0, 100);
  return {
    code: meant ?? 'content-refused',
    ...(providerCode && { providerCode }),
    message: `Tencent Cloud: ${why ?? 'it was not delivered'}`,
  };
}

import { cleanText } from './clean.js';
import { emailAddress } from './email-address.js';
import type { Handle, Proof } from './handle.js';
import { e164 } from './phone.js';

/** Longest value that is looked at, in UTF-16 units: normalizing is not linear, and no address is longer. */
const MAX_RAW = 1_000;
const MAX_VALUE = 320;
const SCHEME = /^[a-z][a-z0-9-]{0,39}$/;

/** A handle that is none: `expected` says what was wanted. Holds no value, for it is read in logs. */
export class InvalidHandle extends Error {
  override readonly name = 'InvalidHandle';

  constructor(
    readonly scheme: string,
    readonly expected: string,
  ) {
    super(`invalid ${scheme} handle: expected ${expected}`);
  }
}

/** A handle as callers write it: `scope` is empty and `proof` is `channel` where they are left out. */
export interface HandleLike {
  readonly scheme: string;
  readonly scope?: string;
  readonly value: string;
  readonly proof?: Proof;
}

export interface NormalizeOptions {
  /** ISO 3166 country (two letters) of phone numbers that are written without their country code. */
  readonly defaultCountry?: string;
}

/**
 * The one form in which a handle is stored and compared, so that one person has one spelling. `phone` becomes E.164, `email` as
 * `emailAddress` says, every other scheme is trimmed and brought to NFC. Names and short numbers that SMS come from are scheme
 * `sms-sender`, never `phone`. Throws `InvalidHandle`.
 */
export function normalizeHandle(handle: HandleLike, options: NormalizeOptions = {}): Handle {
  const { scheme, proof = 'channel' } = handle;
  if (!SCHEME.test(scheme)) throw new InvalidHandle('(unnamed)', 'a scheme in kebab-case of at most 40 characters');
  if (handle.value.length > MAX_RAW) throw new InvalidHandle(scheme, `at most ${MAX_VALUE} characters`);
  const scope = trimmed(handle.scope ?? '', scheme);
  const value = normalizeValue(scheme, cleanText(handle.value), options);
  if (value === '' || value.length > MAX_VALUE) throw new InvalidHandle(scheme, `1 to ${MAX_VALUE} characters`);
  return { scheme, scope, value, proof };
}

function normalizeValue(scheme: string, value: string, options: NormalizeOptions): string {
  if (scheme === 'phone') {
    const number = e164(value, options.defaultCountry);
    if (number) return number;
    throw new InvalidHandle(
      scheme,
      'a phone number with its country code, such as +8613800138000 (a short code or the name of a sender is scheme sms-sender)',
    );
  }
  if (scheme === 'email') {
    const address = emailAddress(value);
    if (address) return address;
    throw new InvalidHandle(scheme, 'exactly one mail address without a display name, such as li@example.com');
  }
  return value.normalize('NFC').trim();
}

function trimmed(scope: string, scheme: string): string {
  if (scope.length > 200) throw new InvalidHandle(scheme, 'a scope of at most 200 characters');
  return cleanText(scope).normalize('NFC').trim();
}

/**
 * The handle as one string: `phone:+8613800138000`, or with its scope `wechat-openid/wx12:oAbC`. Two handles have the same key only if
 * scheme, scope and value are the same: the scope is percent-encoded, the value is all that follows the first colon.
 */
export function handleKey({ scheme, scope, value }: HandleLike): string {
  return scope ? `${scheme}/${encodeURIComponent(scope.toWellFormed())}:${value}` : `${scheme}:${value}`;
}

/** Reads what `handleKey` wrote, as it stands in `GET /v1/contacts?handle=`. Throws `InvalidHandle`; does not normalize. */
export function parseHandleKey(key: string): { scheme: string; scope: string; value: string } {
  const match = /^([a-z][a-z0-9-]{0,39})(?:\/([^:]+))?:(.+)$/s.exec(key);
  if (!match?.[1] || !match[3]) throw new InvalidHandle('(unnamed)', 'scheme:value or scheme/scope:value');
  try {
    return { scheme: match[1], scope: decodeURIComponent(match[2] ?? ''), value: match[3] };
  } catch {
    throw new InvalidHandle(match[1], 'a percent-encoded scope');
  }
}

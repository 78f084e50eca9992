import type { FailureCode } from 'tributary/channel-kit';

/** The codes of docs/pigeon/README.md by what they mean here. */
const CODES: Readonly<Record<string, readonly [FailureCode, string]>> = {
  'no-such-loft': ['recipient-gone', 'nobody lives there any more'],
  shooed: ['opted-out', 'the loft does not want to hear from you'],
  asleep: ['window-closed', 'the loft wrote more than 24 hours ago'],
  'too-heavy': ['content-refused', 'it is more than a pigeon carries'],
  tired: ['throttled', 'too many at once'],
  'nest-closed': ['config-invalid', 'the account is suspended'],
};

/** What a code says. One that is not known refuses the message: sending it again would not help. */
export function failureOf(code: string): { code: FailureCode; providerCode?: string; message: string } {
  const [known, meaning] = (Object.hasOwn(CODES, code) ? CODES[code] : undefined) ?? [
    'content-refused',
    'it is refused',
  ];
  if (!/^[a-z-]{1,40}$/.test(code)) return { code: known, message: `Pigeon gives no reason: ${meaning}` };
  return { code: known, providerCode: code, message: `Pigeon says ${code}: ${meaning}` };
}

import { parsePhoneNumberFromString, type CountryCode, type PhoneNumber } from 'libphonenumber-js';

/** Numbers seen lately: the same customers write again and again, and parsing costs as much as all other checks together. */
const seen = new Map<string, string | null>();
const MAX_SEEN = 5_000;

/**
 * A phone number in E.164 (`+8613800138000`), or null where the text is none. Takes full-width digits, separators, invisible controls
 * that phones copy along, `tel:` and `00` before the country code; a national number needs `defaultCountry` (ISO 3166, two letters).
 * Only the length is held against the numbering plan, since new ranges are in use before any table knows them. A number with an
 * extension is null: E.164 has no room for it, and without it two desks would be one person.
 */
export function e164(text: string, defaultCountry = ''): string | null {
  const key = `${defaultCountry} ${text}`;
  const known = seen.get(key);
  if (known !== undefined) return known;
  if (seen.size >= MAX_SEEN) seen.clear();
  const number = parse(text, defaultCountry);
  seen.set(key, number);
  return number;
}

function parse(text: string, defaultCountry: string): string | null {
  const digits = text
    .normalize('NFKC')
    .replace(/\p{Cf}/gu, '')
    .trim()
    .replace(/^tel:/i, '');
  const number = (digits.startsWith('00') && possible(`+${digits.slice(2)}`)) || possible(digits, defaultCountry);
  return number && !number.ext ? number.number : null;
}

function possible(text: string, defaultCountry = ''): PhoneNumber | undefined {
  const country = defaultCountry ? { defaultCountry: defaultCountry as CountryCode } : {};
  const number = parsePhoneNumberFromString(text, { ...country, extract: false });
  return number?.isPossible() ? number : undefined;
}

/** A number in E.164 as it is dialled at home: digits alone, without country code and trunk prefix. Null where the text is no number. */
export function nationalNumber(number: string): string | null {
  return parsePhoneNumberFromString(number)?.nationalNumber ?? null;
}

/** Is a text, written with its country code or as at home, this number in E.164? */
export function isPhone(text: string, number: string): boolean {
  return e164(text, parsePhoneNumberFromString(number)?.country) === number;
}

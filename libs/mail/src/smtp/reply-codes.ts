import type { Failure, FailureCode } from '#normalizer';

/** Where in the conversation a reply came. */
export type Stage = 'connection' | 'login' | 'sender' | 'recipient' | 'message';

export interface Reply {
  readonly reply: number;
  /** Enhanced status code (RFC 3463), where the server says one. */
  readonly enhanced?: string | undefined;
  readonly text: string;
  readonly stage: Stage;
}

export interface Meaning {
  readonly code: FailureCode;
  readonly meaning: string;
  /** It concerns this mail only. */
  readonly item?: true;
  /** Nothing else goes there either, until the person writes. */
  readonly lasting?: true;
  readonly retryAfterMs?: number;
}

const HOUR_MS = 3_600_000;

const RATE =
  /\brate\b|too (?:many|much|fast)|frequen|throttl|slow down|(?:sending|daily|hourly|message|recipient|connection|submission) (?:user )?(?:sending )?(?:limit|quota)|limit (?:exceeded|reached)/i;
const FULL = /(?:mailbox|quota|storage|disk).{0,30}(?:full|exceed|over)|over.?quota/i;
const LARGE = /too (?:big|large)|(?:message|mail|size).{0,30}(?:size|exceed)/i;
const RELAY = /\brelay/i;
const UNKNOWN_USER =
  /(?:no such|unknown|invalid|not a valid) (?:user|mailbox|recipient|address)|(?:user|mailbox|recipient|address|account) (?:\S{1,64} )?(?:not found|unknown|does(?: not|n't) exist|unavailable|disabled|rejected: (?:user|undeliverable))/i;

/** A rule: the first one whose tests all hold says what a reply means. */
interface Rule {
  readonly on?: readonly Stage[];
  readonly replies?: readonly number[];
  /** Class 4 or 5. */
  readonly class?: 4 | 5;
  readonly enhanced?: RegExp;
  readonly says?: RegExp;
  readonly is: Meaning;
}

const GONE: Meaning = { code: 'recipient-gone', meaning: 'there is no such recipient', lasting: true };
/** It may be this mail that is not wanted. */
const SEEMS_GONE: Meaning = { code: 'recipient-gone', meaning: 'there is no such recipient' };
const FULL_BOX: Meaning = { code: 'recipient-gone', meaning: 'the mailbox of the recipient is full' };
const REFUSED_LOGIN: Meaning = { code: 'unauthorized', meaning: 'the login is refused' };
const NOT_SENDER: Meaning = { code: 'unauthorized', meaning: 'the account may not send from this address' };
const TOO_BIG: Meaning = { code: 'content-refused', meaning: 'the mail is larger than the server takes' };
const NO_SUCH_MAIL: Meaning = { code: 'content-refused', meaning: 'the server refuses the mail' };
const SLOWER: Meaning = { code: 'throttled', meaning: 'the account sends more than it may' };
const NOT_YET: Meaning = { code: 'throttled', meaning: 'mail for this recipient is taken later', item: true };
const LATER: Meaning = { code: 'unavailable', meaning: 'the server cannot take it now' };

/** Sources: RFC 5321 section 4.2, RFC 3463, RFC 4954 section 6, RFC 5248; the error lists of Exchange Online, Gmail, NetEase and QQ mail. */
const RULES: readonly Rule[] = [
  { class: 4, on: ['login'], says: RATE, is: SLOWER },
  { class: 4, on: ['login'], is: { code: 'unavailable', meaning: 'the server cannot check the login now' } },
  { replies: [454], on: ['connection'], is: LATER },
  { class: 4, enhanced: /^4\.2\.2$/, is: { ...FULL_BOX, code: 'unavailable' } },
  { class: 4, on: ['recipient'], enhanced: /^4\.(?:7\.\d+|2\.1)$/, is: NOT_YET },
  { class: 4, on: ['recipient'], says: RATE, is: NOT_YET },
  { class: 4, enhanced: /^4\.7\./, is: SLOWER },
  { class: 4, says: RATE, is: SLOWER },
  { replies: [432], is: SLOWER },
  { replies: [421], enhanced: /^$/, is: SLOWER },
  { class: 4, is: LATER },
  { on: ['login'], replies: [504], is: { code: 'config-invalid', meaning: 'the server knows no way to log in that we know' } },
  { on: ['login'], is: REFUSED_LOGIN },
  { replies: [530, 534, 535, 538], is: REFUSED_LOGIN },
  { enhanced: /^5\.(?:4\.5|1\.90)$/, is: { ...SLOWER, retryAfterMs: HOUR_MS, meaning: 'the account has sent what it may for now' } },
  { enhanced: /^5\.(?:3\.4|2\.3)$/, is: TOO_BIG },
  { on: ['connection'], is: LATER },
  { enhanced: /^5\.(?:1\.[78]|7\.60|2\.252)$/, is: NOT_SENDER },
  { on: ['sender'], replies: [552], is: TOO_BIG },
  { on: ['sender'], says: RATE, is: SLOWER },
  { on: ['sender'], enhanced: /^5\.6\./, is: NO_SUCH_MAIL },
  { on: ['sender'], replies: [555], is: NO_SUCH_MAIL },
  { on: ['sender'], is: NOT_SENDER },
  { enhanced: /^5\.2\.2$/, is: FULL_BOX },
  { enhanced: /^5\.(?:1\.\d+|2\.1|4\.[14])$/, is: GONE },
  { on: ['recipient'], says: RELAY, is: { code: 'unauthorized', meaning: 'the server passes nothing on for this account' } },
  { says: FULL, is: FULL_BOX },
  { on: ['message'], says: LARGE, is: TOO_BIG },
  { says: RATE, is: SLOWER },
  { on: ['recipient'], enhanced: /^5\.7\./, is: { code: 'content-refused', meaning: 'the side of the recipient refuses mail from here' } },
  { on: ['recipient'], says: UNKNOWN_USER, is: GONE },
  { on: ['recipient'], enhanced: /^$/, replies: [550, 551, 553], is: SEEMS_GONE },
  { on: ['recipient'], replies: [501], is: SEEMS_GONE },
  { on: ['message'], replies: [552], is: TOO_BIG },
  { enhanced: /^5\.7\./, is: { code: 'content-refused', meaning: 'the mail is refused by a policy, or taken for spam' } },
  { is: NO_SUCH_MAIL },
]; // prettier-ignore

/** What a reply that is no success means. A reply that the step does not know (2xx where it asks for another) is no answer to it. */
export function meaningOf(reply: Reply): Meaning {
  const { reply: code } = reply;
  if (code < 400 || code > 599)
    return { code: 'unavailable', meaning: 'the server answers something else than it was asked' };
  return RULES.find((rule) => applies(rule, reply))!.is;
}

function applies(rule: Rule, { reply, enhanced = '', text, stage }: Reply): boolean {
  const { on, replies, class: first, says } = rule;
  if (on && !on.includes(stage)) return false;
  if (first && Math.floor(reply / 100) !== first) return false;
  if (replies && !replies.includes(reply)) return false;
  return (!rule.enhanced || rule.enhanced.test(enhanced)) && (!says || says.test(text));
}

/** A failure of delivery by its status, and by the words of the server where that says little. */
export function failureOf(
  status: string,
  diagnostic: string,
): Pick<Failure, 'code' | 'providerCode' | 'message' | 'lasting'> {
  const enhanced = /^[245]\.0\.0$/.test(status) ? '' : status;
  const reply = Number(/\b([45]\d\d)\b/.exec(diagnostic)?.[1] ?? `${status[0] ?? 5}50`);
  const { code, meaning, lasting } = meaningOf({ reply, enhanced, text: diagnostic, stage: 'recipient' });
  const message = `the mail came back: ${meaning}`;
  return { code, ...(status !== '' && { providerCode: status }), message, ...(lasting && { lasting }) };
}

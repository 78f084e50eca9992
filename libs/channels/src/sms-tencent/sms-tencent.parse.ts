import { createHash } from 'node:crypto';
import type { InboundEventInput } from '#normalizer';
import { jsonBody, MalformedRequest, type VerifiedRequest } from '#transport';
import type { ParsedRequest, VerifyContext } from '../core/adapter.js';
import { beijingTime } from '../sms/mainland.js';
import { receivedEvents } from '../sms/received.js';
import type { SmsTencentConfig } from './sms-tencent.config.js';
import { reportFailure } from './sms-tencent.failures.js';

type Item = Readonly<Record<string, unknown>>;
interface Account {
  readonly accountId: string;
  readonly config: SmsTencentConfig;
}

/** Who wrote without a number: nobody. */
const UNKNOWN = 'unknown';
/** What Tencent Cloud wants to hear; anything else it repeats twice. */
const TAKEN = {
  status: 200,
  headers: { 'content-type': 'application/json; charset=utf-8' },
  body: '{"result":0,"errmsg":"OK"}',
};

/**
 * Reports, a list (https://cloud.tencent.com/document/api/382/59178), and replies, one at a time (https://cloud.tencent.com/document/api/382/59179).
 * Throws `MalformedRequest`.
 */
export function parse(request: VerifiedRequest, ctx: VerifyContext<SmsTencentConfig>): ParsedRequest {
  const body = jsonBody(request);
  const items = Array.isArray(body) ? body : [body];
  if (!items.every((item) => typeof item === 'object' && item !== null && !Array.isArray(item)))
    throw new MalformedRequest('the body is no JSON object and no list of them');
  return { events: items.flatMap((item) => pushed(item as Item, ctx)), reply: TAKEN };
}

function pushed(item: Item, account: Account): InboundEventInput[] {
  const number = numberOf(text(item['nationcode']), text(item['mobile'])) || UNKNOWN;
  if (item['text'] !== undefined)
    return reply(
      {
        number,
        words: wordsOf(item['text']),
        sign: text(item['sign']),
        extend: text(item['extend']),
        second: Number(item['time']),
      },
      account,
    );
  const occurredAt = beijingTime(item['user_receive_time']);
  const { sid, report_status: status, errmsg, description, ext } = item;
  return report({
    serial: text(sid),
    session: text(ext),
    status: text(status),
    code: text(errmsg),
    words: text(description),
    occurredAt,
  });
}

/** The same as it is pulled (https://cloud.tencent.com/document/product/382/55977). */
export function pulledReport(item: Item): InboundEventInput[] {
  const { SerialNo, SessionContext, ReportStatus, Description, UserReceiveTime } = item;
  const code = text(Description);
  const occurredAt = secondsToTime(Number(UserReceiveTime));
  return report({
    serial: text(SerialNo),
    session: text(SessionContext),
    status: text(ReportStatus),
    code,
    words: code,
    occurredAt,
  });
}

/** The same as it is pulled (https://cloud.tencent.com/document/product/382/55976). */
export function pulledReply(item: Item, account: Account): InboundEventInput[] {
  const { PhoneNumber, ReplyContent, Sign, ExtendCode, ReplyUnixTime } = item;
  const number = text(PhoneNumber) || UNKNOWN;
  return reply(
    { number, words: wordsOf(ReplyContent), sign: text(Sign), extend: text(ExtendCode), second: Number(ReplyUnixTime) },
    account,
  );
}

interface Reply {
  readonly number: string;
  readonly words: string;
  readonly sign: string;
  readonly extend: string;
  readonly second: number;
}

/** Tencent Cloud gives replies no id: who wrote what to which signature in which second is one. */
function reply({ number, words, sign, extend, second }: Reply, { accountId, config }: Account): InboundEventInput[] {
  const whole = JSON.stringify([number, sign, extend, second, words]);
  const key = `${number}:${second}:${createHash('sha256').update(whole).digest('hex').slice(0, 32)}`;
  const occurredAt = secondsToTime(second);
  return receivedEvents(
    { key, from: number, text: words, externalIds: [key], ...(occurredAt !== undefined && { occurredAt }) },
    { accountId, digits: 'international', consent: config.consent },
  );
}

interface Report {
  readonly serial: string;
  readonly session: string;
  readonly status: string;
  readonly code: string;
  readonly words: string;
  readonly occurredAt: string | undefined;
}

/**
 * We name our unit in every order (`SessionContext`). Reports that name something else are of what others sent with the same application; those that name
 * nothing (the provider passes it on only where that was granted) go by the provider's id.
 */
function report({ serial, session, status, code, words, occurredAt }: Report): InboundEventInput[] {
  const ours = /^unt_\w{1,60}$/.test(session);
  const externalId = ours ? session : serial;
  if ((session !== '' && !ours) || externalId === '' || !['SUCCESS', 'FAIL'].includes(status)) return [];
  const when = occurredAt === undefined ? {} : { occurredAt };
  const dedupeKey = `receipt:${externalId}:${status}`;
  if (status === 'SUCCESS') return [{ kind: 'receipt', dedupeKey, externalId, status: 'delivered', ...when }];
  return [{ kind: 'receipt', dedupeKey, externalId, status: 'failed', failure: reportFailure(code, words), ...when }];
}

/** A number in one piece; a short code has no country. */
function numberOf(country: string, mobile: string): string {
  return /^\d{1,4}$/.test(country) && /^\d{6,}$/.test(mobile) ? `+${country}${mobile}` : mobile;
}

function secondsToTime(second: number): string | undefined {
  return Number.isSafeInteger(second) && second > 0 && second < 8.64e12
    ? new Date(second * 1_000).toISOString()
    : undefined;
}

/** Words in full, also those that JSON has as a number. */
function wordsOf(value: unknown): string {
  return typeof value === 'string' ? value : text(value);
}

function text(value: unknown): string {
  return typeof value === 'string' ? value.slice(0, 120) : typeof value === 'number' ? String(value) : '';
}

import type { InboundEventInput } from '#normalizer';
import { jsonBody, MalformedRequest, type VerifiedRequest } from '#transport';
import type { ParsedRequest, VerifyContext } from '../core/adapter.js';
import { beijingTime } from '../sms/mainland.js';
import { receivedEvents } from '../sms/received.js';
import type { SmsAliyunConfig } from './sms-aliyun.config.js';
import { reportFailure } from './sms-aliyun.failures.js';

type Item = Readonly<Record<string, unknown>>;
interface Account {
  readonly accountId: string;
  readonly config: SmsAliyunConfig;
}

/** What Alibaba Cloud wants to hear; anything else it repeats after 1, 5 and 10 minutes. */
const TAKEN = {
  status: 200,
  headers: { 'content-type': 'application/json; charset=utf-8' },
  body: '{"code":0,"msg":"接收成功"}',
};

/** Replies (SmsUp) and delivery reports (SmsReport), in batches: https://help.aliyun.com/document_detail/101867.html. Throws `MalformedRequest`. */
export function parse(request: VerifiedRequest, ctx: VerifyContext<SmsAliyunConfig>): ParsedRequest {
  const body = jsonBody(request);
  const items = Array.isArray(body) ? body : [body];
  if (!items.every((item) => typeof item === 'object' && item !== null && !Array.isArray(item)))
    throw new MalformedRequest('the body is no list of JSON objects');
  return { events: items.flatMap((item) => eventsOf(item as Item, ctx)), reply: TAKEN };
}

/** What one item says, pushed or pulled. What tells of signatures and templates under review is for nobody here. */
export function eventsOf(item: Item, account: Account): InboundEventInput[] {
  if (item['content'] !== undefined) return reply(item, account);
  if (typeof item['success'] === 'boolean') return report(item);
  return item['MessageId'] !== undefined && item['Status'] !== undefined ? reportFromAbroad(item) : [];
}

function reply(item: Item, { accountId, config }: Account): InboundEventInput[] {
  const from = text(item['phone_number']) || 'unknown';
  const { content } = item;
  const sentAt = text(item['send_time']);
  // A sequence is a number that JSON may round: the time tells apart what looks the same.
  const key = [text(item['sequence_id']) || text(item['dest_code']), from, sentAt].join(':');
  const occurredAt = beijingTime(sentAt);
  return receivedEvents(
    {
      ...{ key, from, text: typeof content === 'string' ? content : text(content), externalIds: [key] },
      ...(occurredAt !== undefined && { occurredAt }),
    },
    { accountId, digits: 'international', consent: config.consent },
  );
}

/** We name our unit in every order (`OutId`): reports of what others sent with the same account are not ours. */
function report(item: Item): InboundEventInput[] {
  const unit = text(item['out_id']);
  if (!/^unt_\w{1,60}$/.test(unit)) return [];
  const occurredAt = beijingTime(item['report_time']);
  const base = { kind: 'receipt', externalId: unit, ...(occurredAt !== undefined && { occurredAt }) } as const;
  return item['success'] === true
    ? [{ ...base, dedupeKey: `receipt:${unit}:delivered`, status: 'delivered' }]
    : [
        {
          ...base,
          dedupeKey: `receipt:${unit}:failed`,
          status: 'failed',
          failure: reportFailure(text(item['err_code'])),
        },
      ];
}

/** Reports from abroad name the provider's id: 1 is delivered, 2 failed, 6 expired. */
function reportFromAbroad(item: Item): InboundEventInput[] {
  const id = text(item['MessageId']);
  const status = text(item['Status']);
  if (id === '' || !['1', '2', '6'].includes(status)) return [];
  const at = Date.parse(text(item['ReceiveDate']));
  const base = {
    kind: 'receipt',
    dedupeKey: `receipt:${id}:${status}`,
    externalId: id,
    ...(!Number.isNaN(at) && { occurredAt: new Date(at).toISOString() }),
  } as const;
  if (status === '1') return [{ ...base, status: 'delivered' }];
  const failure = reportFailure(status === '6' ? 'EXPIRED' : text(item['ErrorCode']));
  return [{ ...base, status: 'failed', failure }];
}

function text(value: unknown): string {
  return typeof value === 'string' ? value.slice(0, 120) : typeof value === 'number' ? String(value) : '';
}

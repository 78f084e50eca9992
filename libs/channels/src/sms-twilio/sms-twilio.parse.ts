import type { InboundEventInput, MediaKind, PartInput } from '#normalizer';
import { jsonBody, MalformedRequest, type VerifiedRequest } from '#transport';
import type { ParsedRequest, VerifyContext } from '../core/adapter.js';
import { receivedEvents } from '../sms/received.js';
import type { SmsTwilioConfig } from './sms-twilio.config.js';
import { knownFailure } from './sms-twilio.failures.js';
import { UNIT } from './sms-twilio.send.js';

type Fields = ReadonlyMap<string, string>;
type Context = VerifyContext<SmsTwilioConfig>;

/** Answers nothing to the sender (https://www.twilio.com/docs/messaging/twiml). */
const NOTHING = {
  status: 200,
  headers: { 'content-type': 'text/xml; charset=utf-8' },
  body: '<?xml version="1.0" encoding="UTF-8"?><Response/>',
};
const MOST_MEDIA = 10;

/**
 * A message (https://www.twilio.com/docs/messaging/guides/webhook-request), or what became of one of ours
 * (https://www.twilio.com/docs/messaging/guides/track-outbound-message-status): by form, by query or by JSON. Throws `MalformedRequest`.
 */
export function parse(request: VerifiedRequest, ctx: Context): ParsedRequest {
  const fields = fieldsOf(request);
  const id = fields.get('MessageSid') ?? fields.get('SmsSid') ?? fields.get('SmsMessageSid') ?? '';
  if (!/^[\w-]{1,64}$/.test(id)) throw new MalformedRequest('there is no MessageSid');
  const status = fields.get('MessageStatus') ?? fields.get('SmsStatus') ?? 'received';
  const incoming = status === 'received' || status === 'receiving';
  const unit = request.query.get(UNIT) ?? '';
  const named = { id, externalId: /^unt_\w{1,60}$/.test(unit) ? unit : id };
  return { events: incoming ? message(id, fields, ctx) : receipt(named, status, fields), reply: NOTHING };
}

function fieldsOf(request: VerifiedRequest): Fields {
  if (request.method === 'GET') return new Map(request.query);
  if (!request.query.has('bodySHA256')) return new Map(new URLSearchParams(request.body.toString('utf8')));
  const body = jsonBody(request);
  if (typeof body !== 'object' || body === null || Array.isArray(body))
    throw new MalformedRequest('the body is no JSON object');
  return new Map(
    Object.entries(body).flatMap(([name, value]) =>
      typeof value === 'string' || typeof value === 'number' ? [[name, String(value)] as const] : [],
    ),
  );
}

function message(id: string, fields: Fields, { accountId, config }: Context): InboundEventInput[] {
  const from = fields.get('From') ?? '';
  if (from.trim() === '') throw new MalformedRequest('there is no From');
  const sms = { key: id, externalIds: [id], from, text: fields.get('Body') ?? '', media: mediaIn(fields) };
  const consent = consentOf(fields.get('OptOutType'));
  return receivedEvents(consent === undefined ? sms : { ...sms, consent }, {
    accountId,
    digits: 'short',
    consent: config.consent,
  });
}

/** Where Advanced Opt-Out is on, Twilio says what it made of the words. */
function consentOf(type: string | undefined): 'opted-out' | 'opted-in' | null | undefined {
  if (type === undefined) return undefined;
  return type === 'STOP' ? 'opted-out' : type === 'START' ? 'opted-in' : null;
}

function mediaIn(fields: Fields): PartInput[] {
  const count = Math.min(Number(fields.get('NumMedia') ?? 0) || 0, MOST_MEDIA);
  return Array.from({ length: count }, (_, i): PartInput => {
    const ref = fields.get(`MediaUrl${i}`) ?? '';
    const mimeType = fields.get(`MediaContentType${i}`) ?? 'application/octet-stream';
    if (ref === '') return { type: 'unsupported', providerType: 'media without an address' };
    return { type: 'media', kind: kindOf(mimeType), ref, mimeType, state: 'pending' };
  });
}

function kindOf(mimeType: string): MediaKind {
  const family = mimeType.split('/')[0] ?? '';
  return family === 'image' || family === 'audio' || family === 'video' ? family : 'file';
}

interface Named {
  readonly id: string;
  readonly externalId: string;
}

/** States on the way to the carrier say nothing that is not known. */
function receipt({ id, externalId }: Named, status: string, fields: Fields): InboundEventInput[] {
  const base = { kind: 'receipt', dedupeKey: `receipt:${id}:${status}`, externalId } as const;
  switch (status) {
    case 'sent':
    case 'delivered':
    case 'read':
      return [{ ...base, status }];
    case 'undelivered':
    case 'failed':
      return [{ ...base, status: 'failed', failure: failureOf(fields.get('ErrorCode')) }];
    case 'canceled':
      return [{ ...base, status: 'failed', failure: { code: 'cancelled', message: 'it was cancelled at Twilio' } }];
    default:
      return [];
  }
}

function failureOf(code: string | undefined) {
  const known = code === undefined ? undefined : knownFailure(Number(code));
  if (known) return known;
  const message = code === undefined ? 'Twilio gives no reason' : `Twilio ${code.slice(0, 20)}`;
  return { code: 'content-refused' as const, ...(code !== undefined && { providerCode: code.slice(0, 20) }), message };
}

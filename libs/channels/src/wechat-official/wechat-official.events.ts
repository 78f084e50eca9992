import type { InboundEventInput, InboundReceipt, Part } from '#normalizer';
import type { Fields } from '../wechat/fields.js';
import { commonOf, messageOf, unsupported } from '../wechat/inbound.js';

/** Scenes of QR codes stand behind this in the key of a `subscribe`. */
const SCENE = 'qrscene_';

/**
 * What an event says. Following and unfollowing are consent, results of templates and notices are receipts. A tap on the menu of the
 * account is a choice, a page that was opened a link, a place that the phone told a location; the rest is kept as `unsupported` with its
 * name and key. All of these are `automated`: nobody wrote them, and they open no reply window (a tap on the menu allows 3 messages
 * within one minute). WeChat writes names of events in mixed case. Source: "接收事件推送", developers.weixin.qq.com.
 */
export function eventOf(fields: Fields, appId: string): InboundEventInput {
  const { Event: event = '', EventKey: key = '' } = fields;
  const automated = (part: Part) => messageOf(fields, appId, { parts: [part], automated: true });
  switch (event.toLowerCase()) {
    case 'subscribe':
      return { kind: 'opted-in', ...commonOf(fields, appId), reason: sceneOf(key) };
    case 'unsubscribe':
      return { kind: 'opted-out', ...commonOf(fields, appId), reason: 'unsubscribed' };
    case 'click':
      return automated({ type: 'choice', optionId: key, label: key });
    case 'view':
      return automated(/^https?:/.test(key) ? { type: 'link', url: key } : unsupported('event', event, key));
    case 'location':
      return automated({
        type: 'location',
        latitude: Number(fields.Latitude),
        longitude: Number(fields.Longitude),
      });
    case 'templatesendjobfinish':
      return resultOf(fields, appId, fields.Status === 'success' ? null : (fields.Status ?? ''));
    case 'subscribe_msg_sent_event':
      return noticeOf(fields, appId);
    default:
      return automated(unsupported('event', event, key, fields['ScanCodeInfo.ScanResult']));
  }
}

function sceneOf(key: string): string {
  return key.startsWith(SCENE) ? `subscribed by QR code, scene ${key.slice(SCENE.length)}` : 'subscribed';
}

/** XML has the notice as `List`, JSON as the first item of one. */
function noticeOf(fields: Fields, appId: string): InboundEventInput {
  const within = (name: string) =>
    fields[`SubscribeMsgSentEvent.List.${name}`] ?? fields[`SubscribeMsgSentEvent.List.0.${name}`];
  const code = within('ErrorCode');
  const status = `${code ?? ''} ${within('ErrorStatus') ?? ''}`.trim();
  return resultOf({ ...fields, MsgID: within('MsgID') }, appId, code === '0' ? null : status);
}

/** What became of a template or notice: `failed` is WeChat's word for why it did not arrive. */
function resultOf(fields: Fields, appId: string, failed: string | null): InboundEventInput {
  const { MsgID: externalId, Event: event } = fields;
  if (!externalId) return messageOf(fields, appId, { parts: [unsupported('event', event)], automated: true });
  const { dedupeKey, occurredAt } = commonOf(fields, appId);
  return {
    kind: 'receipt',
    dedupeKey,
    externalId,
    status: failed === null ? 'delivered' : 'failed',
    ...(failed !== null && { failure: failureOf(failed) }),
    ...(occurredAt !== undefined && { occurredAt }),
  };
}

function failureOf(status: string): NonNullable<InboundReceipt['failure']> {
  const providerCode = status.slice(0, 100);
  if (/user ?block|refuse|reject/i.test(status))
    return { code: 'opted-out', providerCode, message: 'the recipient takes no messages of the account' };
  if (/freq/i.test(status)) return { code: 'throttled', providerCode, message: 'WeChat was given too many' };
  if (/system/i.test(status)) return { code: 'unavailable', providerCode, message: 'WeChat failed' };
  return { code: 'content-refused', providerCode, message: 'WeChat did not deliver it' };
}

import type { InboundEventInput, Part } from '#normalizer';
import type { Fields } from '../wechat/fields.js';
import { commonOf, messageOf, unsupported } from '../wechat/inbound.js';
import { noticeResult, resultOf } from '../wechat/results.js';

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
      return noticeResult(fields, appId);
    default:
      return automated(unsupported('event', event, key, fields['ScanCodeInfo.ScanResult']));
  }
}

function sceneOf(key: string): string {
  return key.startsWith(SCENE) ? `subscribed by QR code, scene ${key.slice(SCENE.length)}` : 'subscribed';
}

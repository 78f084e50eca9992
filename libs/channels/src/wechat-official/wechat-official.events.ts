import type { InboundEventInput, Part } from '#normalizer';
import { actionWindow } from '../wechat/app-settings.js';
import type { Fields } from '../wechat/fields.js';
import { commonOf, messageOf, unsupported } from '../wechat/inbound.js';
import { noticeResult, resultOf } from '../wechat/results.js';
import type { WechatOfficialConfig } from './wechat-official.config.js';

/** Scenes of QR codes stand behind this in the key of a `subscribe`. */
const SCENE = 'qrscene_';
const MAX_REASON = 500;

/** After these the account may answer for a minute: taps on its menu (those that open a page do not count), and scans of followers. */
const ACTIONS = new Set(['click', 'scancode_push', 'scancode_waitmsg', 'scan']);

/** Is a message the tap on an option of a menu message? WeChat counts it as one on the menu of the account. */
export function isTap({ bizmsgmenuid }: Fields): boolean {
  return Boolean(bizmsgmenuid);
}

/**
 * What an event says. Following and unfollowing are consent (nobody but followers can write), results of templates and notices are receipts. A tap on the menu of the
 * account is a choice, a page that was opened a link, a place that the phone told a location; the rest is kept as `unsupported` with its
 * name and key. All of these are `automated`: nobody wrote them. Some open a short reply window (`ACTIONS`, following), others none. WeChat
 * writes names of events in mixed case. Sources: "接收事件推送" and sendCustomMessage, developers.weixin.qq.com.
 */
export function eventOf(fields: Fields, config: WechatOfficialConfig): InboundEventInput {
  const { appId } = config;
  const { Event: event = '', EventKey: key = '' } = fields;
  const name = event.toLowerCase();
  const window = ACTIONS.has(name) ? actionWindow(config) : undefined;
  const automated = (part: Part) => messageOf(fields, appId, { part, automated: true, window });
  switch (name) {
    case 'subscribe':
      return { kind: 'opted-in', ...commonOf(fields, appId), reason: sceneOf(key), window: actionWindow(config) };
    case 'unsubscribe':
      return { kind: 'opted-out', ...commonOf(fields, appId), reason: 'unsubscribed', untilWritten: true };
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
  if (!key.startsWith(SCENE)) return 'subscribed';
  return `subscribed by QR code, scene ${key.slice(SCENE.length)}`.slice(0, MAX_REASON).toWellFormed();
}

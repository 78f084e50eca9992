import type { InboundEventInput, Part } from '#normalizer';
import type { VerifiedRequest } from '#transport';
import type { ParsedRequest, VerifyContext } from '../core/adapter.js';
import { actionWindow, guardOf } from '../wechat/app-settings.js';
import { SUCCESS, openCallback } from '../wechat/callback.js';
import type { Fields } from '../wechat/fields.js';
import { messageOf, unsupported } from '../wechat/inbound.js';
import { partOf } from '../wechat/messages.js';
import { noticeResult } from '../wechat/results.js';
import type { WechatMiniProgramConfig } from './wechat-mini-program.config.js';

/** One message or event per callback, in XML or JSON, as the mini program is set up. */
export function parse(request: VerifiedRequest, { config }: VerifyContext<WechatMiniProgramConfig>): ParsedRequest {
  const fields = openCallback(request, guardOf(config));
  const event =
    fields.MsgType === 'event' ? eventOf(fields, config) : messageOf(fields, config.appId, { part: partOf(fields) });
  return { events: [event], reply: SUCCESS };
}

/**
 * Whoever opens the customer service has chosen to: `SessionFrom` is what the button says of where they were. Nobody wrote it, and it can be answered for
 * a minute only. Sources: "接收消息和事件" and sendCustomMessage, developers.weixin.qq.com/miniprogram.
 */
function eventOf(fields: Fields, config: WechatMiniProgramConfig): InboundEventInput {
  const { Event: event = '', SessionFrom: from } = fields;
  const { appId } = config;
  if (event === 'subscribe_msg_sent_event') return noticeResult(fields, appId);
  const entered = event === 'user_enter_tempsession';
  const part: Part = entered && from ? { type: 'choice', optionId: event, label: from } : unsupported('event', event);
  return messageOf(fields, appId, { part, automated: true, ...(entered && { window: actionWindow(config) }) });
}

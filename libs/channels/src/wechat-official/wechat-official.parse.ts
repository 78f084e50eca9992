import type { VerifiedRequest } from '#transport';
import type { ParsedRequest, VerifyContext } from '../core/adapter.js';
import { actionWindow, guardOf } from '../wechat/app-settings.js';
import { SUCCESS, openCallback } from '../wechat/callback.js';
import { messageOf } from '../wechat/inbound.js';
import { partOf } from '../wechat/messages.js';
import { eventOf, isTap } from './wechat-official.events.js';
import type { WechatOfficialConfig } from './wechat-official.config.js';

/** One message or event per callback. */
export function parse(request: VerifiedRequest, { config }: VerifyContext<WechatOfficialConfig>): ParsedRequest {
  const fields = openCallback(request, guardOf(config));
  const event =
    fields.MsgType === 'event'
      ? eventOf(fields, config)
      : messageOf(fields, config.appId, {
          part: partOf(fields),
          ...(isTap(fields) && { window: actionWindow(config) }),
        });
  return { events: [event], reply: SUCCESS };
}

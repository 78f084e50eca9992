import type { ChannelAdapter } from './core/adapter.js';
import { email } from './email/email.adapter.js';
import { http } from './http/http.adapter.js';
import { smsAliyun } from './sms-aliyun/sms-aliyun.adapter.js';
import { smsSmpp } from './sms-smpp/sms-smpp.adapter.js';
import { smsTencent } from './sms-tencent/sms-tencent.adapter.js';
import { smsTwilio } from './sms-twilio/sms-twilio.adapter.js';
import { telegram } from './telegram/telegram.adapter.js';
import { webchat } from './webchat/webchat.adapter.js';
import { wechatMiniProgram } from './wechat-mini-program/wechat-mini-program.adapter.js';
import { wechatOfficial } from './wechat-official/wechat-official.adapter.js';
import { wechaty } from './wechaty/wechaty.adapter.js';
import { wecomKf } from './wecom-kf/wecom-kf.adapter.js';
import { whatsappCloud } from './whatsapp-cloud/whatsapp-cloud.adapter.js';

/** The built-in channels, one line each. */
export const builtinAdapters: readonly ChannelAdapter<unknown, unknown>[] = [
  email,
  http,
  smsAliyun,
  smsSmpp,
  smsTencent,
  smsTwilio,
  telegram,
  webchat,
  wechatMiniProgram,
  wechatOfficial,
  wechaty,
  wecomKf,
  whatsappCloud,
];

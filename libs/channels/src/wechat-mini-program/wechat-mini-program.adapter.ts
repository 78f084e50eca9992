import type { ChannelAdapter } from '../core/adapter.js';
import { Capabilities } from '../core/capabilities.js';
import { guardOf } from '../wechat/app-settings.js';
import { MAX_CALLBACK_BYTES, verifyCallback } from '../wechat/callback.js';
import { wechatMiniProgramConfig, type WechatMiniProgramConfig } from './wechat-mini-program.config.js';
import { parse } from './wechat-mini-program.parse.js';
import { MAX_IMAGE, check, fetchMedia, native, send, typing } from './wechat-mini-program.send.js';

const capabilities = Capabilities.parse({
  // The page of custom/send names no limit; 2,048 bytes is what accounts meet (45002).
  text: { max: 2_048, unit: 'utf8-bytes' },
  choices: { level: 'fallback' },
  html: 'fallback',
  location: 'fallback',
  contactCard: 'fallback',
  link: 'full',
  card: 'full',
  template: 'full',
  replyTo: 'dropped',
  media: { image: { mimeTypes: ['image/png', 'image/jpeg', 'image/gif'], maxBytes: MAX_IMAGE } },
  receipts: ['delivered', 'failed'],
  typing: true,
  inbound: { edits: false, deletes: false, reactions: false, typing: false },
  window: { hours: 48, messages: 5 },
  initiate: ['wechat-openid'],
  rate: null,
  idempotentSend: false,
});

/** The customer service of WeChat mini programs (小程序客服): callbacks in XML or JSON and in every mode, customer service and subscribe messages. */
export const wechatMiniProgram: ChannelAdapter<WechatMiniProgramConfig> = {
  type: 'wechat-mini-program',
  title: 'WeChat Mini Program',
  config: wechatMiniProgramConfig,
  continuity: 'contact',
  capabilities,
  capabilitiesOf: ({ appId, windowHours: hours, windowMessages: messages }) => ({
    ...capabilities,
    window: { hours, messages },
    initiate: [`wechat-openid/${appId}`],
  }),
  ingress: {
    webhook: {
      guard: 'signature',
      maxBytes: MAX_CALLBACK_BYTES,
      verify: (request, { config, now }) => verifyCallback(request, guardOf(config), now),
      parse,
    },
  },
  native,
  send,
  check,
  fetchMedia,
  typing,
};

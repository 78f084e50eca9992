import type { ChannelAdapter } from '../core/adapter.js';
import { Capabilities } from '../core/capabilities.js';
import { guardOf } from '../wechat/app-settings.js';
import { MAX_CALLBACK_BYTES, verifyCallback } from '../wechat/callback.js';
import { wechatOfficialConfig, type WechatOfficialConfig } from './wechat-official.config.js';
import { parse } from './wechat-official.parse.js';
import { MAX_BYTES, check, fetchMedia, native, profile, send, typing } from './wechat-official.send.js';

const sound = { mimeTypes: ['audio/amr', 'audio/mpeg'], maxBytes: MAX_BYTES.voice };

const capabilities = Capabilities.parse({
  // The page of custom/send names no limit; 2,048 bytes is what accounts meet (45002).
  text: { max: 2_048, unit: 'utf8-bytes' },
  // No limits are documented: those of WeCom's menus.
  choices: { level: 'full', maxOptions: 10, maxLabel: 128 },
  html: 'fallback',
  location: 'fallback',
  contactCard: 'fallback',
  link: 'full',
  card: 'full',
  template: 'full',
  replyTo: 'dropped',
  media: {
    image: { mimeTypes: ['image/png', 'image/jpeg', 'image/gif'], maxBytes: MAX_BYTES.image },
    voice: sound,
    audio: sound,
    video: { mimeTypes: ['video/mp4'], maxBytes: MAX_BYTES.video },
  },
  receipts: ['delivered', 'failed'],
  typing: true,
  inbound: { edits: false, deletes: false, reactions: false, typing: false },
  window: { hours: 48, messages: 5 },
  initiate: ['wechat-openid'],
  rate: null,
  idempotentSend: false,
});

/** WeChat official accounts (微信公众号): callbacks in every mode, customer service messages, templates and notices. */
export const wechatOfficial: ChannelAdapter<WechatOfficialConfig> = {
  type: 'wechat-official',
  title: 'WeChat Official Account',
  config: wechatOfficialConfig,
  continuity: 'contact',
  capabilities,
  capabilitiesOf: ({ appId, windowHours: hours, windowMessages: messages, menus }) => ({
    ...capabilities,
    choices: menus ? capabilities.choices : { level: 'fallback' },
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
  profile,
  typing,
};

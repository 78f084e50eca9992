import type { ChannelAdapter } from '../core/adapter.js';
import { Capabilities } from '../core/capabilities.js';
import { MAX_CALLBACK_BYTES, verifyCallback } from '../wechat/callback.js';
import { check } from './wecom-kf.api.js';
import { guardOf, wecomKfConfig, type WecomKfConfig } from './wecom-kf.config.js';
import { MAX_BYTES, MAX_OPTIONS, PICTURES, native } from './wecom-kf.content.js';
import { parse } from './wecom-kf.parse.js';
import { fetchMedia, profile, send } from './wecom-kf.send.js';
import { poll } from './wecom-kf.sync.js';

const capabilities = Capabilities.parse({
  text: { max: 2_048, unit: 'utf8-bytes' },
  choices: { level: 'full', maxOptions: MAX_OPTIONS, maxLabel: 128 },
  html: 'fallback',
  location: 'full',
  contactCard: 'fallback',
  link: 'full',
  card: 'full',
  template: 'full',
  replyTo: 'dropped',
  media: {
    image: { mimeTypes: PICTURES, maxBytes: MAX_BYTES.image },
    voice: { mimeTypes: ['audio/amr'], maxBytes: MAX_BYTES.voice },
    video: { mimeTypes: ['video/mp4'], maxBytes: MAX_BYTES.video },
    file: { mimeTypes: ['*/*'], maxBytes: MAX_BYTES.file },
  },
  receipts: ['failed'],
  typing: false,
  inbound: { edits: false, deletes: true, reactions: false, typing: false },
  window: { hours: 48, messages: 5 },
  // Nobody can be written to who has not written: there is nothing to begin with.
  initiate: [],
  rate: null,
  idempotentSend: false,
});

/** WeCom customer service (微信客服): callbacks announce, `sync_msg` is polled, sessions can be given to agents in WeCom. */
export const wecomKf: ChannelAdapter<WecomKfConfig> = {
  type: 'wecom-kf',
  title: 'WeCom Customer Service',
  config: wecomKfConfig,
  continuity: 'contact',
  capabilities,
  capabilitiesOf: ({ windowHours: hours, windowMessages: messages }) => ({
    ...capabilities,
    window: { hours, messages },
  }),
  ingress: {
    webhook: {
      guard: 'signature',
      maxBytes: MAX_CALLBACK_BYTES,
      verify: (request, { config, now }) => verifyCallback(request, guardOf(config), now),
      parse,
    },
    // Callbacks that never came are made up for by this; WeCom limits calls without the token of one.
    poll: { everyMs: 60_000, poll },
  },
  native,
  send,
  check,
  fetchMedia,
  profile,
};
